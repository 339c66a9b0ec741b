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
_CELL = 2.0  # thicknesses; of points nearer together than that one counts
_LEVEL_TRIALS, _LEVEL = 600, 4.0  # trials with points of about one height, and how many thicknesses that is
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

    Planes through random triples of points (RANSAC, Fischler and Bolles 1981), later of points of about one
    height, of which the one with most points counts; a table top is passed over because the floor beneath it
    has points too. None where no plane qualifies.
    """
    rng = np.random.default_rng(seed)
    thickness = THICKNESS * median_depth
    everything, points = points, _thinned(points, _CELL * thickness)
    heights = points @ up
    below = np.flatnonzero(heights < np.percentile(centres @ up, 25))
    if len(below) < FEWEST_POINTS:
        return None
    low = below[heights[below] <= np.percentile(heights[below], 60)]
    needed = max(FEWEST_POINTS, SMALLEST_SHARE * len(points))
    steepest = np.cos(np.radians(steepest_deg))
    best_count, best = 0, None
    level = low[np.argsort(heights[low], kind="stable")]
    for trial in range(_TRIALS + _LEVEL_TRIALS):
        if trial < _TRIALS:
            a, b, c = points[rng.choice(low, 3, replace=False)]
        else:  # under a bed with a rich pattern a bare floor is rarely met three times by chance
            height = heights[rng.choice(low)]
            span = np.searchsorted(heights[level], (height - _LEVEL * thickness, height + _LEVEL * thickness))
            if span[1] - span[0] < FEWEST_POINTS:
                continue
            a, b, c = points[level[rng.choice(np.arange(*span), 3, replace=False)]]
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
    floor = _fitted(everything, up, *best, thickness, median_depth)
    return floor if floor is not None and floor.normal @ up >= steepest else None


def _thinned(points: Vectors, cell: float) -> Vectors:
    """One point of each cell of space: a bedspread with a pattern must not outweigh a bare floor."""
    _, first = np.unique(np.floor(points / cell).astype(np.int64), axis=0, return_index=True)
    return points[np.sort(first)]


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
