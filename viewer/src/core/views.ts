/** Where to stand in a set: at a capture camera, or where a set without cameras is seen whole. */

import type { Bounds, CaptureCamera } from "../api_types";
import { basisOf, forwardOf, poseOfCamera, type Pose } from "./pose";
import { dot, length, mix, scale, sub, type Vec3 } from "./vec";

export interface Extent {
  readonly centre: Vec3;
  /** Radius of a ball around the box. */
  readonly radius: number;
}

const vec = (values: readonly number[]): Vec3 => [values[0] ?? 0, values[1] ?? 0, values[2] ?? 0];

export function extentOf(bounds: Bounds): Extent {
  const min = vec(bounds.min);
  const max = vec(bounds.max);
  return { centre: mix(min, max, 0.5), radius: Math.max(length(sub(max, min)) / 2, 1e-6) };
}

export interface StartView {
  readonly pose: Pose;
  readonly focus: number;
}

/** The view that the page opens with. */
export function startView(
  cameras: readonly CaptureCamera[],
  start: number | null,
  extent: Extent,
): StartView {
  const camera = start === null ? undefined : cameras[start];
  if (camera) {
    const pose = poseOfCamera(camera.cam_from_world);
    const ahead = dot(sub(extent.centre, pose.position), basisOf(pose).forward);
    return { pose: { ...pose, roll: 0 }, focus: Math.max(ahead, extent.radius * 0.2) };
  }
  const [yaw, pitch, focus] = [0.6, -0.35, extent.radius * 2.2];
  const position = sub(extent.centre, scale(forwardOf(yaw, pitch), focus));
  return { pose: { position, yaw, pitch, roll: 0 }, focus };
}
