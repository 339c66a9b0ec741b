"""A director's chair."""

from __future__ import annotations

import numpy as np

from setpiece.capture.demo.geometry.box import box
from setpiece.capture.demo.geometry.leaf import sheet
from setpiece.capture.demo.geometry.patch import Patch
from setpiece.capture.demo.geometry.placement import moved, placed, rotation, translation
from setpiece.capture.demo.textures.fabric import cloth
from setpiece.capture.demo.textures.printed import stencilled
from setpiece.capture.demo.textures.wood import OAK, wood

SEAT_M = 0.46  # height of the seat
WIDTH_M = 0.54


def directors_chair() -> list[Patch]:
    """A folding chair of oak and canvas; who sits in it looks along -y."""
    oak = wood(OAK, 0.05, 1.2, wear=0.7)
    oak_up = wood(OAK, 0.05, 1.2, upright=True, wear=0.7)
    canvas = cloth((0.20, 0.27, 0.36))
    parts: list[Patch] = []
    half = WIDTH_M / 2
    for side in (-1, 1):
        name = "left" if side < 0 else "right"
        for y in (-0.18, 0.18):
            parts += placed(
                box(f"chair/{name}{y}", (0.028, 0.04, 0.63 if y < 0 else 0.88), oak_up), side * half, y
            )
        parts += placed(box(f"chair/arm/{name}", (0.055, 0.46, 0.022), oak), side * half, 0, 0.63)
        parts += placed(box(f"chair/foot/{name}", (0.03, 0.50, 0.035), oak), side * half, 0)
        parts += placed(box(f"chair/rail/{name}", (0.03, 0.40, 0.04), oak), side * half, 0, SEAT_M - 0.03)
    length = float(np.hypot(WIDTH_M, SEAT_M - 0.05))
    tilt = float(np.degrees(np.arctan2(SEAT_M - 0.05, WIDTH_M)))
    for k, y in enumerate((-0.15, 0.15)):
        for sign in (-1, 1):
            bar = box(f"chair/cross{k}{sign}", (length, 0.022, 0.034), oak)
            parts += moved(
                bar,
                translation(0, y + 0.012 * sign, 0.02 + (SEAT_M - 0.05) / 2),
                rotation("y", sign * tilt),
                translation(0, 0, -0.017),
            )
    x, t = np.linspace(-half, half, 9), np.linspace(0, 1, 5)[:, None]
    sag = 0.025 * (1 - (x / half) ** 2)
    seat = np.stack([x + 0 * t, 0.19 - 0.38 * t + 0 * x, SEAT_M + 0.012 - sag + 0 * t], axis=2)
    parts += sheet("chair/seat", seat, canvas, texel_m=0.002)
    bow = 0.035 * (1 - (x / half) ** 2)
    back = np.stack([x + 0 * t, 0.185 + bow + 0 * t, 0.87 - 0.18 * t + 0 * x], axis=2)
    lettered = stencilled(canvas, "DIRECTOR", 0.42, (226, 214, 184))
    parts += sheet("chair/back", back, lettered, texel_m=0.0015)
    return parts
