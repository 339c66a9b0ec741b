"""Moving shapes to their place in the set."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from setpiece.capture.demo.geometry.patch import Patch


def rotation(axis: str, angle_deg: float) -> NDArray[np.float64]:
    """A right-handed turn about "x", "y" or "z", [4, 4]."""
    c, s = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    i, j = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    matrix = np.eye(4)
    matrix[i, i] = matrix[j, j] = c
    matrix[i, j], matrix[j, i] = -s, s
    return matrix


def translation(x: float, y: float, z: float) -> NDArray[np.float64]:
    """A shift in metres, [4, 4]."""
    matrix = np.eye(4)
    matrix[:3, 3] = x, y, z
    return matrix


def placed(
    patches: Iterable[Patch], x: float, y: float, z: float = 0.0, turn_deg: float = 0.0
) -> list[Patch]:
    """The patches turned about the vertical, then shifted."""
    matrix = translation(x, y, z) @ rotation("z", turn_deg)
    return [p.moved(matrix) for p in patches]


def moved(patches: Iterable[Patch], *steps: NDArray[np.float64]) -> list[Patch]:
    """The patches after `steps`, the last of which is done first, as in a matrix product."""
    matrix = np.eye(4)
    for step in steps:
        matrix = matrix @ step
    return [p.moved(matrix) for p in patches]
