"""Where the camera goes: a phone twice along an arc around the set, then a few 360 pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TARGET = (-0.15, 1.25, 0.95)  # what the walk circles about: above the table


@dataclass(frozen=True)
class Viewpoint:
    """One place and direction from which a picture is taken."""

    cam_from_world: NDArray[np.float64]  # [4, 4], OpenCV axes
    portrait: bool  # the phone is held upright


def look_at(
    centre: NDArray[np.float64], target: NDArray[np.float64], roll_deg: float = 0.0
) -> NDArray[np.float64]:
    """cam_from_world [4, 4] of a camera at `centre` that looks at `target`; roll is clockwise."""
    forward = (target - centre) / np.linalg.norm(target - centre)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    c, s = np.cos(np.radians(roll_deg)), np.sin(np.radians(roll_deg))
    cam_from_world = np.eye(4)
    cam_from_world[:3, :3] = np.stack([c * right + s * down, c * down - s * right, forward])
    cam_from_world[:3, 3] = -cam_from_world[:3, :3] @ centre
    return cam_from_world


def photo_walk(count: int, seed: int) -> list[Viewpoint]:
    """`count` viewpoints: eye height from left to right, then back, lower and nearer, partly upright."""
    rng = np.random.default_rng([seed, 21])
    first = (count + 1) // 2
    views = []
    for i in range(count):
        back = i >= first
        n, k = (count - first, i - first) if back else (first, i)
        t = k / max(n - 1, 1)
        angle = np.radians((-62 + 124 * t) if not back else (56 - 112 * t))
        radius = (2.75 + 0.18 * np.sin(5 * t)) if not back else (2.15 + 0.15 * np.sin(6 * t + 1))
        height = (1.55 + 0.10 * np.sin(7 * t + 0.4)) if not back else (1.12 + 0.14 * np.sin(8 * t))
        target = np.array(TARGET)
        centre = np.array([target[0] + radius * np.sin(angle), target[1] - radius * np.cos(angle), height])
        centre += rng.normal(0, 0.025, 3)
        # The eye wanders: sideways over the set, and a little up and down.
        aim = target + np.array(
            [0.7 * np.sin(9 * t + back), 0.25 * np.cos(6 * t), 0.16 * np.sin(11 * t + 2 * back)]
        )
        aim += rng.normal(0, 0.03, 3)
        portrait = back and 0.32 <= t <= 0.66
        views.append(Viewpoint(look_at(centre, aim, float(rng.normal(0, 1.2))), portrait))
    return views


def panorama_walk(count: int, seed: int) -> list[Viewpoint]:
    """`count` level viewpoints along an arc through the middle of the room, the front towards the set."""
    rng = np.random.default_rng([seed, 22])
    views = []
    for i in range(count):
        t = i / max(count - 1, 1)
        angle = np.radians(-58 + 116 * t)
        centre = np.array([TARGET[0] + 2.4 * np.sin(angle), TARGET[1] - 2.4 * np.cos(angle), 1.62])
        centre += rng.normal(0, 0.02, 3)
        heading = np.radians(rng.normal(0, 6))
        ahead = centre + np.array([np.sin(heading), np.cos(heading), 0.0])
        views.append(Viewpoint(look_at(centre, ahead), False))
    return views
