/** The page at work: input steers the rig, the rig moves the stage, and the photos lie over both. */

import type { SetInfo } from "./api_types";
import { plyFromWorld } from "./core/axes";
import { describeFrame, formatCount, formatLength, plural } from "./core/format";
import { frustumDepth, makeFrustum, pickFrustum, type Frustum } from "./core/frusta";
import type { Command } from "./core/keys";
import { photoLens, rayAt, type Lens, type Size } from "./core/lens";
import { basisOf, poseOfCamera, type Pose } from "./core/pose";
import { Rig, type Mode } from "./core/rig";
import { surfaceAlong, type SplatCloud } from "./core/surface";
import { add, scale } from "./core/vec";
import { extentOf, startView, type Extent } from "./core/views";
import type { Stage } from "./render/stage";
import { Compare } from "./ui/compare";
import { announce, element, press } from "./ui/dom";
import { Input, type InputTarget } from "./ui/input";
import { Lines } from "./ui/lines";
import { Strip } from "./ui/strip";

/** A place to look from, as the test hook passes it. */
export interface View extends Pose {
  readonly focus: number;
}

export class Page implements InputTarget {
  readonly rig: Rig;
  private readonly canvas = element("view", HTMLCanvasElement);
  private readonly lines = new Lines(element("lines", HTMLCanvasElement));
  private readonly readout = element("readout", HTMLParagraphElement);
  private readonly help = element("help-dialog", HTMLDialogElement);
  private readonly abort = new AbortController();
  private readonly extent: Extent;
  private readonly frusta: readonly Frustum[];
  private readonly input: Input;
  private readonly compare: Compare;
  private readonly strip: Strip;
  private readonly sizes: ResizeObserver;
  private view: Size;
  private showCameras = true;
  private hovered: number | null = null;
  private photo: number | null = null;
  private arrived = false;
  private dirty = true;
  private drawnPose: Pose | null = null;
  private drawnLens: Lens | null = null;

  constructor(
    private readonly info: SetInfo,
    private readonly stage: Stage,
    private readonly cloud: SplatCloud,
  ) {
    this.extent = extentOf(info.scene?.bounds ?? { min: [-1, -1, -1], max: [1, 1, 1] });
    this.view = { width: this.canvas.clientWidth, height: this.canvas.clientHeight };
    this.rig = new Rig(this.view);
    this.rig.speed = this.extent.radius * 0.35;
    const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
    this.rig.instant = calm.matches;
    const centres = info.cameras.map((c) => poseOfCamera(c.cam_from_world).position);
    const depth = frustumDepth(centres, this.extent.radius);
    this.frusta = info.cameras.map((c) => makeFrustum(c, depth));
    this.compare = new Compare({ step: (by) => this.step(by), leave: () => this.leavePhoto() });
    this.strip = new Strip(info.cameras, (index) => this.enterPhoto(index));
    this.input = new Input(this.canvas, this);
    this.sizes = new ResizeObserver(() => this.resize());
    this.sizes.observe(this.canvas);
    const options = { signal: this.abort.signal };
    calm.addEventListener("change", () => (this.rig.instant = calm.matches), options);
    for (const id of ["orbit", "fly", "frame", "cameras", "photos", "help"] as const) {
      element(id, HTMLButtonElement).addEventListener("click", () => this.command(id), options);
    }
    this.open();
  }

  /** One frame: called by the stage. */
  update(seconds: number): void {
    const { steering } = this.input;
    if (steering.forward || steering.right || steering.up || steering.turnRight || steering.turnUp) {
      this.leavePhoto();
    }
    this.rig.update(Math.min(seconds, 0.1), steering); // after a pause, no leap
    // Poses and lenses are never changed in place, so a new one is a new object.
    if (this.rig.pose !== this.drawnPose || this.rig.lens !== this.drawnLens || this.dirty) {
      this.drawnPose = this.rig.pose;
      this.drawnLens = this.rig.lens;
      this.dirty = false;
      this.stage.look(this.rig.pose, this.rig.lens);
      this.drawLines();
      this.writeReadout();
    }
    if (this.photo !== null && !this.arrived && !this.rig.flying) {
      this.arrived = true;
      this.compare.arrive(this.view);
      this.drawLines();
    }
  }

  drag(dx: number, dy: number): void {
    this.leavePhoto();
    this.rig.drag(dx, dy);
  }

  pan(dx: number, dy: number): void {
    this.leavePhoto();
    this.rig.pan(dx, dy);
  }

  dolly(steps: number): void {
    this.leavePhoto();
    this.rig.dolly(steps);
  }

  tap(x: number, y: number): void {
    const index = this.cameraAt(x, y);
    if (index !== null) {
      this.enterPhoto(index);
    }
  }

  doubleTap(x: number, y: number): void {
    if (this.cameraAt(x, y) !== null) {
      return; // the first tap went there
    }
    const { pose, lens } = this.rig;
    const ray = rayAt(x, y, basisOf(pose), lens);
    const far = surfaceAlong(this.cloud, plyFromWorld(pose.position), plyFromWorld(ray));
    if (far === null) {
      announce("Nothing there to turn around.");
      return;
    }
    this.leavePhoto();
    this.setMode("orbit");
    this.rig.lookAt(add(pose.position, scale(ray, far)));
  }

  hover(x: number, y: number): void {
    const index = this.cameraAt(x, y);
    if (index !== this.hovered) {
      this.hovered = index;
      this.canvas.classList.toggle("aiming", index !== null);
      this.canvas.title = index === null ? "" : (this.info.cameras[index]?.name ?? "");
      this.dirty = true;
    }
  }

  command(command: Command): void {
    switch (command) {
      case "orbit":
      case "fly":
        this.setMode(command);
        break;
      case "frame":
        this.leavePhoto();
        this.rig.frame(this.extent.centre, this.extent.radius);
        announce("Everything in view.");
        break;
      case "cameras":
        this.showCameras = !this.showCameras;
        press(element("cameras", HTMLButtonElement), this.showCameras);
        announce(this.showCameras ? "Cameras shown." : "Cameras hidden.");
        this.dirty = true;
        break;
      case "photos":
        this.strip.show(!this.strip.open);
        this.strip.mark(this.photo);
        break;
      case "help":
        this.help.showModal();
        break;
      case "previous":
        this.step(-1);
        break;
      case "next":
        this.step(1);
        break;
      case "compare":
        this.compare.flip();
        break;
      case "escape":
        if (this.photo !== null) {
          this.leavePhoto();
        } else {
          this.strip.show(false);
        }
        break;
    }
  }

  /** Fly to a capture camera and lay its photo over the view. */
  enterPhoto(index: number): void {
    const camera = this.info.cameras[index];
    const frustum = this.frusta[index];
    if (!camera || !frustum) {
      return;
    }
    this.photo = index;
    this.arrived = false;
    this.hovered = null;
    this.compare.announce(camera, index, this.info.cameras.length);
    this.strip.mark(index);
    const forward = basisOf(frustum.pose).forward;
    const far = surfaceAlong(this.cloud, plyFromWorld(frustum.pose.position), plyFromWorld(forward));
    this.rig.flyTo(frustum.pose, far ?? this.rig.focusDistance, photoLens(camera, this.view));
    this.dirty = true;
    announce(`Photo ${index + 1} of ${this.info.cameras.length}: ${camera.name}`);
  }

  leavePhoto(): void {
    if (this.photo === null) {
      return;
    }
    this.photo = null;
    this.compare.close();
    this.strip.mark(null);
    this.rig.release();
    this.dirty = true;
  }

  getView(): View {
    return { ...this.rig.pose, focus: this.rig.focusDistance };
  }

  setView(view: View): void {
    this.leavePhoto();
    this.rig.place(view, view.focus);
    this.dirty = true;
    this.update(0);
  }

  /** The index of the photo that is shown, once the view has arrived there. */
  get shownPhoto(): number | null {
    return this.arrived ? this.photo : null;
  }

  get mode(): Mode {
    return this.rig.mode;
  }

  get camerasShown(): boolean {
    return this.showCameras;
  }

  destroy(): void {
    this.abort.abort();
    this.sizes.disconnect();
    this.input.destroy();
    this.compare.destroy();
    this.strip.destroy();
  }

  private open(): void {
    const { info } = this;
    element("name", HTMLHeadingElement).textContent = info.name;
    document.title = `${info.name} – Setpiece`;
    const facts = [
      plural(info.scene?.splats ?? 0, "splat"),
      plural(info.cameras.length, "photo"),
      describeFrame(info.frame),
    ];
    element("facts", HTMLParagraphElement).textContent = facts.join(" · ");
    element("tools", HTMLDivElement).hidden = false;
    this.readout.hidden = false;
    const noPhotos = info.cameras.length === 0;
    element("cameras", HTMLButtonElement).disabled = noPhotos;
    element("photos", HTMLButtonElement).disabled = noPhotos;
    this.stage.setReach(this.extent.radius);
    this.resize();
    const { pose, focus } = startView(info.cameras, info.start_camera, this.extent);
    const far = surfaceAlong(this.cloud, plyFromWorld(pose.position), plyFromWorld(basisOf(pose).forward));
    this.rig.place(pose, far ?? focus);
    announce(
      `${info.name}: ${formatCount(info.scene?.splats ?? 0)} splats loaded. Press H for the controls.`,
    );
  }

  private resize(): void {
    this.view = { width: this.canvas.clientWidth, height: this.canvas.clientHeight };
    if (this.view.width === 0 || this.view.height === 0) {
      return;
    }
    const camera = this.photo === null ? undefined : this.info.cameras[this.photo];
    const frustum = this.photo === null ? undefined : this.frusta[this.photo];
    this.rig.resize(this.view, camera ? photoLens(camera, this.view) : null);
    if (camera && frustum) {
      this.rig.place(frustum.pose, this.rig.focusDistance, photoLens(camera, this.view));
    }
    this.stage.resize(this.view);
    this.lines.resize(this.view);
    this.compare.resize(this.view);
    this.dirty = true;
  }

  private setMode(mode: Mode): void {
    this.rig.mode = mode;
    press(element("orbit", HTMLButtonElement), mode === "orbit");
    press(element("fly", HTMLButtonElement), mode === "fly");
    announce(mode === "orbit" ? "Orbiting." : "Flying.");
  }

  private step(by: number): void {
    const count = this.info.cameras.length;
    if (count > 0) {
      const from = this.photo ?? (by > 0 ? -1 : count);
      this.enterPhoto((from + by + count) % count);
    }
  }

  private cameraAt(x: number, y: number): number | null {
    if (!this.showCameras || this.photo !== null) {
      return null;
    }
    const { pose, lens } = this.rig;
    return pickFrustum(this.frusta, x, y, pose.position, basisOf(pose), lens);
  }

  private drawLines(): void {
    if (this.showCameras && (this.photo === null || !this.arrived)) {
      const marked = { hovered: this.hovered, shown: this.photo };
      this.lines.draw(this.frusta, this.rig.pose, this.rig.lens, this.extent.radius, marked);
    } else {
      this.lines.clear();
    }
  }

  private writeReadout(): void {
    const { frame } = this.info;
    const parts = [`centre ${formatLength(this.rig.focusDistance, frame)} away`];
    if (frame.floor) {
      parts.push(`${formatLength(this.rig.pose.position[2], frame)} above the floor`);
    }
    this.readout.textContent = parts.join(" · ");
  }
}
