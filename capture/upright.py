"""Which way is up."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float64]

_LEVEL_SIGMA = np.radians(3.0)  # how level people hold a camera
_PITCH_WEIGHT = 0.02  # of cameras looking level, against cameras held level


def up_from_gravity(gravity_in_world: Vectors) -> tuple[Vectors, float]:
    """The unit vector up and the median angle in degrees of [N, 3] gravity readings to it, robustly."""
    up = -gravity_in_world.mean(axis=0)
    for _ in range(20):
        up /= np.linalg.norm(up)
        angle = np.arccos(np.clip(-gravity_in_world @ up, -1, 1))
        weight = 1 / (1 + (angle / np.radians(2.0)) ** 2)
        up = -(weight[:, None] * gravity_in_world).sum(axis=0)
    up /= np.linalg.norm(up)
    spread = np.degrees(np.median(np.arccos(np.clip(-gravity_in_world @ up, -1, 1))))
    return up, float(spread)


def up_from_cameras(world_from_cam_rotations: Vectors) -> Vectors:
    """The unit vector up that makes most cameras level, from [N, 3, 3] rotations.

    The x axes of cameras held level lie in the horizontal plane: up is the direction most nearly at right
    angles to all of them, robustly. Where all look the same way that leaves one angle open, which a weak
    preference for looking level settles.
    """
    x, y, z = (world_from_cam_rotations[:, :, i] for i in range(3))
    weight = np.ones(len(x))
    up: Vectors = -y.mean(axis=0)
    for _ in range(20):
        scatter = (weight[:, None] * x).T @ x + _PITCH_WEIGHT * z.T @ z
        _, vectors = np.linalg.eigh(scatter)
        up = vectors[:, 0] * np.sign(-(y @ vectors[:, 0]).sum() or 1.0)
        roll = np.arcsin(np.clip(x @ up, -1, 1))
        weight = 1 / (1 + (roll / _LEVEL_SIGMA) ** 2)
    return up
