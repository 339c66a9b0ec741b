"""Boxes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from setpiece.capture.demo.geometry.patch import Paint, Patch, quad

Vector = tuple[float, float, float]
FACES = ("front", "back", "left", "right", "top", "bottom")


def box(
    name: str,
    size_m: tuple[float, float, float],
    paint: Paint,
    *,
    faces: tuple[str, ...] = FACES,
    paints: Mapping[str, Paint] | None = None,
    **look: Any,
) -> list[Patch]:
    """A box that stands on z = 0, centred in x and y; its front looks along -y.

    `paints` replaces the paint of single faces; `look` are further fields of Patch.
    """
    w, d, h = size_m
    x, y = w / 2, d / 2
    corners: dict[str, tuple[Vector, Vector, Vector]] = {  # top left, along u, along v
        "front": ((-x, -y, h), (w, 0, 0), (0, 0, -h)),
        "back": ((x, y, h), (-w, 0, 0), (0, 0, -h)),
        "left": ((-x, y, h), (0, -d, 0), (0, 0, -h)),
        "right": ((x, -y, h), (0, d, 0), (0, 0, -h)),
        "top": ((-x, y, h), (w, 0, 0), (0, -d, 0)),
        "bottom": ((-x, -y, 0), (w, 0, 0), (0, d, 0)),
    }
    chosen = paints or {}
    return [quad(f"{name}/{face}", *corners[face], chosen.get(face, paint), **look) for face in faces]
