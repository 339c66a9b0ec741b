"""The floor: the lowest large plane under the cameras."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float64]

THICKNESS = 0.01  # of the median depth; how far a point of the floor may lie off the plane
FEWEST_POINTS = 40
SMALLEST_SHARE = 0.015  # of all points
MOST_BENEATH = 0.03  # of all points may lie clearly under the floor: mirrors, mistakes
_BENEATH = 4.0  # thicknesses
_TRIALS = 600
_SMALLEST_SPREAD = 0.1  # of the median depth; narrower patches say nothing of the slope


@dataclass(frozen=True)
class Floor:
    """A plane that points lie on and hardly any lie under."""

    normal: Vectors  # [3] unit, towards the cameras
    height: float  # along the up that the search was given, where the plane's points are in the middle
    points: int  # how many lie on it


def find_floor(
    points: Vectors,
    up: Vectors,
    centres: Vectors,
    median_depth: float,
    steepest_deg: float,
    seed: int,
) -> Floor | None:
    """The floor among `points` [P, 3], under the camera `centres` and within `steepest_deg` of level.

    Planes through random triples of points (RANSAC, Fischler and Bolles 1981) of which the one with most
    points counts; a table top is passed over because the floor beneath it has points too. None where no
    plane qualifies.
    """
    rng = np.random.default_rng(seed)
    thickness = THICKNESS * median_depth
    heights = points @ up
    below = np.flatnonzero(heights < np.percentile(centres @ up, 25))
    if len(below) < FEWEST_POINTS:
        return None
    low = below[heights[below] <= np.percentile(heights[below], 60)]
    needed = max(FEWEST_POINTS, SMALLEST_SHARE * len(points))
    steepest = np.cos(np.radians(steepest_deg))
    best_count, best = 0, None
    for _ in range(_TRIALS):
        a, b, c = points[rng.choice(low, 3, replace=False)]
        normal = np.cross(b - a, c - a)
        length = np.linalg.norm(normal)
        if length < 1e-12:
            continue
        normal *= np.sign(normal @ up or 1.0) / length
        if normal @ up < steepest:
            continue
        off = (points - a) @ normal
        count = int((np.abs(off) < thickness).sum())
        if count <= best_count or count < needed:
            continue
        if (off < -_BENEATH * thickness).mean() > MOST_BENEATH or ((centres - a) @ normal < thickness).any():
            continue
        best_count, best = count, (normal, a)
    if best is None:
        return None
    floor = _fitted(points, up, *best, thickness, median_depth)
    return floor if floor is not None and floor.normal @ up >= steepest else None


def _fitted(
    points: Vectors, up: Vectors, normal: Vectors, through: Vectors, thickness: float, median_depth: float
) -> Floor | None:
    for _ in range(3):
        on = points[np.abs((points - through) @ normal) < thickness]
        if len(on) < FEWEST_POINTS:
            return None
        through = on.mean(axis=0)
        _, spread, axes = np.linalg.svd(on - through, full_matrices=False)
        normal = axes[2] * np.sign(axes[2] @ up or 1.0)
    if spread[1] / np.sqrt(len(on)) < _SMALLEST_SPREAD * median_depth:
        return None
    return Floor(normal, float(np.median(on @ up)), len(on))
