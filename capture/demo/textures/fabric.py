"""Woven things: plain cloth, curtains and a kilim."""

from __future__ import annotations

import numpy as np

from setpiece.capture.demo.geometry.patch import Paint
from setpiece.capture.demo.textures.sheet import Colour, Float32, Sheet, albedo, mix, step


def cloth(colour: Colour, thread_m: float = 0.004, stripes: tuple[Colour, float] | None = None) -> Paint:
    """A paint of coarse plain weave; `stripes` are a colour and a distance in metres, along y."""

    def paint(sheet: Sheet) -> Float32:
        face = sheet.flat(colour)
        if stripes:
            at = sheet.x_m / np.float32(stripes[1]) + 0.02 * sheet.noise(0.05, 3, salt=9)
            narrow = step(0.16, 0.12, np.abs(at - np.round(at))) + step(
                0.03, 0.02, np.abs(at - np.floor(at) - 0.28)
            )
            face = mix(face, stripes[0], 0.85 * np.minimum(narrow, 1))
        warp, weft = sheet.noise((thread_m, 0.08), 2, salt=1), sheet.noise((0.08, thread_m), 2, salt=2)
        large, middle = sheet.noise(0.4, 4, salt=3), sheet.noise(0.03, 3, salt=4)
        face = face * (1 + 0.09 * warp + 0.09 * weft + 0.06 * large + 0.05 * middle)[..., None]
        stain = step(1.4, 2.4, sheet.noise(0.12, 5, salt=5))
        return albedo(face * (1 - 0.25 * stain)[..., None])

    return paint


def kilim(sheet: Sheet) -> Float32:
    """A flat-woven rug: bands of lozenges and teeth in plant dyes, no two rows alike."""
    w, h = sheet.size_m
    rng = sheet.rng(1)
    dyes = np.array(
        [(0.55, 0.16, 0.13), (0.16, 0.22, 0.33), (0.80, 0.68, 0.46), (0.70, 0.42, 0.16), (0.22, 0.32, 0.27),
         (0.87, 0.80, 0.66), (0.36, 0.13, 0.13)], np.float32)  # fmt: skip
    weft = 0.0045
    x = sheet.x_m + 0.0016 * sheet.noise((0.01, 0.004), 2, salt=2)
    y = np.round((sheet.y_m + 0.004 * sheet.noise(0.3, 3, salt=3)) / weft) * np.float32(weft)
    bands = np.cumsum(np.concatenate([[0.0], rng.choice([0.05, 0.09, 0.16, 0.24], 64)]))
    band = np.searchsorted(bands, y).clip(1, 64) - 1
    in_y = (y - bands[band]) / (bands[band + 1] - bands[band])
    kinds, pitch = rng.integers(0, 4, 64), rng.choice([0.10, 0.16, 0.22, 0.30], 64)
    shift = rng.uniform(0, 0.3, 64)
    colours = np.stack([rng.permutation(7)[:3] for _ in range(64)])
    at = (x - w / 2 + shift[band]) / pitch[band]
    cell = np.floor(at).astype(np.int32)
    in_x = (at - cell).astype(np.float32)
    tilt = np.abs(in_x - 0.5) * 2
    rise = np.abs(in_y - 0.5) * 2
    kind = kinds[band]
    lozenge = (tilt + rise < 0.85).astype(np.int32) + (tilt + rise < 0.42)
    teeth = (tilt < in_y).astype(np.int32)
    steps = (np.floor(in_x * 4) / 4 + in_y < 1).astype(np.int32) + (tilt + rise < 0.3)
    plain = np.zeros_like(lozenge)
    index = np.select([kind == 0, kind == 1, kind == 2], [lozenge, teeth, steps.clip(0, 2)], plain)
    odd = rng.random(4096)[(cell * 77 + band * 13) % 4096] < 0.2
    index = np.where(odd & (index == 2), 0, index)
    rug = dyes[colours[band, index]]
    margin = np.minimum(sheet.x_m, np.float32(w) - sheet.x_m) + 0 * sheet.y_m
    rug = mix(rug, dyes[6], step(0.075, 0.070, margin))
    rug = mix(rug, dyes[5], step(0.058, 0.054, margin) * step(0.030, 0.034, margin))
    ends = np.minimum(sheet.y_m, np.float32(h) - sheet.y_m) + 0 * sheet.x_m
    fringe = 0.6 + 0.4 * np.sign(np.sin(sheet.x_m * 900 + 4 * sheet.noise(0.02, 2, salt=8)))
    rug = mix(rug, np.float32(0.72) * fringe[..., None] * np.ones(3, np.float32), step(0.045, 0.04, ends))
    fade, fine = sheet.noise(0.5, 4, salt=4), sheet.noise(0.02, 3, salt=5)
    thread = sheet.noise((0.006, weft), 1, salt=6)
    dirt = step(0.8, 2.3, sheet.noise(0.3, 5, salt=7))
    rug = rug * ((1 + 0.07 * fade + 0.06 * fine + 0.13 * thread) * (1 - 0.22 * dirt))[..., None]
    return albedo(rug)
