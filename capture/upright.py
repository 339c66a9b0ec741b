"""Which way is up, and where the floor is.

Gravity that the phone wrote into the photos comes first. Without it: cameras are mostly held level, which
gives up within a few degrees; upright edges in the photos (lines.py), or else the floor, make it exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from setpiece.capture.floor import find_floor
from setpiece.capture.grey import GreyShelf
from setpiece.capture.lines import EdgeJob, along_walls, edges_of, vertical
from setpiece.capture.model import Model

Vectors = NDArray[np.float64]

_LEVEL_SIGMA = np.radians(3.0)  # how level people hold a camera
_PITCH_WEIGHT = 0.02  # of cameras looking level, against cameras held level


FEWEST_GRAVITY = 3  # photos
LARGEST_GRAVITY_SPREAD_DEG = 5.0  # readings that scatter more are from rotated or edited photos
_LEANING_DEG = 1.0  # what is built may lean so much
_LEVEL_DEG, _GUESSED_DEG = 3.0, 8.0  # how far a floor may slope where up is known, and where it is a guess


@dataclass(frozen=True)
class Upright:
    """Up and the floor, in COLMAP's world."""

    up: Vectors  # [3] unit
    source: str  # "gravity", "vertical edges", "floor" or "cameras"
    error_deg: float | None  # typical; None where nothing says how good it is
    floor_height: float | None  # along `up`; None where no floor was found
    along: Vectors | None = None  # [3] unit, horizontal, along the walls; None where no direction stands out
    contradictions: tuple[str, ...] = ()  # plain sentences about sources that disagree


def upright(
    model: Model,
    gravity_in_cam: Sequence[tuple[float, float, float] | None],
    photos: Sequence[tuple[Path, Any, Path | None]],
    threads: int,
    seed: int,
    shelf: GreyShelf | None = None,
) -> Upright:
    """Up and floor of a model; gravity and photos (file, pycolmap camera, mask) in the order of its frames.

    Photos on the shelf are not decoded again.
    """
    rotations = model.world_from_cam_rotations
    readings = [r @ np.array(g) for r, g in zip(rotations, gravity_in_cam, strict=True) if g is not None]
    up, source, error = up_from_cameras(rotations), "cameras", None
    disagree = []
    if len(readings) >= FEWEST_GRAVITY:
        measured, spread = up_from_gravity(np.array(readings))
        if spread <= LARGEST_GRAVITY_SPREAD_DEG:
            up, source, error = measured, "gravity", spread
        else:
            disagree.append(
                f"the gravity that {len(readings)} photos carry points in different directions "
                f"(by {spread:.0f} degrees) and is not used: they may have been turned or edited."
            )
    jobs = [EdgeJob(*photo, r) for photo, r in zip(photos, rotations, strict=True)]
    edges = edges_of(jobs, threads, shelf)
    found = vertical(edges, up)
    if found is not None and source == "gravity":
        disagree += _disagreement(up, error or 0.0, found.up, found.error_deg)
    elif found is not None:
        up, source, error = found.up, "vertical edges", found.error_deg
    steepest = _GUESSED_DEG if source == "cameras" else _LEVEL_DEG
    floor = find_floor(model.points, up, model.centres, model.median_depth, steepest, seed)
    if floor is not None and source == "cameras":
        up, source = floor.normal, "floor"
        floor = find_floor(model.points, up, model.centres, model.median_depth, _LEVEL_DEG, seed)
    height = floor.height if floor else None
    return Upright(up, source, error, height, along_walls(edges, up), tuple(disagree))


def _disagreement(gravity: Vectors, spread_deg: float, edges: Vectors, error_deg: float) -> list[str]:
    apart = float(np.degrees(np.arccos(np.clip(gravity @ edges, -1, 1))))
    if apart <= 3 * np.hypot(spread_deg, error_deg) + _LEANING_DEG:
        return []
    return [
        f"gravity, as the photos carry it, and the upright edges in them disagree by {apart:.1f} degrees; "
        "gravity is used. The photos may have been turned, or what is built here leans."
    ]


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
