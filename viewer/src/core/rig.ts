/**
 * The camera that the user steers: goals set by input, approached smoothly and independently of the frame
 * rate, and flights from one view to another.
 */

import { freeLens, mixLens, resizeLens, type Lens, type Size } from "./lens";
import { basisOf, forwardOf, MAX_PITCH, mixPose, wrapAngle, type Pose } from "./pose";
import { add, clamp, distance, mix, mixNumber, scale, sub, type Vec3 } from "./vec";

export type Mode = "orbit" | "fly";

/** What steering keys ask for, each from -1 to 1. */
export interface Steering {
  readonly forward: number;
  readonly right: number;
  readonly up: number;
  readonly turnRight: number;
  readonly turnUp: number;
  readonly fast: boolean;
}

export const STILL: Steering = { forward: 0, right: 0, up: 0, turnRight: 0, turnUp: 0, fast: false };

const GLIDE_S = 0.09; // time in which about two thirds of the way to a goal are made
const LENS_GLIDE_S = 0.16;
const TURN_RAD_PER_S = 1.3; // by keys
const FAST = 4;
const FLIGHT_S = 0.9;
const DRAG_TURN_RAD = Math.PI; // over the shorter side of the view

interface Flight {
  readonly from: Pose;
  readonly to: Pose;
  readonly lensFrom: Lens;
  readonly lensTo: Lens;
  readonly focusFrom: number;
  readonly focusTo: number;
  readonly seconds: number;
  elapsed: number;
}

export class Rig {
  mode: Mode = "orbit";
  /** Set units per second by keys. */
  speed = 1;
  /** No gliding and no flights: for people who asked their system for reduced motion. */
  instant = false;

  private current: Pose;
  private goal: Pose;
  private focus: number; // distance from the camera to what it orbits around
  private goalFocus: number;
  private currentLens: Lens;
  private goalLens: Lens;
  private flight: Flight | null = null;
  private view: Size;

  constructor(view: Size) {
    this.view = view;
    this.current = this.goal = { position: [0, 0, 0], yaw: 0, pitch: 0, roll: 0 };
    this.focus = this.goalFocus = 1;
    this.currentLens = this.goalLens = freeLens(view);
  }

  get pose(): Pose {
    return this.current;
  }

  get lens(): Lens {
    return this.currentLens;
  }

  get focusDistance(): number {
    return this.focus;
  }

  /** The point that orbiting turns around. */
  get pivot(): Vec3 {
    return add(this.current.position, scale(basisOf(this.current).forward, this.focus));
  }

  get flying(): boolean {
    return this.flight !== null;
  }

  /** True when nothing moves until the next input. */
  get resting(): boolean {
    return (
      this.flight === null &&
      this.current === this.goal &&
      this.focus === this.goalFocus &&
      this.currentLens === this.goalLens
    );
  }

  /** Stand at `pose` now, with what is looked at `focus` away. */
  place(pose: Pose, focus: number, lens: Lens = freeLens(this.view)): void {
    this.flight = null;
    this.current = this.goal = pose;
    this.focus = this.goalFocus = Math.max(focus, 1e-6);
    this.currentLens = this.goalLens = lens;
  }

  /** Fly to `pose`, and end with `lens`. */
  flyTo(pose: Pose, focus: number, lens: Lens = freeLens(this.view)): void {
    if (this.instant) {
      this.place(pose, focus, lens);
      return;
    }
    this.flight = {
      from: this.current,
      to: pose,
      lensFrom: this.currentLens,
      lensTo: lens,
      focusFrom: this.focus,
      focusTo: Math.max(focus, 1e-6),
      seconds: FLIGHT_S,
      elapsed: 0,
    };
  }

  /** Turn to look at `point` and orbit around it from now on, from where the camera stands. */
  lookAt(point: Vec3): void {
    const offset = sub(point, this.current.position);
    const far = Math.hypot(...offset);
    if (far < 1e-6) {
      return;
    }
    const pitch = Math.asin(clamp(offset[2] / far, -1, 1));
    const yaw = Math.atan2(offset[0], offset[1]);
    this.flyTo({ position: this.current.position, yaw, pitch, roll: 0 }, far);
  }

  /** Back far enough to see a ball of the given centre and radius, from the side the camera is on. */
  frame(centre: Vec3, radius: number): void {
    const lens = freeLens(this.view);
    const half = Math.min(this.view.width, this.view.height) / 2;
    const away = Math.max(radius, 1e-6) / Math.sin(Math.atan(half / lens.focalX));
    const pitch = clamp(this.current.pitch, -MAX_PITCH / 2, -0.15);
    const forward = forwardOf(this.current.yaw, pitch);
    this.flyTo(
      { position: sub(centre, scale(forward, away)), yaw: this.current.yaw, pitch, roll: 0 },
      away,
      lens,
    );
  }

  /** Use the walking lens and level the horizon: what every steering does first. */
  release(): void {
    this.settleFlight();
    this.goalLens = freeLens(this.view);
    if (this.goal.roll !== 0) {
      this.goal = { ...this.goal, roll: 0 };
    }
  }

  /** A drag by so many pixels: orbit around the pivot, or look around. */
  drag(dx: number, dy: number): void {
    const perPixel = DRAG_TURN_RAD / Math.min(this.view.width, this.view.height);
    // What is seen follows the pointer: before the pivot when orbiting, everything when looking around.
    const sign = this.mode === "orbit" ? 1 : -1;
    this.turn(sign * dx * perPixel, -sign * dy * perPixel);
  }

  /** A drag by so many pixels that moves the camera sideways; what is in focus follows the pointer. */
  pan(dx: number, dy: number): void {
    this.release();
    const { right, down } = basisOf(this.goal);
    const perPixel = this.goalFocus / this.goalLens.focalX;
    const shift = add(scale(right, -dx * perPixel), scale(down, -dy * perPixel));
    this.goal = { ...this.goal, position: add(this.goal.position, shift) };
  }

  /** Come nearer (steps > 0) or go back, by wheel or pinch; 1 step is about 10 % of the distance. */
  dolly(steps: number): void {
    this.release();
    const { forward } = basisOf(this.goal);
    const nearer = Math.max(this.goalFocus * 0.9 ** clamp(steps, -20, 20), 1e-3 * this.speed);
    const way = this.goalFocus - nearer;
    this.goal = { ...this.goal, position: add(this.goal.position, scale(forward, way)) };
    if (this.mode === "orbit") {
      this.goalFocus = nearer;
    }
  }

  /** The view changed its size. `lens`: what to see through when a photo is shown, else the free lens. */
  resize(view: Size, lens: Lens | null): void {
    if (lens) {
      this.settleFlight();
      this.currentLens = this.goalLens = lens;
    } else {
      const free = this.flight === null && this.currentLens === this.goalLens;
      this.goalLens = freeLens(view);
      this.currentLens = free ? this.goalLens : resizeLens(this.currentLens, this.view, view);
      if (this.flight) {
        const lensFrom = resizeLens(this.flight.lensFrom, this.view, view);
        this.flight = { ...this.flight, lensFrom, lensTo: this.goalLens };
      }
    }
    this.view = view;
  }

  /** Go on by `seconds`. */
  update(seconds: number, steering: Steering): void {
    this.steer(seconds, steering);
    if (this.flight) {
      this.advanceFlight(this.flight, seconds);
      return;
    }
    const t = this.instant ? 1 : 1 - Math.exp(-seconds / GLIDE_S);
    this.glide(t);
    if (this.currentLens === this.goalLens) {
      return;
    }
    const lensT = this.instant ? 1 : 1 - Math.exp(-seconds / LENS_GLIDE_S);
    this.currentLens = mixLens(this.currentLens, this.goalLens, lensT);
    if (
      Math.abs(this.currentLens.focalX / this.goalLens.focalX - 1) < 1e-4 &&
      lensNear(this.currentLens, this.goalLens)
    ) {
      this.currentLens = this.goalLens;
    }
  }

  private steer(seconds: number, steering: Steering): void {
    const { forward, right, up, turnRight, turnUp, fast } = steering;
    if (turnRight !== 0 || turnUp !== 0) {
      const sign = this.mode === "orbit" ? -1 : 1; // the arrow moves the camera around, or the gaze
      const amount = TURN_RAD_PER_S * seconds * (fast ? 2 : 1);
      this.turn(sign * turnRight * amount, sign * turnUp * amount);
    }
    if (forward !== 0 || right !== 0 || up !== 0) {
      this.release();
      const basis = basisOf(this.goal);
      const step = this.speed * (fast ? FAST : 1) * seconds;
      const way = add(add(scale(basis.forward, forward), scale(basis.right, right)), [0, 0, up]);
      this.goal = { ...this.goal, position: add(this.goal.position, scale(way, step)) };
    }
  }

  private turn(yaw: number, pitch: number): void {
    this.release();
    const pivot = add(this.goal.position, scale(forwardOf(this.goal.yaw, this.goal.pitch), this.goalFocus));
    const turned: Pose = {
      ...this.goal,
      yaw: this.goal.yaw + yaw,
      pitch: clamp(this.goal.pitch + pitch, -MAX_PITCH, MAX_PITCH),
    };
    this.goal =
      this.mode === "fly"
        ? turned
        : { ...turned, position: sub(pivot, scale(forwardOf(turned.yaw, turned.pitch), this.goalFocus)) };
  }

  /** Approach the goal by the part `t`, keeping the pivot steady in orbit and the position in flight. */
  private glide(t: number): void {
    if (this.current === this.goal && this.focus === this.goalFocus) {
      return;
    }
    const { current, goal } = this;
    const yaw = current.yaw + (goal.yaw - current.yaw) * t;
    const pitch = mixNumber(current.pitch, goal.pitch, t);
    const roll = current.roll + wrapAngle(goal.roll - current.roll) * t;
    const focus = mixNumber(this.focus, this.goalFocus, t);
    if (this.mode === "fly") {
      this.current = { position: mix(current.position, goal.position, t), yaw, pitch, roll };
    } else {
      const pivotOf = (pose: Pose, far: number): Vec3 =>
        add(pose.position, scale(forwardOf(pose.yaw, pose.pitch), far));
      const pivot = mix(pivotOf(current, this.focus), pivotOf(goal, this.goalFocus), t);
      this.current = { position: sub(pivot, scale(forwardOf(yaw, pitch), focus)), yaw, pitch, roll };
    }
    this.focus = focus;
    const near =
      distance(this.current.position, goal.position) < 1e-5 * Math.max(this.goalFocus, 1e-3) &&
      Math.abs(yaw - goal.yaw) + Math.abs(pitch - goal.pitch) + Math.abs(roll - goal.roll) < 1e-5 &&
      Math.abs(focus / this.goalFocus - 1) < 1e-5;
    if (near) {
      this.current = goal;
      this.focus = this.goalFocus;
    }
  }

  private advanceFlight(flight: Flight, seconds: number): void {
    flight.elapsed += seconds;
    const part = clamp(flight.elapsed / flight.seconds, 0, 1);
    const t = part * part * part * (part * (6 * part - 15) + 10); // no jerk at either end
    if (part === 1) {
      this.place(flight.to, flight.focusTo, flight.lensTo);
      return;
    }
    this.current = this.goal = mixPose(flight.from, flight.to, t);
    this.focus = this.goalFocus = mixNumber(flight.focusFrom, flight.focusTo, t);
    this.currentLens = this.goalLens = mixLens(flight.lensFrom, flight.lensTo, t);
  }

  /** Input during a flight ends it where it is. */
  private settleFlight(): void {
    this.flight = null;
  }
}

function lensNear(a: Lens, b: Lens): boolean {
  return Math.abs(a.centreX - b.centreX) + Math.abs(a.centreY - b.centreY) < 0.01;
}
