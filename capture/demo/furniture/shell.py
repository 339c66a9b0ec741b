"""The room itself: floor, walls, ceiling, and the window with what is outside."""

from __future__ import annotations

import numpy as np

from setpiece.capture.demo.geometry.box import box
from setpiece.capture.demo.geometry.patch import Patch, quad
from setpiece.capture.demo.geometry.placement import placed
from setpiece.capture.demo.textures.brick import brick
from setpiece.capture.demo.textures.plaster import plaster
from setpiece.capture.demo.textures.view import rooftops
from setpiece.capture.demo.textures.wood import OAK, painted_boards, wood

HALF_X, HALF_Y, HEIGHT = 3.0, 2.4, 2.8  # metres
WINDOW_Y, WINDOW_Z = (-0.25, 1.55), (0.85, 2.35)  # the opening in the wall at x = -HALF_X


def shell() -> list[Patch]:
    """Floor, ceiling and the four walls."""
    x, y, h = HALF_X, HALF_Y, HEIGHT
    cream = plaster((0.87, 0.82, 0.72), age=0.6)
    floor = quad(
        "floor",
        (-x, y, 0),
        (2 * x, 0, 0),
        (0, -2 * y, 0),
        wood(OAK, 0.14, 1.7, nails=True),
        texel_m=0.0028,
        gloss=0.22,
    )
    ceiling = quad(
        "ceiling",
        (-x, -y, h),
        (2 * x, 0, 0),
        (0, 2 * y, 0),
        plaster((0.88, 0.86, 0.82), age=0.5),
        texel_m=0.006,
    )
    back = quad("brick", (-x, y, h), (2 * x, 0, 0), (0, 0, -h), brick, texel_m=0.0026)
    right = quad("right", (x, y, h), (0, -2 * y, 0), (0, 0, -h), cream, texel_m=0.0034)
    front = quad("front", (x, -y, h), (-2 * x, 0, 0), (0, 0, -h), cream, texel_m=0.005)
    # The wall with the window is a grid of nine cells without its middle.
    ys = np.array([-y, *WINDOW_Y, y])
    zs = np.array([h, WINDOW_Z[1], WINDOW_Z[0], 0.0])
    points = np.stack(
        [np.full((4, 4), -x), np.broadcast_to(ys, (4, 4)), np.broadcast_to(zs[:, None], (4, 4))], axis=2
    )
    kept = np.ones((3, 3), bool)
    kept[1, 1] = False
    left = Patch("left", points, cream, (ys + y) / (2 * y), (h - zs) / h, texel_m=0.0034, kept=kept)
    return [floor, ceiling, back, right, front, left]


def opening() -> list[Patch]:
    """The window: reveal, frame, glazing bars, sill, and what is outside."""
    (y0, y1), (z0, z1) = WINDOW_Y, WINDOW_Z
    deep, x = 0.16, -HALF_X
    reveal = plaster((0.86, 0.83, 0.76), age=0.6)
    paint = painted_boards((0.80, 0.80, 0.74), 0.4)
    parts = [
        quad("reveal/left", (x, y0, z1), (-deep, 0, 0), (0, 0, z0 - z1), reveal),
        quad("reveal/right", (x - deep, y1, z1), (deep, 0, 0), (0, 0, z0 - z1), reveal),
        quad("reveal/top", (x - deep, y0, z1), (deep, 0, 0), (0, y1 - y0, 0), reveal),
        quad("reveal/bottom", (x - deep, y1, z0), (deep, 0, 0), (0, y0 - y1, 0), reveal),
    ]
    middle = (y0 + y1) / 2
    bar = 0.04
    uprights = [(y0 + 0.03, 0.06), (middle, 0.07), (y1 - 0.03, 0.06)]
    uprights += [((y0 + middle) / 2, 0.028), ((y1 + middle) / 2, 0.028)]
    for i, (at, wide) in enumerate(uprights):
        parts += placed(box(f"bar{i}", (bar, wide, z1 - z0), paint), x - 0.10, at, z0)
    for i, (at, high) in enumerate(((z0, 0.06), (z0 + 0.5, 0.028), (z0 + 1.0, 0.05), (z1 - 0.06, 0.06))):
        parts += placed(box(f"rail{i}", (bar, y1 - y0, high), paint), x - 0.10, middle, at)
    parts += placed(box("sill", (0.24, y1 - y0 + 0.16, 0.035), paint), x + 0.05, middle, z0 - 0.035)
    parts.append(
        quad("view", (x - 2.2, -3.6, 4.0), (0, 8.2, 0), (0, 0, -4.6), rooftops, texel_m=0.006, glow=0.72)
    )
    return parts
