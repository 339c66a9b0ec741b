"""Gaussians right before a camera, nearer than anything that is there: fog to whoever steps aside.

They fit what is peculiar to one photo and cost no score: only views between and beside the photos show them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from setpiece.posed import PosedFrame, SparsePoints
from setpiece.reconstruct.engine import Float32

MOST_CENTRES = 256  # cameras that distances are taken from
NEAREST_SHARE = 0.001  # of the sparse points may lie nearer to a camera than what counts as nearest
TOO_NEAR = 0.6  # of the nearest distance
BLOCK = 65_536  # Gaussians looked at together


@dataclass(frozen=True)
class Surroundings:
    """Where the cameras stand, and how near things come to them."""

    centres_in_world: Float32  # [C, 3]
    nearest: float  # distance from a camera to the nearest thing, set units; 0 where nothing is known

    @classmethod
    def of(cls, points: SparsePoints, frames: tuple[PosedFrame, ...]) -> Surroundings:
        """Of the cameras of `frames`, with the sparse points as what is known to be there."""
        some = frames[:: -(-len(frames) // MOST_CENTRES) or 1]
        centres = np.array([f.camera.centre_in_world for f in some], np.float32)
        positions = points.points_in_world[np.isfinite(points.points_in_world).all(axis=1)]
        if not len(positions):
            return cls(centres, 0.0)
        away = distances_to_nearest(positions.astype(np.float32), centres)
        return cls(centres, float(np.quantile(away, NEAREST_SHARE)))


def floaters(surroundings: Surroundings, means: Float32) -> NDArray[np.bool_]:
    """Which Gaussians with `means` [N, 3] in the world are floaters, [N]."""
    away = distances_to_nearest(means, surroundings.centres_in_world)
    found: NDArray[np.bool_] = away < TOO_NEAR * surroundings.nearest
    return found


def distances_to_nearest(points: Float32, centres: Float32) -> Float32:
    """The distance of each point [N, 3] to the nearest of the centres [C, 3], [N]."""
    middle = centres.mean(axis=0)  # squares of differences lose least near the origin
    points, centres = points - middle, centres - middle
    away = np.empty(len(points), np.float32)
    for begin in range(0, len(points), BLOCK):
        some = points[begin : begin + BLOCK]
        squared = (centres**2).sum(axis=1) - 2 * (some @ centres.T)
        away[begin : begin + BLOCK] = squared.min(axis=1) + (some**2).sum(axis=1)
    result: Float32 = np.sqrt(np.maximum(away, 0))
    return result
