import { describe, expect, it } from "vitest";

import type { FrameInfo } from "../src/api_types";
import { describeFrame, formatBytes, formatCount, formatLength, plural } from "../src/core/format";
import { frustumDepth, frustumLines, insidePolygon, makeFrustum, pickFrustum } from "../src/core/frusta";
import { commandOf, isSteeringKey, steeringOf } from "../src/core/keys";
import { freeLens, project } from "../src/core/lens";
import { basisOf, type Pose } from "../src/core/pose";
import { surfaceAlong, type SplatCloud } from "../src/core/surface";
import { mix, type Vec3 } from "../src/core/vec";
import { extentOf, startView } from "../src/core/views";
import { cameraAt, expectNear } from "./cameras";

const CAMERA_POSE: Pose = { position: [0, -2, 1], yaw: 0, pitch: 0, roll: 0 };
const VIEWER: Pose = { position: [0, -8, 1], yaw: 0, pitch: 0, roll: 0 };
const LENS = freeLens({ width: 800, height: 600 });

describe("frusta", () => {
  const frustum = makeFrustum(cameraAt(CAMERA_POSE, { centre_x_px: 240, centre_y_px: 135 }), 0.5);

  it("have the picture's corners, top left first", () => {
    const [topLeft, topRight, bottomRight] = frustum.corners;
    expectNear(topLeft, [(-240 / 400) * 0.5, -1.5, 1 + (135 / 390) * 0.5]);
    expect(topRight[0]).toBeGreaterThan(topLeft[0]);
    expect(bottomRight[2]).toBeLessThan(topRight[2]);
    expect(frustum.top[2][2]).toBeGreaterThan(topLeft[2]); // the mark is above
    expect(frustumLines(frustum).length % 2).toBe(0);
  });

  it("are hit inside and just beside, and nowhere else", () => {
    const basis = basisOf(VIEWER);
    const pick = (x: number, y: number): number | null =>
      pickFrustum([frustum], x, y, VIEWER.position, basis, LENS);
    const middle = project(frustum.apex, VIEWER.position, basis, LENS);
    const corner = project(frustum.corners[0], VIEWER.position, basis, LENS);
    expect(pick(middle.x, middle.y)).toBe(0);
    expect(pick((middle.x + corner.x) / 2, (middle.y + corner.y) / 2)).toBe(0);
    expect(pick(corner.x - 6, corner.y)).toBe(0); // fingers are thick
    expect(pick(corner.x - 60, corner.y)).toBeNull();
    const turned = basisOf({ ...VIEWER, yaw: Math.PI });
    expect(pickFrustum([frustum], middle.x, middle.y, VIEWER.position, turned, LENS)).toBeNull();
  });

  it("the nearer one wins", () => {
    const farther = makeFrustum(cameraAt({ ...CAMERA_POSE, position: [0, 1, 1] }), 0.5);
    const hit = pickFrustum([farther, frustum], 400, 300, VIEWER.position, basisOf(VIEWER), LENS);
    expect(hit).toBe(1);
  });

  it("are as deep as the cameras stand apart, within reason", () => {
    const line = (step: number): Vec3[] => [0, 1, 2, 3].map((i) => [i * step, 0, 0]);
    expect(frustumDepth(line(0.1), 5)).toBeCloseTo(0.04, 6); // never invisible
    expect(frustumDepth(line(0.3), 5)).toBeCloseTo(0.105, 6);
    expect(frustumDepth(line(4), 5)).toBeCloseTo(0.3, 6); // never huge
    expect(frustumDepth([[0, 0, 0]], 5)).toBeGreaterThan(0);
    expect(frustumDepth([], 5)).toBeGreaterThan(0);
  });

  it("a polygon knows its inside, bent ones too", () => {
    const bent = [
      { x: 0, y: 0 },
      { x: 4, y: 0 },
      { x: 4, y: 4 },
      { x: 2, y: 1 },
      { x: 0, y: 4 },
    ];
    expect(insidePolygon(bent, 1, 1)).toBe(true);
    expect(insidePolygon(bent, 2, 3)).toBe(false);
  });
});

describe("surface", () => {
  const wall = (opacity: number, y: number[]): SplatCloud => ({
    x: y.map(() => 0.01),
    y,
    z: y.map(() => 1),
    radius: y.map(() => 0.1),
    opacity: y.map(() => opacity),
  });

  it("lies where half of the light is gone", () => {
    expect(surfaceAlong(wall(0.9, [5, 3, 9]), [0, 0, 1], [0, 1, 0])).toBeCloseTo(3, 6);
    expect(surfaceAlong(wall(0.4, [5, 3, 9]), [0, 0, 1], [0, 1, 0])).toBeCloseTo(5, 6); // the first is a veil
  });

  it("is not behind the eye, nor around it, nor beside the ray", () => {
    expect(surfaceAlong(wall(0.9, [-3, 0.05]), [0, 0, 1], [0, 1, 0])).toBeNull();
    expect(surfaceAlong(wall(0.9, [3]), [1, 0, 1], [0, 1, 0])).toBeNull();
    expect(surfaceAlong(wall(0.9, []), [0, 0, 0], [0, 1, 0])).toBeNull();
  });
});

describe("views", () => {
  const extent = extentOf({ min: [-1, -1, 0], max: [1, 1, 2] });

  it("start at the given camera, level, looking into the set", () => {
    const { pose, focus } = startView([cameraAt({ ...CAMERA_POSE, roll: 0.5 })], 0, extent);
    expectNear(pose.position, CAMERA_POSE.position, 1e-12);
    expect(pose.roll).toBe(0);
    expect(focus).toBeCloseTo(2, 9);
  });

  it("see everything from outside when there is no camera", () => {
    const { pose, focus } = startView([], null, extent);
    const seen = project(extent.centre, pose.position, basisOf(pose), LENS);
    expectNear([seen.x, seen.y], [400, 300], 1e-6);
    expect(focus).toBeGreaterThan(extent.radius);
    expectNear(extent.centre, mix([-1, -1, 0], [1, 1, 2], 0.5));
  });
});

describe("format", () => {
  const frame: FrameInfo = { upright: true, floor: true, scale_known: false, unit: "m", scale_error: null };

  it("never says metres where the scale is unknown", () => {
    expect(formatLength(2.406, frame)).toBe("2.41 units");
    expect(formatLength(2.406, { ...frame, scale_known: true })).toBe("2.41 m");
    expect(formatLength(24.06, frame)).toBe("24.1 units");
    expect(formatLength(240.6, frame)).toBe("241 units");
    expect(describeFrame(frame)).toBe("scale unknown");
    expect(describeFrame({ ...frame, upright: false })).toBe("scale unknown, may be tilted");
    expect(describeFrame({ ...frame, scale_known: true })).toBe("lengths in m");
    expect(describeFrame({ ...frame, scale_known: true, scale_error: 0.00412 })).toBe(
      "lengths in m ± 0.41 %",
    );
  });

  it("counts", () => {
    expect(formatCount(152746)).toBe("152,746");
    expect(plural(1, "photo")).toBe("1 photo");
    expect(plural(0, "photo")).toBe("0 photos");
    expect(formatBytes(999)).toBe("999 B");
    expect(formatBytes(24_801_531)).toBe("24.8 MB");
    expect(formatBytes(2e11)).toBe("200 GB");
  });
});

describe("keys", () => {
  it("held together add up and cancel", () => {
    expect(steeringOf(new Set(["KeyW", "KeyD", "ShiftLeft"]))).toMatchObject({
      forward: 1,
      right: 1,
      fast: true,
    });
    expect(steeringOf(new Set(["KeyW", "KeyS"])).forward).toBe(0);
    expect(steeringOf(new Set(["Tab"]))).toMatchObject({ forward: 0, fast: false });
  });

  it("mean what the help says", () => {
    expect(commandOf("F")).toBe("frame");
    expect(commandOf("?")).toBe("help");
    expect(commandOf("Escape")).toBe("escape");
    expect(commandOf("x")).toBeNull();
    expect(isSteeringKey("ArrowUp")).toBe(true);
    expect(isSteeringKey("KeyF")).toBe(false);
  });
});
