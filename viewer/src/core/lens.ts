/**
 * Pinhole lenses in the pixels of the view, and how photos are framed in it.
 *
 * Pixel positions are CSS pixels from the top left corner; pixel centres lie at half-integers, as in the
 * capture cameras, so a photo scaled into the view needs no half-pixel shifts.
 */

import type { CaptureCamera } from "../api_types";
import type { Basis } from "./pose";
import { add, dot, mixNumber, normalize, scale, sub, type Vec3 } from "./vec";

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Rect extends Size {
  readonly left: number;
  readonly top: number;
}

export interface Lens {
  readonly focalX: number;
  readonly focalY: number;
  readonly centreX: number;
  readonly centreY: number;
}

export interface ScreenPoint {
  readonly x: number;
  readonly y: number;
  readonly depth: number;
}

/** Field of view over the longer side of the view: about that of a phone's main camera. */
export const FREE_VIEW_DEG = 68;

/** The lens for walking about. */
export function freeLens(view: Size): Lens {
  const focal = Math.max(view.width, view.height) / 2 / Math.tan((FREE_VIEW_DEG * Math.PI) / 360);
  return { focalX: focal, focalY: focal, centreX: view.width / 2, centreY: view.height / 2 };
}

/** Where a photo of the given size lies when it is fitted into the view, with bars at two sides. */
export function photoRect(photo: Size, view: Size): Rect {
  const factor = Math.min(view.width / photo.width, view.height / photo.height);
  const width = photo.width * factor;
  const height = photo.height * factor;
  return { left: (view.width - width) / 2, top: (view.height - height) / 2, width, height };
}

/** The lens that makes the view show, inside of `photoRect`, exactly what the camera saw. */
export function photoLens(camera: CaptureCamera, view: Size): Lens {
  const rect = photoRect(camera, view);
  const factorX = rect.width / camera.width;
  const factorY = rect.height / camera.height;
  return {
    focalX: camera.focal_x_px * factorX,
    focalY: camera.focal_y_px * factorY,
    centreX: rect.left + camera.centre_x_px * factorX,
    centreY: rect.top + camera.centre_y_px * factorY,
  };
}

/** From `a` (t = 0) to `b` (t = 1); focal lengths change by equal factors, so a zoom looks steady. */
export function mixLens(a: Lens, b: Lens, t: number): Lens {
  return {
    focalX: a.focalX * (b.focalX / a.focalX) ** t,
    focalY: a.focalY * (b.focalY / a.focalY) ** t,
    centreX: mixNumber(a.centreX, b.centreX, t),
    centreY: mixNumber(a.centreY, b.centreY, t),
  };
}

/** The same lens after the view changed its size: the middle stays in the middle. */
export function resizeLens(lens: Lens, from: Size, to: Size): Lens {
  const factor = Math.max(to.width, to.height) / Math.max(from.width, from.height);
  return {
    focalX: lens.focalX * factor,
    focalY: lens.focalY * factor,
    centreX: to.width / 2 + (lens.centreX - from.width / 2) * factor,
    centreY: to.height / 2 + (lens.centreY - from.height / 2) * factor,
  };
}

/**
 * The OpenGL projection matrix, column-major [16], of a lens: eye space x right, y up, z backward, and
 * normalised depth -1 to 1 between `near` and `far`.
 */
export function projectionMatrix(lens: Lens, view: Size, near: number, far: number): number[] {
  const { focalX, focalY, centreX, centreY } = lens;
  const m = new Array<number>(16).fill(0);
  m[0] = (2 * focalX) / view.width;
  m[5] = (2 * focalY) / view.height;
  m[8] = 1 - (2 * centreX) / view.width;
  m[9] = (2 * centreY) / view.height - 1;
  m[10] = -(far + near) / (far - near);
  m[11] = -1;
  m[14] = (-2 * far * near) / (far - near);
  return m;
}

/** Where a world point appears; depth <= 0 means behind the camera, with a meaningless position. */
export function project(point: Vec3, position: Vec3, basis: Basis, lens: Lens): ScreenPoint {
  const offset = sub(point, position);
  const depth = dot(offset, basis.forward);
  const safe = depth === 0 ? Number.MIN_VALUE : depth;
  return {
    x: lens.centreX + (lens.focalX * dot(offset, basis.right)) / safe,
    y: lens.centreY + (lens.focalY * dot(offset, basis.down)) / safe,
    depth,
  };
}

/** The unit direction in the world that is seen at a pixel. */
export function rayAt(x: number, y: number, basis: Basis, lens: Lens): Vec3 {
  const right = scale(basis.right, (x - lens.centreX) / lens.focalX);
  const down = scale(basis.down, (y - lens.centreY) / lens.focalY);
  return normalize(add(basis.forward, add(right, down)));
}

/** A line in the world as it appears, cut off in front of the camera; null when it lies behind. */
export function projectLine(
  a: Vec3,
  b: Vec3,
  position: Vec3,
  basis: Basis,
  lens: Lens,
  near: number,
): readonly [ScreenPoint, ScreenPoint] | null {
  const depthOf = (p: Vec3): number => dot(sub(p, position), basis.forward);
  const [depthA, depthB] = [depthOf(a), depthOf(b)];
  if (depthA < near && depthB < near) {
    return null;
  }
  const cut = (inside: Vec3, depthIn: number, outside: Vec3, depthOut: number): Vec3 => {
    const t = (depthIn - near) / (depthIn - depthOut);
    return add(inside, scale(sub(outside, inside), t));
  };
  const start = depthA < near ? cut(b, depthB, a, depthA) : a;
  const end = depthB < near ? cut(a, depthA, b, depthB) : b;
  return [project(start, position, basis, lens), project(end, position, basis, lens)];
}
