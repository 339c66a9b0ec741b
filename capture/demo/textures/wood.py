"""Wood: floor boards, planks and painted boards."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from setpiece.capture.demo.geometry.patch import Paint
from setpiece.capture.demo.textures.sheet import Colour, Float32, Sheet, albedo, mix, step

OAK: tuple[Colour, ...] = ((0.62, 0.44, 0.27), (0.55, 0.37, 0.22), (0.68, 0.50, 0.32), (0.49, 0.33, 0.20))
WALNUT: tuple[Colour, ...] = ((0.42, 0.26, 0.16), (0.36, 0.22, 0.14), (0.47, 0.30, 0.19))
PINE: tuple[Colour, ...] = ((0.76, 0.60, 0.40), (0.71, 0.54, 0.35), (0.80, 0.65, 0.45))
DARK: tuple[Colour, ...] = ((0.27, 0.18, 0.12), (0.23, 0.15, 0.10), (0.31, 0.21, 0.14))


def wood(
    colours: Sequence[Colour] = OAK,
    board_m: float = 0.13,
    length_m: float = 1.6,
    upright: bool = False,
    wear: float = 1.0,
    nails: bool = False,
) -> Paint:
    """A paint of boards side by side, along x, or along y when `upright`."""

    def paint(sheet: Sheet) -> Float32:
        if upright:
            turned = Sheet(sheet.width, sheet.height, sheet.texel_m, sheet.seed)
            return np.ascontiguousarray(
                _boards(turned, colours, board_m, length_m, wear, nails).transpose(1, 0, 2)
            )
        return _boards(sheet, colours, board_m, length_m, wear, nails)

    return paint


def _boards(
    sheet: Sheet, colours: Sequence[Colour], board_m: float, length_m: float, wear: float, nails: bool
) -> Float32:
    rng = sheet.rng(1)
    row = np.floor(sheet.y_m / np.float32(board_m)).astype(np.int32)
    offsets = rng.uniform(0, length_m, 512).astype(np.float32)
    x = sheet.x_m + offsets[row % 512]
    column = np.floor(x / np.float32(length_m)).astype(np.int32)
    identity = (row * 131 + column * 17) % 1024
    in_y, in_x = sheet.y_m - row * np.float32(board_m), x - column * np.float32(length_m)

    # Growth rings: a distance that drifts along the board, different in each board.
    drift = sheet.noise((0.55, 0.035), 3, salt=2)
    phase = rng.uniform(0, 40, 1024).astype(np.float32)[identity]
    tightness = rng.uniform(0.7, 1.6, 1024).astype(np.float32)[identity]
    ring = np.sin((in_y * 260 + 7.0 * drift) * tightness + phase)
    fibre = sheet.noise((0.10, 0.003), 3, salt=3)
    palette = np.array(colours, np.float32)[rng.integers(0, len(colours), 1024)]
    palette *= rng.uniform(0.82, 1.15, (1024, 1)).astype(np.float32)
    blotch = sheet.noise(0.25, 4, salt=4)
    wood_ = palette[identity] * (1 + 0.09 * ring + 0.085 * fibre + 0.07 * blotch)[..., None]

    knots = step(2.15, 2.7, sheet.noise((0.05, 0.025), 2, salt=5))
    wood_ = mix(wood_, (0.20, 0.12, 0.07), 0.75 * knots)
    if wear:
        scratch = step(1.7, 2.5, sheet.noise((0.16, 0.0035), 2, salt=6) + 0.4 * blotch)
        wood_ = mix(wood_, (0.86, 0.76, 0.62), 0.30 * wear * scratch)
        dirt = step(0.9, 2.2, sheet.noise(0.35, 5, salt=7))
        wood_ = wood_ * (1 - 0.30 * wear * dirt)[..., None]
        spots = step(2.0, 2.4, sheet.noise(0.012, 2, salt=8))
        wood_ = wood_ * (1 - 0.45 * wear * spots)[..., None]
    gap = np.minimum(in_y, np.float32(board_m) - in_y)
    end = np.minimum(in_x, np.float32(length_m) - in_x)
    seam = np.minimum(step(0.0005, 0.0030, gap), step(0.0005, 0.0030, end))
    wood_ = wood_ * (0.28 + 0.72 * seam)[..., None]
    if nails:
        distance = np.hypot(end - 0.025, np.minimum(np.abs(gap - 0.028), 1.0))
        wood_ = mix(wood_, (0.12, 0.11, 0.11), step(0.0048, 0.0030, distance))
    return albedo(wood_)


def painted_boards(colour: Colour, board_m: float = 0.09) -> Paint:
    """A paint of upright boards under old oil paint with chips along the edges."""

    def paint(sheet: Sheet) -> Float32:
        fine, coarse = sheet.noise(0.02, 4, salt=1), sheet.noise(0.4, 4, salt=2)
        streak = sheet.noise((0.006, 0.25), 3, salt=3)
        board = np.floor(sheet.x_m / np.float32(board_m)).astype(np.int32)
        tone = sheet.rng(4).uniform(0.93, 1.07, 1024).astype(np.float32)[board % 1024]
        in_x = sheet.x_m - board * np.float32(board_m)
        gap = np.minimum(in_x, np.float32(board_m) - in_x) + 0 * sheet.y_m
        face = sheet.flat(colour) * (tone * (1 + 0.05 * fine + 0.05 * coarse + 0.045 * streak))[..., None]
        near_edge = step(0.02, 0.0, gap)
        chips = step(1.45, 1.75, sheet.noise(0.035, 4, salt=5) + 0.7 * near_edge)
        face = mix(face, sheet.flat((0.66, 0.52, 0.36)) * (1 + 0.12 * streak)[..., None], 0.85 * chips)
        scuff = step(1.3, 2.4, sheet.noise((0.2, 0.05), 4, salt=6))
        face = mix(face, (0.85, 0.85, 0.80), 0.22 * scuff)
        height = 0.004 * step(0.0, 0.006, gap) - 0.0008 * chips + 0.0003 * fine
        return albedo(face * (0.45 + 0.55 * step(0.0, 0.0035, gap))[..., None] * sheet.relief(height, 0.8))

    return paint
