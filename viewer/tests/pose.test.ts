import { describe, expect, it } from "vitest";

import { cameraRotation, playcanvasFromWorld, plyFromWorld } from "../src/core/axes";
import { basisOf, mixPose, poseOf, poseOfCamera, wrapAngle, type Pose } from "../src/core/pose";
import { cross, dot, type Vec3 } from "../src/core/vec";
import { cameraAt, expectNear } from "./cameras";

const POSES: readonly Pose[] = [
  { position: [0, 0, 0], yaw: 0, pitch: 0, roll: 0 },
  { position: [1, -2, 3], yaw: 0.7, pitch: -0.4, roll: 0.2 },
  { position: [-4, 5, 0.5], yaw: -2.9, pitch: 1.2, roll: -1.4 },
  { position: [0, 1, 0], yaw: 3, pitch: -1.5, roll: 3 },
];

describe("pose", () => {
  it("looks along world +y at yaw 0, with x to the right and z up", () => {
    const { right, down, forward } = basisOf({ position: [0, 0, 0], yaw: 0, pitch: 0, roll: 0 });
    expectNear(right, [1, 0, 0]);
    expectNear(down, [0, 0, -1]);
    expectNear(forward, [0, 1, 0]);
  });

  it("turns to the right with yaw, up with pitch, and leans to the right with roll", () => {
    expectNear(basisOf({ position: [0, 0, 0], yaw: Math.PI / 2, pitch: 0, roll: 0 }).forward, [1, 0, 0]);
    expectNear(basisOf({ position: [0, 0, 0], yaw: 0, pitch: Math.PI / 2, roll: 0 }).forward, [0, 0, 1]);
    expectNear(basisOf({ position: [0, 0, 0], yaw: 0, pitch: 0, roll: Math.PI / 2 }).right, [0, 0, -1]);
  });

  it.each(POSES)("has right-handed orthonormal axes: %o", (pose) => {
    const { right, down, forward } = basisOf(pose);
    expectNear(cross(right, down), forward, 1e-12);
    expect(dot(right, down)).toBeCloseTo(0, 12);
    expect(dot(right, right)).toBeCloseTo(1, 12);
  });

  it.each(POSES)("comes back from its axes and from its matrix: %o", (pose) => {
    const again = poseOf(pose.position, basisOf(pose));
    expectNear([again.yaw, again.pitch, again.roll].map(wrapAngle), [pose.yaw, pose.pitch, pose.roll], 1e-9);
    const fromCamera = poseOfCamera(cameraAt(pose).cam_from_world);
    expectNear(fromCamera.position, pose.position, 1e-12);
    expectNear(basisOf(fromCamera).right, basisOf(pose).right, 1e-9);
  });

  it("keeps a heading when it looks straight down", () => {
    const axes = { right: [0, 1, 0] as Vec3, down: [1, 0, 0] as Vec3, forward: [0, 0, -1] as Vec3 };
    const back = basisOf(poseOf([0, 0, 0], axes));
    expectNear(back.right, axes.right, 1e-9);
    expectNear(back.down, axes.down, 1e-9);
  });

  it("turns the short way round", () => {
    const from: Pose = { position: [0, 0, 0], yaw: 3, pitch: 0, roll: 0 };
    const middle = mixPose(from, { ...from, yaw: -3 }, 0.5);
    expect(Math.abs(wrapAngle(middle.yaw))).toBeCloseTo(Math.PI, 6);
    expect(wrapAngle(3 * Math.PI)).toBeCloseTo(Math.PI, 12);
  });
});

describe("axes", () => {
  it("are those of docs/conventions.md", () => {
    expect(playcanvasFromWorld([1, 2, 3])).toEqual([1, 3, -2]);
    expect(plyFromWorld([1, 2, 3])).toEqual([1, -3, 2]);
  });

  it("make a PlayCanvas camera look along its own -z with y up", () => {
    const level = cameraRotation(basisOf({ position: [0, 0, 0], yaw: 0, pitch: 0, roll: 0 }));
    expectNear(level, [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]);
  });
});
