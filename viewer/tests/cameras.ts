/** Cameras for the tests, made as the server describes them. */

import type { CaptureCamera } from "../src/api_types";
import { basisOf, type Pose } from "../src/core/pose";
import { dot, scale, type Vec3 } from "../src/core/vec";

export function cameraAt(pose: Pose, change: Partial<CaptureCamera> = {}): CaptureCamera {
  const { right, down, forward } = basisOf(pose);
  const row = (axis: Vec3): number[] => [...axis, dot(axis, scale(pose.position, -1))];
  return {
    name: "a.jpg",
    split: "train",
    width: 480,
    height: 270,
    focal_x_px: 400,
    focal_y_px: 390,
    centre_x_px: 250,
    centre_y_px: 130,
    cam_from_world: [row(right), row(down), row(forward), [0, 0, 0, 1]],
    photo_url: "/api/photos/0",
    thumbnail_url: "/api/photos/0/thumbnail",
    ...change,
  };
}

export function expectNear(actual: readonly number[], expected: readonly number[], tolerance = 1e-9): void {
  if (actual.length !== expected.length) {
    throw new Error(`${actual.length} numbers, expected ${expected.length}`);
  }
  actual.forEach((value, i) => {
    const wanted = expected[i] ?? NaN;
    if (!(Math.abs(value - wanted) <= tolerance)) {
      throw new Error(`[${actual.join(", ")}] is not near [${expected.join(", ")}]`);
    }
  });
}
