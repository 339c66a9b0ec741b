"""Plants: a rubber tree in a pot, and twigs for the vase."""

from __future__ import annotations

import numpy as np

from setpiece.capture.demo.geometry.lathe import disc, lathe
from setpiece.capture.demo.geometry.leaf import leaf
from setpiece.capture.demo.geometry.patch import Patch
from setpiece.capture.demo.geometry.placement import moved, rotation, translation
from setpiece.capture.demo.geometry.tube import tube
from setpiece.capture.demo.textures.plain import coat, leaf_green


def potted_plant() -> list[Patch]:
    """A rubber tree, 1.3 m, in a terracotta pot."""
    rng = np.random.default_rng(3)
    clay = coat((0.66, 0.38, 0.26), 0.08, 0.3, 0.08)
    profile = [(0.185, 0.34), (0.185, 0.29), (0.165, 0.285), (0.125, 0.0)]
    parts = lathe("pot", profile, clay, texel_m=0.002) + disc(
        "pot/soil", 0.17, 0.31, coat((0.16, 0.11, 0.08), 0.2, 0.5)
    )
    parts += lathe("pot/in", [(0.17, 0.28), (0.17, 0.32), (0.185, 0.34)], clay, inside=True)
    for s, (lean_x, lean_y, high) in enumerate(
        ((0.10, -0.04, 1.30), (-0.12, 0.05, 1.05), (0.02, -0.12, 0.85))
    ):
        t = np.linspace(0, 1, 8)
        path = np.stack([lean_x * t**1.5, lean_y * t**1.5, 0.30 + (high - 0.30) * t], axis=1)
        parts += tube(f"stem{s}", path.tolist(), 0.011, coat((0.34, 0.27, 0.18), 0.15), sides=8)
        count = int((high - 0.35) / 0.075)
        for k in range(count):
            along = 0.22 + 0.78 * (k + 0.5) / count
            at = np.array([np.interp(along, t, path[:, i]) for i in range(3)])
            tone = float(rng.uniform(0.8, 1.25))
            green = leaf_green((0.17 * tone, 0.32 * tone, 0.14 * tone))
            length = float(rng.uniform(0.24, 0.36))
            blade = leaf(
                f"leaf{s}-{k}",
                length,
                0.50 * length,
                float(rng.uniform(0.1, 0.7)),
                green,
                texel_m=0.002,
                gloss=0.5,
            )
            tilt = float(rng.uniform(0, 38))
            parts += moved(blade, translation(*at), rotation("z", 137.5 * k + 60 * s), rotation("x", tilt))
    return parts


def twigs() -> list[Patch]:
    """Dry twigs with pale seed heads, standing in a vase of 0.29 m."""
    rng = np.random.default_rng(4)
    parts: list[Patch] = []
    for k in range(7):
        turn, lean, high = rng.uniform(0, 2 * np.pi), rng.uniform(0.08, 0.24), rng.uniform(0.32, 0.55)
        t = np.linspace(0, 1, 9)
        bend = lean * t**1.7
        path = np.stack(
            [bend * np.cos(turn + 0.5 * t), bend * np.sin(turn + 0.5 * t), 0.2 + high * t], axis=1
        )
        parts += tube(
            f"twig{k}",
            path.tolist(),
            np.linspace(0.004, 0.002, 9).tolist(),
            coat((0.40, 0.29, 0.18)),
            sides=6,
        )
        for j in range(5):
            at = path[3 + j] + rng.normal(0, 0.012, 3)
            size = rng.uniform(0.012, 0.02)
            head = [(0.0, size), (size, 0.0), (0.0, -size)]
            parts += moved(
                lathe(
                    f"seed{k}-{j}",
                    head,
                    coat((0.86, 0.78, 0.60), 0.15, 0.5, 0.01),
                    sides=10,
                    smooth=4,
                    texel_m=0.002,
                ),
                translation(*at),
            )
    return parts
