"""The set's world: upright, with an origin and a size that make sense, from COLMAP's arbitrary one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from setpiece.cameras import Camera
from setpiece.capture.upright import Upright

Vectors = NDArray[np.float64]

CAMERA_HEIGHT = 1.5  # units; median height of the cameras above the floor, where one is found
SCENE_DEPTH = 3.0  # units; median depth of the points in the photos, where no floor is found


def set_world(world: Upright, cameras: list[Camera], points: Vectors, median_depth: float) -> Vectors:
    """`world_from_colmap`, a similarity [4, 4].

    Z is up. The first camera looks towards +y, or where walls have a direction, within 45 degrees of it and
    the walls lie along x and y. x = y = 0 lies where the cameras look; z = 0 is the floor, or else the lowest
    of `points` [P, 3] bar two in a hundred. The scale makes the median camera height CAMERA_HEIGHT, or
    without a floor the median depth SCENE_DEPTH.
    """
    up, floor_height = world.up, world.floor_height
    forward = cameras[0].world_from_cam[:3, 2]
    if np.linalg.norm(np.cross(forward, up)) < 0.1:  # looks straight down or up: take what is up in it
        forward = -cameras[0].world_from_cam[:3, 1]
    x: Vectors = np.cross(forward, up)
    x /= np.linalg.norm(x)
    if world.along is not None:
        across = np.cross(up, world.along)
        x = max((world.along, -world.along, across, -across), key=lambda d: float(d @ x))
    rotation = np.stack([x, np.cross(up, x), up])
    centres = np.array([c.centre_in_world for c in cameras])
    target = looked_at(cameras, points)
    heights = points @ up
    low = floor_height if floor_height is not None else float(np.percentile(heights, 2))
    origin = rotation.T @ np.array([*(rotation @ target)[:2], low])
    camera_height = float(np.median(centres @ up)) - low
    if floor_height is not None and camera_height > 0:
        scale = CAMERA_HEIGHT / camera_height
    else:
        scale = SCENE_DEPTH / median_depth
    world_from_colmap = np.eye(4)
    world_from_colmap[:3, :3] = scale * rotation
    world_from_colmap[:3, 3] = -scale * rotation @ origin
    return world_from_colmap


def looked_at(cameras: list[Camera], points: Vectors) -> Vectors:
    """The point nearest to all optical axes if it lies among `points` [P, 3], else their median."""
    middle = np.median(points, axis=0)
    spread = np.median(np.linalg.norm(points - middle, axis=1))
    centres = np.array([c.centre_in_world for c in cameras])
    axes = np.array([c.world_from_cam[:3, 2] for c in cameras])
    across = np.eye(3) - axes[:, :, None] * axes[:, None, :]  # [N, 3, 3] removes the part along the axis
    total = across.sum(axis=0)
    if np.linalg.cond(total) < 100:
        nearest: Vectors = np.linalg.solve(total, (across @ centres[:, :, None]).sum(axis=0))[:, 0]
        in_front = ((nearest - centres) * axes).sum(axis=1) > 0
        if in_front.mean() > 0.8 and np.linalg.norm(nearest - middle) < 2 * spread:
            return nearest
    return middle
