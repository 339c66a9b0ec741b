"""A bookshelf and its books."""

from __future__ import annotations

import numpy as np

from setpiece.capture.demo.geometry.box import box
from setpiece.capture.demo.geometry.patch import Patch
from setpiece.capture.demo.geometry.placement import placed
from setpiece.capture.demo.textures.plain import coat
from setpiece.capture.demo.textures.printed import pages, spine
from setpiece.capture.demo.textures.wood import PINE, wood

CLOTH = (
    (0.55, 0.17, 0.14),
    (0.16, 0.25, 0.34),
    (0.24, 0.34, 0.26),
    (0.78, 0.66, 0.42),
    (0.66, 0.40, 0.18),
    (0.33, 0.20, 0.24),
    (0.86, 0.82, 0.72),
    (0.20, 0.20, 0.22),
    (0.46, 0.52, 0.50),
    (0.72, 0.30, 0.20),
)


def bookshelf(width_m: float = 1.1, height_m: float = 1.75, depth_m: float = 0.28) -> list[Patch]:
    """An open pine shelf full of books; its back is the front's -y side turned away."""
    rng = np.random.default_rng(5)
    pine, pine_up = wood(PINE, 0.14, 2.4, wear=0.7), wood(PINE, 0.14, 2.4, upright=True, wear=0.7)
    side = 0.024
    parts: list[Patch] = []
    for i, x in enumerate((-width_m / 2 + side / 2, width_m / 2 - side / 2)):
        parts += placed(box(f"shelf/side{i}", (side, depth_m, height_m), pine_up), x, 0)
    parts += placed(
        box("shelf/back", (width_m, 0.01, height_m), pine_up, faces=("front",)), 0, depth_m / 2 - 0.02
    )
    levels = np.linspace(0.06, height_m - side, 6)
    for k, z in enumerate(levels):
        parts += placed(
            box(f"shelf/board{k}", (width_m - 2 * side, depth_m - 0.02, side), pine), 0, 0, float(z)
        )
    for k, z in enumerate(levels[:-1]):
        x, room = -width_m / 2 + side + 0.004, float(levels[k + 1] - z) - side
        end = width_m / 2 - side - rng.uniform(0.02, 0.30)
        while True:
            thick = float(rng.uniform(0.018, 0.052))
            if x + thick > end:
                break
            high, deep = room * float(rng.uniform(0.62, 0.93)), float(rng.uniform(0.15, 0.21))
            colour = CLOTH[int(rng.integers(len(CLOTH)))]
            volume = box(
                f"volume{k}-{x:.3f}",
                (thick, deep, high),
                coat(colour),
                faces=("front", "left", "right", "top"),
                paints={"front": spine(colour), "top": pages},
                texel_m=0.0019,
            )
            front = -depth_m / 2 + 0.02 + float(rng.uniform(0, 0.03))
            parts += placed(volume, x + thick / 2, front + deep / 2, float(z) + side)
            x += thick + float(rng.choice([0.0008, 0.0008, 0.003]))
    return parts
