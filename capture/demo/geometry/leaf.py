"""Leaves and other bent sheets that are seen from both sides."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from setpiece.capture.demo.geometry.patch import Paint, Patch, grid_patch

THICKNESS_M = 0.0008  # between the two faces of a sheet


def leaf(
    name: str, length_m: float, width_m: float, droop: float, paint: Paint, *, steps: int = 7, **look: Any
) -> list[Patch]:
    """A leaf that starts at the origin and grows along +y, bending down by `droop` times its length."""
    t = np.linspace(0, 1, steps)[:, None]
    across = np.linspace(-1, 1, 5)[None, :]
    half_width = 0.5 * width_m * np.sin(np.pi * np.clip(0.04 + 0.94 * t, 0, 1) ** 0.8)
    x = across * half_width
    y = length_m * t * (1 - 0.25 * abs(droop) * t) + 0 * across
    z = -droop * length_m * t**2 + 0.25 * np.abs(across) * half_width
    points = np.stack([x, y, z + 0 * x], axis=2)[::-1]  # the tip is the top row of the texture
    return sheet(name, points, paint, **look)


def sheet(name: str, points: NDArray[np.float64], paint: Paint, **look: Any) -> list[Patch]:
    """Both sides of a bent sheet given by its grid of points [R, C, 3]."""
    front = grid_patch(f"{name}/front", points, paint, **look)
    back = grid_patch(f"{name}/back", points[:, ::-1] - THICKNESS_M * front.normals()[:, ::-1], paint, **look)
    return [front, back]
