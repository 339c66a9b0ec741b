/** From an empty page to a set that can be walked through, or to a sentence that says why not. */

import "./style.css";

import { fetchSet } from "./api";
import { formatBytes } from "./core/format";
import { Page, type View } from "./page";
import { Stage } from "./render/stage";
import { element } from "./ui/dom";

/** What tests and other pages may use. World axes, angles in radians. */
export interface Hook {
  /** Resolves when the splats are shown; rejects with the sentence that the page shows. */
  readonly ready: Promise<void>;
  /** The render alone, as a PNG data URL, when it is final. */
  captureFrame(): Promise<string>;
  getView(): View;
  setView(view: View): void;
  /** Resolves when nothing moves any more. */
  settled(): Promise<void>;
  state(): { mode: string; photo: number | null; cameras: boolean };
}

declare global {
  interface Window {
    setpiece: Hook;
  }
}

let page: Page | null = null;
let stage: Stage | null = null;

async function start(): Promise<void> {
  if (!document.createElement("canvas").getContext("webgl2")) {
    throw new Error(
      "This browser cannot draw in 3D: WebGL 2 is missing or switched off. Try a current Firefox, Chrome, Edge or Safari, and switch hardware acceleration on.",
    );
  }
  const info = await fetchSet();
  document.title = `${info.name} – Setpiece`;
  element("name", HTMLHeadingElement).textContent = info.name;
  if (!info.scene) {
    throw new Error(info.problem ?? "This set has nothing to show yet.");
  }
  const text = element("loading-text", HTMLParagraphElement);
  const bar = element("loading-bar", HTMLProgressElement);
  text.textContent = `Loading ${formatBytes(info.scene.bytes)}…`;
  stage = await Stage.create(element("view", HTMLCanvasElement), (seconds) => page?.update(seconds));
  const cloud = await stage.load(info.scene, (part) => (bar.value = part));
  page = new Page(info, stage, cloud);
  await stage.settled(5000); // a tab in the background draws nothing, and need not look as if it loaded
  element("loading", HTMLDivElement).hidden = true;
}

function fail(error: unknown): void {
  element("loading", HTMLDivElement).hidden = true;
  element("problem", HTMLDivElement).hidden = false;
  element("problem-text", HTMLParagraphElement).textContent =
    error instanceof Error ? error.message : "The page failed.";
  element("reload", HTMLButtonElement).addEventListener("click", () => window.location.reload(), {
    once: true,
  });
}

function working<T>(thing: T | null): T {
  if (thing === null) {
    throw new Error("The set is not loaded yet: await setpiece.ready first.");
  }
  return thing;
}

const ready = start();
ready.catch(fail);

window.setpiece = {
  ready,
  captureFrame: () => working(stage).capture(),
  getView: () => working(page).getView(),
  setView: (view) => working(page).setView(view),
  settled: () => working(stage).settled(),
  state: () => {
    const { mode, shownPhoto, camerasShown } = working(page);
    return { mode, photo: shownPhoto, cameras: camerasShown };
  },
};
