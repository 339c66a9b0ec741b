/**
 * Where a camera stands and where it looks, with angles that people steer by.
 *
 * Yaw 0 looks along world +y and grows to the right, pitch grows upwards, and roll is positive when the
 * camera leans to the right (its picture then turns to the left). All in radians.
 */

import { add, clamp, cross, dot, mix, mixNumber, scale, type Vec3 } from "./vec";

export interface Pose {
  readonly position: Vec3;
  readonly yaw: number;
  readonly pitch: number;
  readonly roll: number;
}

/** The camera's OpenCV axes in the world: x right, y down, z forward. */
export interface Basis {
  readonly right: Vec3;
  readonly down: Vec3;
  readonly forward: Vec3;
}

/** Looking straight up or down leaves no direction to turn towards, so steering stops short of it. */
export const MAX_PITCH = (89 * Math.PI) / 180;

export function forwardOf(yaw: number, pitch: number): Vec3 {
  const level = Math.cos(pitch);
  return [Math.sin(yaw) * level, Math.cos(yaw) * level, Math.sin(pitch)];
}

export function basisOf(pose: Pose): Basis {
  const forward = forwardOf(pose.yaw, pose.pitch);
  const levelRight: Vec3 = [Math.cos(pose.yaw), -Math.sin(pose.yaw), 0];
  const levelDown = cross(forward, levelRight);
  const c = Math.cos(pose.roll);
  const s = Math.sin(pose.roll);
  return {
    right: add(scale(levelRight, c), scale(levelDown, s)),
    down: add(scale(levelDown, c), scale(levelRight, -s)),
    forward,
  };
}

/** The pose with the given axes. Straight up and straight down keep the heading of the camera's right. */
export function poseOf(position: Vec3, basis: Basis): Pose {
  const { right, down, forward } = basis;
  const pitch = Math.asin(clamp(forward[2], -1, 1));
  const vertical = Math.hypot(forward[0], forward[1]) < 1e-6;
  const yaw = vertical ? Math.atan2(-right[1], right[0]) : Math.atan2(forward[0], forward[1]);
  const levelRight: Vec3 = [Math.cos(yaw), -Math.sin(yaw), 0];
  const roll = Math.atan2(-dot(down, levelRight), dot(right, levelRight));
  return { position, yaw, pitch, roll };
}

/** The pose of a camera given by `cam_from_world`, rows of a rigid [4, 4] matrix. */
export function poseOfCamera(camFromWorld: readonly (readonly number[])[]): Pose {
  const row = (i: number): Vec3 => {
    const r = camFromWorld[i];
    return [r?.[0] ?? 0, r?.[1] ?? 0, r?.[2] ?? 0];
  };
  const basis: Basis = { right: row(0), down: row(1), forward: row(2) };
  const shift: Vec3 = [camFromWorld[0]?.[3] ?? 0, camFromWorld[1]?.[3] ?? 0, camFromWorld[2]?.[3] ?? 0];
  // The centre is -R^T t: the rows of R are the camera's axes in the world.
  const position = scale(
    add(add(scale(basis.right, shift[0]), scale(basis.down, shift[1])), scale(basis.forward, shift[2])),
    -1,
  );
  return poseOf(position, basis);
}

/** The angle in (-pi, pi] that is `angle` up to whole turns. */
export function wrapAngle(angle: number): number {
  const turns = Math.ceil((angle - Math.PI) / (2 * Math.PI));
  return angle - turns * 2 * Math.PI;
}

/** From `a` (t = 0) to `b` (t = 1), turning the short way round. */
export function mixPose(a: Pose, b: Pose, t: number): Pose {
  return {
    position: mix(a.position, b.position, t),
    yaw: a.yaw + wrapAngle(b.yaw - a.yaw) * t,
    pitch: mixNumber(a.pitch, b.pitch, t),
    roll: a.roll + wrapAngle(b.roll - a.roll) * t,
  };
}
