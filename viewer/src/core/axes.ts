/**
 * The border between the set's world (Z up) and PlayCanvas (Y up, looking along -z); docs/conventions.md.
 *
 * Everything else in the page is in world axes. Splat files are in RDF, which PlayCanvas sees after half a
 * turn about x.
 */

import type { Basis } from "./pose";
import type { Vec3 } from "./vec";

/** World x, z, -y. */
export const playcanvasFromWorld = (v: Vec3): Vec3 => [v[0], v[2], -v[1]];

/** RDF is x, -z, y of the world. */
export const plyFromWorld = (v: Vec3): Vec3 => [v[0], -v[2], v[1]];

/** Half a turn about x takes RDF to PlayCanvas: degrees about x, y, z. */
export const PLAYCANVAS_FROM_PLY_DEG: Vec3 = [180, 0, 0];

/** The rotation of a PlayCanvas camera (x right, y up, z backward), column-major [16]. */
export function cameraRotation(basis: Basis): number[] {
  const [right, down, forward] = [basis.right, basis.down, basis.forward].map(playcanvasFromWorld) as [
    Vec3,
    Vec3,
    Vec3,
  ];
  return [
    ...[right[0], right[1], right[2], 0],
    ...[-down[0], -down[1], -down[2], 0],
    ...[-forward[0], -forward[1], -forward[2], 0],
    ...[0, 0, 0, 1],
  ];
}
