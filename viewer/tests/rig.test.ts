import { describe, expect, it } from "vitest";

import { freeLens, project } from "../src/core/lens";
import { basisOf, MAX_PITCH, type Pose } from "../src/core/pose";
import { Rig, STILL, type Steering } from "../src/core/rig";
import { distance, type Vec3 } from "../src/core/vec";
import { expectNear } from "./cameras";

const VIEW = { width: 800, height: 450 };
const START: Pose = { position: [0, -4, 1], yaw: 0, pitch: -0.1, roll: 0 };

function rigAt(pose: Pose = START, focus = 4): Rig {
  const rig = new Rig(VIEW);
  rig.place(pose, focus);
  return rig;
}

function run(rig: Rig, seconds: number, steering: Steering = STILL, frames = 60): void {
  for (let i = 0; i < frames; i++) {
    rig.update(seconds / frames, steering);
  }
}

describe("rig", () => {
  it("orbits around a steady pivot", () => {
    const rig = rigAt();
    const pivot = rig.pivot;
    rig.drag(200, 60);
    for (let i = 0; i < 30; i++) {
      rig.update(1 / 60, STILL);
      expectNear(rig.pivot, pivot, 1e-9); // while it glides too
      expect(distance(rig.pose.position, pivot)).toBeCloseTo(4, 9);
    }
    expect(distance(rig.pose.position, START.position)).toBeGreaterThan(1);
  });

  it("looks around from a steady place when flying", () => {
    const rig = rigAt();
    rig.mode = "fly";
    rig.drag(-120, 40);
    run(rig, 1);
    expectNear(rig.pose.position, START.position, 1e-9);
    expect(rig.pose.yaw).toBeGreaterThan(0.3); // dragging to the left turns to the right
  });

  it("lets what is seen follow the pointer in a drag, in both modes", () => {
    for (const mode of ["orbit", "fly"] as const) {
      const rig = rigAt();
      rig.mode = mode;
      const near: Vec3 = mode === "orbit" ? [0, -1.5, 1] : [0, 5, 1]; // before the pivot; anything
      const before = project(near, rig.pose.position, basisOf(rig.pose), rig.lens);
      rig.drag(40, 0);
      run(rig, 1);
      const after = project(near, rig.pose.position, basisOf(rig.pose), rig.lens);
      expect(after.x).toBeGreaterThan(before.x);
    }
  });

  it("pans so that the pivot follows the pointer exactly", () => {
    const rig = rigAt();
    const pivot = rig.pivot;
    rig.pan(50, -20);
    run(rig, 2);
    const seen = project(pivot, rig.pose.position, basisOf(rig.pose), rig.lens);
    expectNear([seen.x, seen.y], [VIEW.width / 2 + 50, VIEW.height / 2 - 20], 0.05);
  });

  it("comes nearer without passing what it orbits", () => {
    const rig = rigAt();
    const pivot = rig.pivot;
    for (let i = 0; i < 100; i++) {
      rig.dolly(5);
    }
    run(rig, 2);
    expect(rig.focusDistance).toBeGreaterThan(0);
    expectNear(rig.pivot, pivot, 1e-6);
  });

  it("moves as far at 10 frames a second as at 240", () => {
    const steering: Steering = { ...STILL, forward: 1, turnRight: 0.3 };
    const ends = [10, 240].map((frames) => {
      const rig = rigAt();
      rig.mode = "fly";
      rig.speed = 2;
      run(rig, 1, steering, frames);
      run(rig, 2); // glide out
      return rig.pose;
    });
    const [slow, quick] = ends as [Pose, Pose];
    expect(slow.yaw).toBeCloseTo(quick.yaw, 6);
    expect(distance(slow.position, quick.position)).toBeLessThan(0.06); // a curve made of 10 chords
  });

  it("goes up along the world, whatever it looks at, and faster with shift", () => {
    const rig = rigAt({ ...START, pitch: -1 });
    run(rig, 1, { ...STILL, up: 1 });
    run(rig, 2);
    expectNear(rig.pose.position, [0, -4, 2], 1e-3);
    run(rig, 1, { ...STILL, up: 1, fast: true });
    run(rig, 2);
    expectNear(rig.pose.position, [0, -4, 6], 1e-3);
  });

  it("never looks over the top", () => {
    const rig = rigAt();
    rig.drag(0, -1e5);
    run(rig, 2);
    expect(rig.pose.pitch).toBeCloseTo(MAX_PITCH, 6);
  });

  it("flies to a view and arrives there exactly, lens included", () => {
    const rig = rigAt();
    const to: Pose = { position: [3, 2, 1.5], yaw: 2, pitch: -0.3, roll: 0.2 };
    const lens = { focalX: 900, focalY: 880, centreX: 380, centreY: 240 };
    rig.flyTo(to, 2.5, lens);
    rig.update(0.3, STILL);
    expect(rig.flying).toBe(true);
    run(rig, 2);
    expect(rig.pose).toEqual(to);
    expect(rig.lens).toEqual(lens);
    expect(rig.focusDistance).toBe(2.5);
    expect(rig.resting).toBe(true);
  });

  it("is there at once when motion is unwelcome", () => {
    const rig = rigAt();
    rig.instant = true;
    const to: Pose = { ...START, yaw: 1 };
    rig.flyTo(to, 1);
    expect(rig.pose).toEqual(to);
    rig.drag(10, 0);
    rig.update(1 / 60, STILL);
    expect(rig.resting).toBe(true);
  });

  it("gives up a flight when the user takes over, without a jump", () => {
    const rig = rigAt();
    rig.flyTo({ ...START, position: [5, 5, 5] }, 1);
    rig.update(0.4, STILL);
    const there = rig.pose.position;
    rig.drag(1, 0);
    rig.update(1 / 60, STILL);
    expect(rig.flying).toBe(false);
    expect(distance(rig.pose.position, there)).toBeLessThan(0.1);
  });

  it("levels the horizon and takes the walking lens after a photo", () => {
    const rig = rigAt();
    rig.place({ ...START, roll: 0.3 }, 2, { focalX: 2000, focalY: 2000, centreX: 400, centreY: 225 });
    rig.release();
    run(rig, 3);
    expect(rig.pose.roll).toBe(0);
    expect(rig.lens).toEqual(freeLens(VIEW));
    expect(rig.resting).toBe(true);
  });

  it("frames a ball whole, and looks at a point it is told to look at", () => {
    const rig = rigAt();
    rig.instant = true;
    const centre: Vec3 = [1, 2, 0];
    rig.frame(centre, 3);
    const basis = basisOf(rig.pose);
    const seen = project(centre, rig.pose.position, basis, rig.lens);
    expectNear([seen.x, seen.y], [VIEW.width / 2, VIEW.height / 2], 1e-6);
    expect(Math.asin(3 / seen.depth)).toBeLessThanOrEqual(
      Math.atan(VIEW.height / 2 / rig.lens.focalY) + 1e-9,
    );
    rig.lookAt([4, 4, 4]);
    expectNear(rig.pivot, [4, 4, 4], 1e-9);
  });

  it("keeps the middle in the middle when the window changes its size", () => {
    const rig = rigAt();
    rig.resize({ width: 300, height: 600 }, null);
    expect(rig.lens).toEqual(freeLens({ width: 300, height: 600 }));
  });
});
