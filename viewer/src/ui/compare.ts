/** The photo over the render: where it lies, how much of it shows, and the bar that steers both. */

import type { CaptureCamera } from "../api_types";
import { photoRect, type Size } from "../core/lens";
import { element } from "./dom";

export interface CompareActions {
  step(by: number): void;
  leave(): void;
}

export class Compare {
  private readonly matte = element("matte", HTMLDivElement);
  private readonly photo = element("photo", HTMLImageElement);
  private readonly bar = element("compare", HTMLElement);
  private readonly name = element("photo-name", HTMLSpanElement);
  private readonly range = element("fade-range", HTMLInputElement);
  private readonly abort = new AbortController();
  private camera: CaptureCamera | null = null;

  constructor(actions: CompareActions) {
    const options = { signal: this.abort.signal };
    const on = (id: string, act: () => void): void =>
      element(id, HTMLButtonElement).addEventListener("click", act, options);
    on("previous", () => actions.step(-1));
    on("next", () => actions.step(1));
    on("leave", () => actions.leave());
    this.range.addEventListener("input", () => this.setFade(this.range.valueAsNumber / 100), options);
    this.photo.addEventListener(
      "error",
      () => {
        if (this.camera) {
          this.name.textContent = `${this.camera.name}: the photo is missing from the set`;
        }
      },
      options,
    );
  }

  /** How much of the photo shows, 0 to 1. */
  get fade(): number {
    return this.range.valueAsNumber / 100;
  }

  /** Show the bar for a camera that the view is flying to. */
  announce(camera: CaptureCamera, index: number, count: number): void {
    this.camera = camera;
    this.bar.hidden = false;
    this.matte.hidden = true;
    const held = camera.split === "test" ? ", held out of training" : "";
    this.name.textContent = `${camera.name} (${index + 1} of ${count}${held})`;
    if (this.photo.getAttribute("src") !== camera.photo_url) {
      this.photo.src = camera.photo_url;
    }
  }

  /** Lay the photo over the view, once it has arrived there. */
  arrive(view: Size): void {
    this.matte.hidden = false;
    this.resize(view);
    this.setFade(1);
  }

  resize(view: Size): void {
    if (!this.camera) {
      return;
    }
    const rect = photoRect(this.camera, view);
    const { style } = this.matte;
    style.left = `${rect.left}px`;
    style.top = `${rect.top}px`;
    style.width = `${rect.width}px`;
    style.height = `${rect.height}px`;
  }

  /** Swap photo and render. */
  flip(): void {
    this.setFade(this.fade > 0.5 ? 0 : 1);
  }

  setFade(part: number): void {
    const percent = Math.round(part * 100);
    this.range.value = String(percent);
    this.range.setAttribute("aria-valuetext", `${percent} % photo`);
    this.photo.style.opacity = String(part);
  }

  close(): void {
    this.camera = null;
    this.bar.hidden = true;
    this.matte.hidden = true;
  }

  destroy(): void {
    this.abort.abort();
  }
}
