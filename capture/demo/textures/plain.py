"""Small plain materials: metal, glaze, clay, paper, soil, card, leaves."""

from __future__ import annotations

import numpy as np

from setpiece.capture.demo.geometry.patch import Paint
from setpiece.capture.demo.textures.sheet import Colour, Float32, Sheet, albedo, mix, step


def coat(colour: Colour, mottle: float = 0.06, speck: float = 0.15, cell_m: float = 0.05) -> Paint:
    """A paint of one colour, unevenly laid, with small dark specks: paint, card, clay, soil."""

    def paint(sheet: Sheet) -> Float32:
        fine, large = sheet.noise(cell_m / 8, 3, salt=1), sheet.noise(cell_m, 4, salt=2)
        face = sheet.flat(colour) * (1 + mottle * (fine + large))[..., None]
        spots = step(1.7, 2.2, sheet.noise(cell_m / 6, 2, salt=3))
        face = face * (1 - speck * spots)[..., None]
        return albedo(face)

    return paint


def metal(colour: Colour, rust: float = 0.3, along_x: bool = True) -> Paint:
    """A paint of brushed metal with scratches and some rust or dirt."""

    def paint(sheet: Sheet) -> Float32:
        cell = (0.12, 0.0025) if along_x else (0.0025, 0.12)
        brushed = sheet.noise(cell, 2, salt=1)
        face = sheet.flat(colour) * (1 + 0.08 * brushed + 0.06 * sheet.noise(0.06, 4, salt=2))[..., None]
        dirt = step(1.0, 2.0, sheet.noise(0.05, 5, salt=3))
        face = mix(face, (0.30, 0.20, 0.14), rust * dirt)
        scratch = step(1.9, 2.6, sheet.noise((0.05, 0.003), 2, salt=4))
        return albedo(mix(face, (0.9, 0.9, 0.88), 0.4 * scratch))

    return paint


def glaze(colour: Colour, run: Colour) -> Paint:
    """A paint of ceramic whose glaze `run` has flowed down over `colour`, with fine crackle."""

    def paint(sheet: Sheet) -> Float32:
        down = sheet.y_m / np.float32(sheet.size_m[1])
        flow = step(0.12, -0.12, down - 0.55 + 0.16 * sheet.noise((0.03, 0.4), 3, salt=1))
        face = mix(sheet.flat(colour), run, flow)
        crackle = step(0.06, 0.02, np.abs(sheet.noise(0.02, 2, salt=2)))
        spots = step(1.6, 2.1, sheet.noise(0.012, 2, salt=3))
        face = face * (1 + 0.08 * sheet.noise(0.06, 4, salt=4))[..., None]
        return albedo(face * (1 - 0.16 * crackle - 0.35 * spots)[..., None])

    return paint


def leaf_green(colour: Colour) -> Paint:
    """A paint of a leaf: a pale midrib, side veins and blotches."""

    def paint(sheet: Sheet) -> Float32:
        w, _ = sheet.size_m
        across = np.abs(sheet.x_m - np.float32(w / 2))
        vein_at = (sheet.y_m + 0.9 * across) / np.float32(0.022) + 0.15 * sheet.noise(0.03, 2, salt=1)
        vein = step(0.12, 0.05, np.abs(vein_at - np.round(vein_at)))
        rib = step(0.004, 0.0015, across + 0 * sheet.y_m)
        face = (
            sheet.flat(colour)
            * (1 + 0.11 * sheet.noise(0.05, 4, salt=2) + 0.05 * sheet.noise(0.006, 2, salt=3))[..., None]
        )
        face = mix(face, (0.62, 0.70, 0.42), 0.35 * vein)
        face = mix(face, (0.74, 0.78, 0.52), 0.8 * rib)
        brown = step(1.9, 2.4, sheet.noise(0.04, 4, salt=4))
        return albedo(mix(face, (0.45, 0.34, 0.16), 0.7 * brown))

    return paint


def rings(colour: Colour, count: float = 14) -> Paint:
    """A paint of concentric steps, for discs (whose texture runs around them): lenses and lids."""

    def paint(sheet: Sheet) -> Float32:
        outward = sheet.y_m / np.float32(sheet.size_m[1]) + 0 * sheet.x_m
        wave = (outward * np.float32(count)) % 1
        face = sheet.flat(colour) * (0.72 + 0.34 * wave)[..., None]
        face = face * (1 + 0.06 * sheet.noise(0.03, 4, salt=1))[..., None]
        scratch = step(1.8, 2.5, sheet.noise((0.08, 0.003), 2, salt=2))
        return albedo(mix(face, (0.3, 0.28, 0.26), 0.4 * scratch))

    return paint
