/** The splats as something that a ray can meet. */

import type { Vec3 } from "./vec";

/** What is needed of N splats, in any axes, as long as the ray has the same. */
export interface SplatCloud {
  readonly x: ArrayLike<number>;
  readonly y: ArrayLike<number>;
  readonly z: ArrayLike<number>;
  /** Standard deviation of each, averaged over its axes. */
  readonly radius: ArrayLike<number>;
  /** 0 to 1. */
  readonly opacity: ArrayLike<number>;
}

const MIN_ALPHA = 0.02; // fainter touches do not count
const MAX_HITS = 4096;

/**
 * How far along a ray the splats have swallowed half of the light; null where they never do.
 *
 * Splats are taken as balls: good enough to choose what to turn around, and not a measurement.
 */
export function surfaceAlong(cloud: SplatCloud, origin: Vec3, direction: Vec3): number | null {
  const hits: { t: number; alpha: number }[] = [];
  const [ox, oy, oz] = origin;
  const [dx, dy, dz] = direction;
  const count = cloud.x.length;
  for (let i = 0; i < count; i++) {
    const px = (cloud.x[i] ?? 0) - ox;
    const py = (cloud.y[i] ?? 0) - oy;
    const pz = (cloud.z[i] ?? 0) - oz;
    const t = px * dx + py * dy + pz * dz;
    if (t <= 0) {
      continue;
    }
    const radius = cloud.radius[i] ?? 0;
    const squared = px * px + py * py + pz * pz - t * t;
    if (squared > 9 * radius * radius || t < radius) {
      continue; // three deviations aside, or around the eye
    }
    const alpha = (cloud.opacity[i] ?? 0) * Math.exp(-squared / (2 * radius * radius));
    if (alpha >= MIN_ALPHA) {
      hits.push({ t, alpha });
    }
  }
  hits.sort((a, b) => a.t - b.t);
  let light = 1;
  for (const hit of hits.slice(0, MAX_HITS)) {
    light *= 1 - hit.alpha;
    if (light < 0.5) {
      return hit.t;
    }
  }
  return null;
}
