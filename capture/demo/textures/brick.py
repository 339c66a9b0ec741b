"""An old brick wall in running bond, part of it once whitewashed."""

from __future__ import annotations

import numpy as np

from setpiece.capture.demo.textures.sheet import Colour, Float32, Sheet, albedo, mix, step

BRICK_M = (0.225, 0.075)  # length and height with the joint
JOINT_M = 0.011
CLAYS: tuple[Colour, ...] = (
    (0.58, 0.30, 0.22),
    (0.64, 0.36, 0.26),
    (0.52, 0.25, 0.19),
    (0.68, 0.43, 0.31),
    (0.44, 0.23, 0.20),
    (0.60, 0.33, 0.21),
    (0.36, 0.22, 0.21),
)


def brick(sheet: Sheet) -> Float32:
    """Bricks of uneven clay with chipped edges, sandy joints, soot below and whitewash in places."""
    wobble_x, wobble_y = sheet.noise(0.06, 3, salt=1) * 0.0016, sheet.noise(0.06, 3, salt=2) * 0.0013
    y = sheet.y_m + wobble_y
    course = np.floor(y / BRICK_M[1]).astype(np.int32)
    rng = sheet.rng(3)
    shifts = rng.uniform(-0.012, 0.012, 4096).astype(np.float32)
    x = (
        sheet.x_m
        + wobble_x
        + np.where(course % 2, np.float32(BRICK_M[0] / 2), np.float32(0))
        + shifts[course % 4096]
    )
    column = np.floor(x / BRICK_M[0]).astype(np.int32)
    identity = (course * 613 + column * 37) % 4096
    in_x, in_y = x - column * np.float32(BRICK_M[0]), y - course * np.float32(BRICK_M[1])
    edge = np.minimum(
        np.minimum(in_x, np.float32(BRICK_M[0]) - in_x), np.minimum(in_y, np.float32(BRICK_M[1]) - in_y)
    )
    fine, coarse = sheet.noise(0.012, 4, salt=4), sheet.noise(0.05, 3, salt=5)
    edge = edge + 0.0014 * fine + 0.0010 * coarse
    body = step(JOINT_M / 2 - 0.0015, JOINT_M / 2 + 0.003, edge)

    palette = np.array(CLAYS, np.float32)[rng.integers(0, len(CLAYS), 4096)]
    palette *= rng.uniform(0.84, 1.14, (4096, 1)).astype(np.float32)
    clay = palette[identity] * (1 + 0.10 * coarse + 0.09 * fine)[..., None]
    clay = mix(clay, (0.25, 0.16, 0.15), 0.75 * step(1.15, 2.2, sheet.noise(0.03, 3, salt=6)))
    speck = step(1.5, 2.1, sheet.noise(0.006, 2, salt=7))
    clay = mix(clay, (0.80, 0.66, 0.52), 0.5 * speck)
    mortar = (
        sheet.flat((0.67, 0.62, 0.55)) * (1 + 0.10 * sheet.noise(0.008, 3, salt=8) + 0.07 * coarse)[..., None]
    )
    wall = mix(mortar, clay, body)

    large = sheet.noise(0.9, 5, salt=9)
    height_fraction = sheet.y_m / sheet.size_m[1]
    wash = step(0.75, 1.25, large + 0.35 * fine + 0.25 * sheet.noise(0.10, 3, salt=12)) * (0.55 + 0.35 * body)
    wall = mix(wall, sheet.flat((0.83, 0.80, 0.74)) * (1 + 0.05 * fine)[..., None], 0.72 * wash)
    soot = step(0.2, 2.0, sheet.noise(1.3, 4, salt=10) + 2.2 * (height_fraction - 0.72))
    wall = wall * (1 - np.float32(0.32) * soot)[..., None]
    streak = step(1.0, 2.4, sheet.noise((0.07, 1.1), 3, salt=11)) * (1 - height_fraction)
    wall = wall * (1 - 0.22 * streak)[..., None]
    height = 0.005 * body + 0.0009 * fine + 0.0007 * coarse
    return albedo(wall * sheet.relief(height, 0.9))
