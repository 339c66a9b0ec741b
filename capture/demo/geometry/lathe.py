"""Turned shapes: a profile turned about the vertical axis, and discs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from setpiece.capture.demo.geometry.patch import Paint, Patch, grid_patch


def lathe(
    name: str,
    profile_m: Sequence[tuple[float, float]],
    paint: Paint,
    *,
    sides: int = 40,
    smooth: int = 1,
    inside: bool = False,
    **look: Any,
) -> list[Patch]:
    """The surface of (radius, height) pairs, listed from top to bottom, turned about z.

    `smooth` cubic steps are put between two profile points; `inside` turns the front inwards.
    """
    profile = np.array(profile_m, float)
    if smooth > 1:
        profile = _catmull_rom(profile, smooth)
    turn = np.linspace(-np.pi, np.pi, sides + 1) * (-1 if inside else 1)
    radius, height = profile[:, 0][:, None], profile[:, 1][:, None]
    points = np.stack([radius * np.sin(turn), -radius * np.cos(turn), height + 0 * turn], axis=2)
    return [grid_patch(name, points, paint, **look)]


def disc(
    name: str, radius_m: float, height_m: float, paint: Paint, *, sides: int = 40, **look: Any
) -> list[Patch]:
    """A horizontal disc that looks up; its texture runs around it."""
    return lathe(
        name, [(0.0, height_m), (radius_m * 0.5, height_m), (radius_m, height_m)], paint, sides=sides, **look
    )


def cylinder(
    name: str,
    radius_m: float,
    height_m: float,
    paint: Paint,
    *,
    top: Paint | None = None,
    sides: int = 40,
    **look: Any,
) -> list[Patch]:
    """An upright cylinder on z = 0 with a lid."""
    side = lathe(f"{name}/side", [(radius_m, height_m), (radius_m, 0.0)], paint, sides=sides, **look)
    return side + disc(f"{name}/lid", radius_m, height_m, top or paint, sides=sides, **look)


def _catmull_rom(
    points: np.ndarray[Any, np.dtype[np.float64]], steps: int
) -> np.ndarray[Any, np.dtype[np.float64]]:
    padded = np.concatenate([[2 * points[0] - points[1]], points, [2 * points[-1] - points[-2]]])
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    pieces = []
    for a, b, c, d in zip(padded[:-3], padded[1:-2], padded[2:-1], padded[3:], strict=True):
        pieces.append(
            0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        )
    curve = np.concatenate([*pieces, points[-1:]])
    curve[:, 0] = np.maximum(curve[:, 0], 0)
    return curve
