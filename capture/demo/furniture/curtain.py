"""Curtains."""

from __future__ import annotations

import numpy as np

from setpiece.capture.demo.geometry.leaf import sheet
from setpiece.capture.demo.geometry.patch import Patch
from setpiece.capture.demo.geometry.tube import tube
from setpiece.capture.demo.textures.fabric import cloth
from setpiece.capture.demo.textures.plain import metal


def curtain(name: str, width_m: float, height_m: float, seed: int) -> list[Patch]:
    """A gathered linen curtain that hangs from z = height to the floor, facing -y."""
    rng = np.random.default_rng(seed)
    u, t = np.linspace(0, 1, 57), np.linspace(0, 1, 13)[:, None]
    phase = rng.uniform(0, 6.28, 3)
    fold = 0.035 * np.sin(2 * np.pi * 5 * u + phase[0]) + 0.014 * np.sin(2 * np.pi * 9 * u + phase[1])
    sway = 0.012 * np.sin(4 * t + phase[2] + 5 * u)
    squeeze = 1 - 0.10 * np.sin(np.pi * t**0.8)
    x = (u - 0.5) * width_m * squeeze
    y = fold * (0.75 + 0.5 * t) + sway
    z = height_m * (1 - t) + 0.02 + 0 * u
    return sheet(
        name,
        np.stack([x, y, z], axis=2),
        cloth((0.80, 0.72, 0.56), 0.004, ((0.58, 0.28, 0.20), 0.16)),
        texel_m=0.0025,
    )


def rod(length_m: float) -> list[Patch]:
    """A brass rod along x."""
    return tube(
        "rod", [[-length_m / 2, 0, 0], [0, 0, 0], [length_m / 2, 0, 0]], 0.014, metal((0.55, 0.42, 0.22), 0.3)
    )
