"""Tubes along a line: legs, poles, stems and twigs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from setpiece.capture.demo.geometry.patch import Paint, Patch, grid_patch


def tube(
    name: str,
    path_m: Sequence[Sequence[float]],
    radii_m: float | Sequence[float],
    paint: Paint,
    *,
    sides: int = 10,
    **look: Any,
) -> list[Patch]:
    """A round tube through the points of `path_m`; one radius, or one for each point. The ends are open."""
    path = np.array(path_m, float)
    radii = np.broadcast_to(np.asarray(radii_m, float), len(path))
    along = np.gradient(path, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    start = np.cross(along[0], np.eye(3)[np.argmin(np.abs(along[0]))])
    rings = [start / np.linalg.norm(start)]
    for direction in along[1:]:  # carry the ring along without twisting it
        carried = rings[-1] - direction * (rings[-1] @ direction)
        rings.append(carried / np.linalg.norm(carried))
    first = np.array(rings)
    second = np.cross(along, first)
    turn = np.linspace(2 * np.pi, 0, sides + 1)  # so that the front is outside
    ring = first[:, None] * np.cos(turn)[None, :, None] + second[:, None] * np.sin(turn)[None, :, None]
    points = path[:, None] + ring * radii[:, None, None]
    return [grid_patch(name, points, paint, **look)]
