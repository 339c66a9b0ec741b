"""Which photos were taken near one another and look the same way."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from setpiece.cameras import Camera

SAME_WAY = 0.5  # cosine between two views


def neighbours(cameras: Sequence[Camera], most: int) -> list[list[int]]:
    """Of each camera the nearest ones that look the same way, the nearest first, at most so many."""
    if not cameras:
        return []
    centres = np.array([c.centre_in_world for c in cameras])
    forwards = np.array([c.cam_from_world[2, :3] for c in cameras])
    found = []
    for index in range(len(cameras)):
        distances = np.linalg.norm(centres - centres[index], axis=1)
        distances[index] = np.inf
        distances[forwards @ forwards[index] < SAME_WAY] = np.inf
        order = np.argsort(distances, kind="stable")[:most]
        found.append([int(k) for k in order if np.isfinite(distances[k])])
    return found
