import { describe, expect, it } from "vitest";

import {
  freeLens,
  mixLens,
  photoLens,
  photoRect,
  project,
  projectionMatrix,
  projectLine,
  rayAt,
  resizeLens,
} from "../src/core/lens";
import { basisOf, type Pose } from "../src/core/pose";
import { add, scale, type Vec3 } from "../src/core/vec";
import { cameraAt, expectNear } from "./cameras";

const POSE: Pose = { position: [1, -2, 1.5], yaw: 0.4, pitch: -0.2, roll: 0.1 };
const BASIS = basisOf(POSE);
const POINT: Vec3 = [1.8, 1.4, 0.9];

/** What the camera's own pinhole says, from its matrix. */
function pinhole(camera: ReturnType<typeof cameraAt>, point: Vec3): [number, number] {
  const [x, y, z] = [0, 1, 2].map((i) => {
    const r = camera.cam_from_world[i] ?? [];
    return (r[0] ?? 0) * point[0] + (r[1] ?? 0) * point[1] + (r[2] ?? 0) * point[2] + (r[3] ?? 0);
  }) as [number, number, number];
  return [(camera.focal_x_px * x) / z + camera.centre_x_px, (camera.focal_y_px * y) / z + camera.centre_y_px];
}

describe("lens", () => {
  it.each([
    { width: 480, height: 270 },
    { width: 390, height: 780 },
    { width: 1600, height: 500 },
  ])("shows a photo's pixels where the photo lies in a view of %o", (view) => {
    const camera = cameraAt(POSE);
    const rect = photoRect(camera, view);
    const [x, y] = pinhole(camera, POINT);
    const seen = project(POINT, POSE.position, BASIS, photoLens(camera, view));
    expect(seen.x).toBeCloseTo(rect.left + (x / camera.width) * rect.width, 9);
    expect(seen.y).toBeCloseTo(rect.top + (y / camera.height) * rect.height, 9);
    expect(rect.left * rect.top).toBe(0); // bars at two sides only
  });

  it("makes an OpenGL matrix that agrees with the projection", () => {
    const view = { width: 640, height: 360 };
    const lens = { focalX: 500, focalY: 480, centreX: 300, centreY: 200 };
    const m = projectionMatrix(lens, view, 0.1, 100);
    const seen = project(POINT, POSE.position, BASIS, lens);
    // Eye space of OpenGL: y up, z backward.
    const eye = [
      ((seen.x - lens.centreX) / lens.focalX) * seen.depth,
      (-(seen.y - lens.centreY) / lens.focalY) * seen.depth,
      -seen.depth,
      1,
    ];
    const clip = [0, 1, 2, 3].map((r) => eye.reduce((sum, e, c) => sum + (m[4 * c + r] ?? 0) * e, 0));
    const [cx, cy, cz, cw] = clip as [number, number, number, number];
    expect(((cx / cw + 1) / 2) * view.width).toBeCloseTo(seen.x, 9);
    expect(((1 - cy / cw) / 2) * view.height).toBeCloseTo(seen.y, 9);
    expect(Math.abs(cz / cw)).toBeLessThan(1);
  });

  it("finds the ray of a pixel", () => {
    const lens = freeLens({ width: 300, height: 600 });
    const target = add(POSE.position, scale(rayAt(40, 500, BASIS, lens), 7));
    const seen = project(target, POSE.position, BASIS, lens);
    expectNear([seen.x, seen.y], [40, 500], 1e-9);
  });

  it("zooms by equal factors and survives a change of size", () => {
    const a = freeLens({ width: 800, height: 400 });
    const b = { ...a, focalX: a.focalX * 4, focalY: a.focalY * 4 };
    expect(mixLens(a, b, 0.5).focalX).toBeCloseTo(a.focalX * 2, 9);
    expectNear(Object.values(mixLens(a, b, 1)), Object.values(b), 1e-9);
    const resized = resizeLens(a, { width: 800, height: 400 }, { width: 400, height: 200 });
    expectNear(Object.values(resized), Object.values(freeLens({ width: 400, height: 200 })), 1e-9);
  });

  it("cuts lines off in front of the camera", () => {
    const ahead = add(POSE.position, scale(BASIS.forward, 3));
    const behind = add(POSE.position, scale(BASIS.forward, -3));
    const lens = freeLens({ width: 300, height: 200 });
    const line = projectLine(ahead, behind, POSE.position, BASIS, lens, 0.5);
    expect(line?.[1].depth).toBeCloseTo(0.5, 9);
    expect(projectLine(behind, behind, POSE.position, BASIS, lens, 0.5)).toBeNull();
  });
});
