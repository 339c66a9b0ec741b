"""What is outside the window: a late sky over roofs. Its colours are light given off, not reflected."""

from __future__ import annotations

import numpy as np

from setpiece.capture.demo.textures.sheet import Float32, Sheet, albedo, mix, step


def rooftops(sheet: Sheet) -> Float32:
    """Hazy roofs, chimneys and trees under thin cloud."""
    h = sheet.size_m[1]
    t = sheet.y_m / np.float32(h) + 0 * sheet.x_m
    sky = mix(sheet.flat((0.74, 0.84, 0.95)), (0.98, 0.94, 0.86), step(0.05, 0.6, t))
    cloud = step(0.1, 1.6, sheet.noise((1.6, 0.5), 5, salt=1))
    sky = mix(sky, (1.0, 0.98, 0.95), 0.6 * cloud)
    picture = sky
    rng = sheet.rng(2)
    for layer, (base, tint) in enumerate(
        ((0.52, (0.72, 0.74, 0.80)), (0.60, (0.62, 0.58, 0.60)), (0.70, (0.50, 0.42, 0.40)))
    ):
        edges = np.cumsum(rng.uniform(0.35, 0.9, 40)) - 1.0
        house = np.searchsorted(edges, sheet.x_m[0])
        inside = (sheet.x_m[0] - edges[(house - 1).clip(0)]) / 0.65
        gable = np.abs(np.clip(inside, 0, 1) - 0.5) * rng.uniform(0.0, 0.16, 64)[house]
        top = (base + rng.uniform(-0.07, 0.05, 64)[house] + gable)[None, :].astype(np.float32)
        shade = rng.uniform(0.82, 1.12, (64, 1)).astype(np.float32)[house][None]
        wall = (
            np.array(tint, np.float32) * shade * (1 + 0.06 * sheet.noise(0.08, 4, salt=3 + layer))[..., None]
        )
        panes = (
            (np.sin(sheet.x_m * 52 + layer) > 0.45)
            & (np.sin(sheet.y_m * 38 + layer) > 0.3)
            & (t > top + 0.05)
        )
        wall = wall * np.where(panes, np.float32(0.72), np.float32(1))[..., None]
        picture = np.where((t > top)[..., None], wall, picture)
    crown = step(0.0, 0.5, sheet.noise(0.35, 5, salt=9) + 7 * (t - 0.80))
    leaves = np.array([0.36, 0.44, 0.28], np.float32) * (1 + 0.2 * sheet.noise(0.05, 4, salt=10))[..., None]
    return albedo(mix(picture.astype(np.float32), leaves.astype(np.float32), crown))
