/** The thin layer over PlayCanvas: a canvas, a camera, splats, and a picture when something changed. */

import {
  AppBase,
  AppOptions,
  Asset,
  CameraComponentSystem,
  Color,
  createGraphicsDevice,
  Entity,
  FILLMODE_NONE,
  GSplatComponentSystem,
  GSplatHandler,
  Mat4,
  Quat,
  RESOLUTION_AUTO,
  TONEMAP_NONE,
  type GSplatData,
} from "playcanvas";

import type { SceneFile } from "../api_types";
import { cameraRotation, PLAYCANVAS_FROM_PLY_DEG, playcanvasFromWorld } from "../core/axes";
import { projectionMatrix, type Lens, type Size } from "../core/lens";
import { basisOf, type Pose } from "../core/pose";
import type { SplatCloud } from "../core/surface";

const BACKGROUND = new Color(0.043, 0.047, 0.055); // as --back in style.css
const MAX_PIXEL_RATIO = 2; // beyond that splats cost more than anyone sees
const QUIET_MS = 250; // without a new sorting result: the picture is final

export class Stage {
  private readonly app: AppBase;
  private readonly camera = new Entity("camera");
  private readonly rotation = new Mat4();
  private readonly quat = new Quat();
  private lens: Lens | null = null;
  private view: Size = { width: 1, height: 1 };
  private near = 0.01;
  private far = 1000;
  private lastChange = 0;
  private framesSinceChange = 0;
  /** The camera moved while the splats were being sorted: PlayCanvas forgets to sort for the new place. */
  private orderIsStale = false;

  private constructor(
    app: AppBase,
    private readonly canvas: HTMLCanvasElement,
  ) {
    this.app = app;
  }

  /** A running stage on `canvas`. Rejects when the browser has no WebGL 2. */
  static async create(canvas: HTMLCanvasElement, onFrame: (seconds: number) => void): Promise<Stage> {
    const device = await createGraphicsDevice(canvas, {
      deviceTypes: ["webgl2"],
      antialias: false,
      powerPreference: "high-performance",
    });
    device.maxPixelRatio = Math.min(window.devicePixelRatio, MAX_PIXEL_RATIO);
    const app = new AppBase(canvas);
    const options = new AppOptions();
    options.graphicsDevice = device;
    options.componentSystems = [CameraComponentSystem, GSplatComponentSystem];
    options.resourceHandlers = [GSplatHandler];
    app.init(options);
    app.setCanvasFillMode(FILLMODE_NONE);
    // The size of the canvas on the page, times the pixel ratio.
    app.setCanvasResolution(RESOLUTION_AUTO);
    app.autoRender = false;
    const stage = new Stage(app, canvas);
    stage.setUp();
    app.on("update", (seconds: number) => {
      stage.sortAgain();
      onFrame(seconds);
    });
    app.start();
    return stage;
  }

  /** Follow the size of the canvas on the page, in CSS pixels. */
  resize(view: Size): void {
    this.view = view;
    this.invalidate();
  }

  /** The distances between which something is drawn, for a scene of the given radius. */
  setReach(radius: number): void {
    this.near = radius * 0.002;
    this.far = radius * 200;
    this.invalidate();
  }

  /** See from `pose` through `lens`. World axes become PlayCanvas axes here. */
  look(pose: Pose, lens: Lens): void {
    this.lens = lens;
    this.camera.setPosition(...playcanvasFromWorld(pose.position));
    this.rotation.set(cameraRotation(basisOf(pose)));
    this.camera.setRotation(this.quat.setFromMat4(this.rotation));
    this.orderIsStale ||= sorting(this.app);
    this.invalidate();
  }

  /** Ask for a new picture. */
  invalidate(): void {
    this.app.renderNextFrame = true;
    this.lastChange = performance.now();
    this.framesSinceChange = 0;
  }

  /** Load the splats; `onProgress` gets the part that has arrived. Rejects with a plain sentence. */
  async load(scene: SceneFile, onProgress: (part: number) => void): Promise<SplatCloud> {
    const response = await fetch(scene.url).catch(() => null);
    if (!response) {
      throw new Error("The server did not answer. Is setpiece view still running?");
    }
    if (!response.ok) {
      throw new Error(
        "The splats could not be read: splats/scene.ply is missing or damaged. Build the set again.",
      );
    }
    const contents = Promise.resolve(response);
    const asset = new Asset("scene", "gsplat", {
      url: scene.url,
      filename: "scene.ply",
      // Typed as bytes, but the PLY parser awaits a response: this one, so that nothing is fetched twice.
      contents: contents as unknown as ArrayBuffer,
    });
    let cloud: SplatCloud | null = null;
    asset.on("progress", (received: number) => onProgress(Math.min(1, received / scene.bytes)));
    asset.on("load:data", (data: GSplatData) => {
      cloud = cloudOf(data);
    });
    await new Promise<void>((resolve, reject) => {
      asset.ready(() => resolve());
      asset.on("error", () =>
        reject(
          new Error("The splats did not arrive whole. Reload the page; if it stays so, build the set again."),
        ),
      );
      this.app.assets.add(asset);
      this.app.assets.load(asset);
    });
    this.app.scene.gsplat.antiAlias = scene.antialias;
    const entity = new Entity("splats");
    entity.addComponent("gsplat", { asset });
    entity.setEulerAngles(...PLAYCANVAS_FROM_PLY_DEG);
    this.app.root.addChild(entity);
    this.invalidate();
    if (!cloud) {
      throw new Error("The splats could not be read.");
    }
    return cloud;
  }

  /** Resolves when the picture will not change any more without input, or after `limitMs`. */
  async settled(limitMs = 60_000): Promise<void> {
    const begun = performance.now();
    const moving = (): boolean =>
      performance.now() - this.lastChange < QUIET_MS ||
      this.framesSinceChange < 3 ||
      this.orderIsStale ||
      sorting(this.app);
    while (moving() && performance.now() - begun < limitMs) {
      await new Promise((resolve) => setTimeout(resolve, 30));
      if (this.framesSinceChange < 3) {
        this.app.renderNextFrame = true;
      }
    }
  }

  /** The picture as PNG, as a data URL, without anything that lies over it. */
  async capture(): Promise<string> {
    await this.settled();
    return new Promise((resolve) => {
      this.app.once("frameend", () => resolve(this.canvas.toDataURL("image/png")));
      this.app.renderNextFrame = true;
    });
  }

  destroy(): void {
    this.app.destroy();
  }

  private sortAgain(): void {
    if (this.orderIsStale && !sorting(this.app)) {
      this.orderIsStale = false;
      for (const manager of splatManagers(this.app)) {
        manager.sortNeeded = true;
      }
      this.invalidate();
    }
  }

  private setUp(): void {
    this.camera.addComponent("camera", {
      clearColor: BACKGROUND,
      // The colours of splats are display-referred already.
      toneMapping: TONEMAP_NONE,
    });
    const camera = this.camera.camera;
    if (camera) {
      camera.calculateProjection = (matrix: Mat4): void => {
        if (this.lens) {
          matrix.set(projectionMatrix(this.lens, this.view, this.near, this.far));
        }
      };
    }
    this.app.root.addChild(this.camera);
    const splats = this.app.scene.gsplat;
    splats.minPixelSize = 0; // small splats carry opacity too
    splats.colorUpdateAngle = 2; // degrees of turn after which view-dependent colours are computed anew
    this.app.systems.gsplat?.on("frame:request", () => this.invalidate());
    this.app.on("frameend", () => {
      this.framesSinceChange++;
    });
  }
}

interface SplatManager {
  sortNeeded?: boolean;
  readonly cpuSorter?: { readonly jobsInFlight?: number } | null;
}

interface Sorters {
  readonly gsplatDirector?: {
    readonly camerasMap?: Map<unknown, { layersMap?: Map<unknown, { gsplatManager?: SplatManager | null }> }>;
  };
}

/**
 * What sorts the splats by depth. PlayCanvas has no public word for it, so this reads its insides (2.23);
 * where they look different it finds nothing, and sorting is as late as PlayCanvas leaves it.
 */
function splatManagers(app: AppBase): SplatManager[] {
  const found: SplatManager[] = [];
  (app.renderer as unknown as Sorters).gsplatDirector?.camerasMap?.forEach((camera) => {
    camera.layersMap?.forEach((layer) => {
      if (layer.gsplatManager) {
        found.push(layer.gsplatManager);
      }
    });
  });
  return found;
}

/** Whether the worker still owes a depth sort. */
const sorting = (app: AppBase): boolean =>
  splatManagers(app).some((m) => (m.cpuSorter?.jobsInFlight ?? 0) > 0);

/** The splats in the axes of the file (RDF), for choosing points. */
function cloudOf(data: GSplatData): SplatCloud {
  const column = (name: string): Float32Array => data.getProp(name) as unknown as Float32Array;
  const scales = [column("scale_0"), column("scale_1"), column("scale_2")];
  const logits = column("opacity");
  const radius = new Float32Array(data.numSplats);
  const opacity = new Float32Array(data.numSplats);
  for (let i = 0; i < data.numSplats; i++) {
    radius[i] = Math.exp(((scales[0]?.[i] ?? 0) + (scales[1]?.[i] ?? 0) + (scales[2]?.[i] ?? 0)) / 3);
    opacity[i] = 1 / (1 + Math.exp(-(logits[i] ?? 0)));
  }
  return { x: column("x").slice(), y: column("y").slice(), z: column("z").slice(), radius, opacity };
}
