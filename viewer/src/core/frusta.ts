/** The capture cameras as little pyramids: their lines, and which of them lies under the pointer. */

import type { CaptureCamera } from "../api_types";
import { project, type Lens } from "./lens";
import { basisOf, poseOfCamera, type Basis, type Pose } from "./pose";
import { add, distance, scale, type Vec3 } from "./vec";

/** A pyramid: the camera's centre, and the corners of its picture some way in front of it. */
export interface Frustum {
  readonly pose: Pose;
  readonly apex: Vec3;
  /** Top left, top right, bottom right, bottom left of the picture. */
  readonly corners: readonly [Vec3, Vec3, Vec3, Vec3];
  /** A small triangle above the picture says where its top is. */
  readonly top: readonly [Vec3, Vec3, Vec3];
}

const TAP_SLACK_PX = 14; // how far beside a small pyramid a finger may land

export function makeFrustum(camera: CaptureCamera, depth: number): Frustum {
  const pose = poseOfCamera(camera.cam_from_world);
  const basis = basisOf(pose);
  const at = (x: number, y: number): Vec3 => {
    const right = scale(basis.right, ((x - camera.centre_x_px) / camera.focal_x_px) * depth);
    const down = scale(basis.down, ((y - camera.centre_y_px) / camera.focal_y_px) * depth);
    return add(pose.position, add(scale(basis.forward, depth), add(right, down)));
  };
  const { width: w, height: h } = camera;
  return {
    pose,
    apex: pose.position,
    corners: [at(0, 0), at(w, 0), at(w, h), at(0, h)],
    top: [at(w * 0.35, -h * 0.04), at(w * 0.65, -h * 0.04), at(w * 0.5, -h * 0.2)],
  };
}

/** A depth at which pyramids neither hide each other nor vanish: a third of the usual step between cameras. */
export function frustumDepth(centres: readonly Vec3[], sceneSize: number): number {
  const nearest = centres
    .map((a, i) => Math.min(...centres.filter((_, j) => j !== i).map((b) => distance(a, b))))
    .filter((d) => Number.isFinite(d) && d > 0)
    .sort((a, b) => a - b);
  const usual = nearest[Math.floor(nearest.length / 2)] ?? sceneSize * 0.1;
  return Math.min(Math.max(usual * 0.35, sceneSize * 0.008), sceneSize * 0.06);
}

/** The pyramid as pairs of line ends. */
export function frustumLines(frustum: Frustum): Vec3[] {
  const { apex, corners, top } = frustum;
  const [a, b, c, d] = corners;
  const [left, right, tip] = top;
  return [apex, a, apex, b, apex, c, apex, d, a, b, b, c, c, d, d, a, left, right, right, tip, tip, left];
}

/** The index of the pyramid under a pixel, the nearest one first; null when there is none. */
export function pickFrustum(
  frusta: readonly Frustum[],
  x: number,
  y: number,
  position: Vec3,
  basis: Basis,
  lens: Lens,
  slackPx = TAP_SLACK_PX,
): number | null {
  let best: number | null = null;
  let bestScore = Infinity;
  frusta.forEach((frustum, index) => {
    const points = [frustum.apex, ...frustum.corners].map((p) => project(p, position, basis, lens));
    if (points.some((p) => p.depth <= 0)) {
      return; // around or behind the viewer: nothing to aim at
    }
    const outline = points.slice(1);
    const apex = points[0];
    if (!apex) {
      return;
    }
    const inside = insidePolygon(outline, x, y) || nearTriangles(outline, apex, x, y);
    const away = inside ? 0 : Math.min(...points.map((p) => Math.hypot(p.x - x, p.y - y)));
    if (away > slackPx) {
      return;
    }
    const score = apex.depth * (1 + away);
    if (score < bestScore) {
      best = index;
      bestScore = score;
    }
  });
  return best;
}

interface Flat {
  readonly x: number;
  readonly y: number;
}

function nearTriangles(outline: readonly Flat[], apex: Flat, x: number, y: number): boolean {
  return outline.some((p, i) => {
    const next = outline[(i + 1) % outline.length];
    return next !== undefined && insidePolygon([apex, p, next], x, y);
  });
}

/** Whether a point lies in a polygon, by counting the edges to its right. */
export function insidePolygon(polygon: readonly Flat[], x: number, y: number): boolean {
  let inside = false;
  polygon.forEach((a, i) => {
    const b = polygon[(i + 1) % polygon.length];
    if (b && a.y > y !== b.y > y && x < ((b.x - a.x) * (y - a.y)) / (b.y - a.y) + a.x) {
      inside = !inside;
    }
  });
  return inside;
}
