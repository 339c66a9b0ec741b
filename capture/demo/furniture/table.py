"""The table and what lies on it."""

from __future__ import annotations

import numpy as np

from setpiece.capture.demo.geometry.box import FACES, box
from setpiece.capture.demo.geometry.lathe import disc, lathe
from setpiece.capture.demo.geometry.patch import Float32, Paint, Patch, quad
from setpiece.capture.demo.geometry.placement import moved, placed, rotation, translation
from setpiece.capture.demo.textures.lettering import printed, script, storyboard
from setpiece.capture.demo.textures.plain import coat, glaze, metal
from setpiece.capture.demo.textures.printed import cover, pages, slate, spine, sticks
from setpiece.capture.demo.textures.sheet import Sheet
from setpiece.capture.demo.textures.wood import WALNUT, wood

TOP_M = 0.75  # height of the table top


def table() -> list[Patch]:
    """A walnut table, 1.5 x 0.8 m, on four square legs with an apron."""
    walnut = wood(WALNUT, 0.16, 2.2, wear=0.8)
    leg = wood(WALNUT, 0.08, 2.0, upright=True, wear=0.8)
    top = box("table/top", (1.5, 0.8, 0.035), walnut, faces=FACES[:5], texel_m=0.0017, gloss=0.5)
    top += box("table/under", (1.5, 0.8, 0.035), walnut, faces=("bottom",), texel_m=0.005)
    parts = placed(top, 0, 0, TOP_M - 0.035)
    for i, (x, y) in enumerate(((-0.68, -0.33), (0.68, -0.33), (-0.68, 0.33), (0.68, 0.33))):
        sides = ("front", "back", "left", "right")
        parts += placed(box(f"table/leg{i}", (0.065, 0.065, TOP_M - 0.035), leg, faces=sides), x, y)
    for i, (y, w) in enumerate(((-0.345, 1.3), (0.345, 1.3))):
        apron = box(f"table/apron{i}", (w, 0.022, 0.10), walnut)
        parts += placed(apron, 0, y, TOP_M - 0.135)
    for i, x in enumerate((-0.695, 0.695)):
        parts += placed(box(f"table/side{i}", (0.022, 0.6, 0.10), walnut), x, 0, TOP_M - 0.135)
    return parts


def book(name: str, size_m: tuple[float, float, float], colour: tuple[float, float, float]) -> list[Patch]:
    """A closed book lying down, its spine to the front; size is width, depth, thickness."""
    paints = {
        "top": printed(colour, cover(colour), 420),
        "front": _lying(spine(colour)),
        "bottom": coat(colour),
    }
    return box(name, size_m, pages, paints=paints, texel_m=0.0013)


def table_things() -> list[Patch]:
    """Script pages, storyboard, clapper, books and a mug, on z = 0 around the middle of the table."""
    parts: list[Patch] = []
    paper = printed((0.90, 0.88, 0.82), script, 620, age=0.6)
    for i, (x, y, turn) in enumerate(((-0.12, -0.20, 8), (-0.05, -0.17, -14), (0.33, -0.26, 21))):
        page = quad(f"page{i}", (-0.105, 0.1485, 0.0), (0.21, 0, 0), (0, -0.297, 0), paper, texel_m=0.0012)
        parts += placed([page], x, y, 0.002 + 0.0012 * i, turn)
    board = printed((0.92, 0.91, 0.87), storyboard, 900, age=0.4)
    sketch = quad("storyboard", (-0.21, 0.1485, 0.0), (0.42, 0, 0), (0, -0.297, 0), board, texel_m=0.0012)
    parts += placed([sketch], -0.46, -0.20, 0.0025, -7)

    stack = [
        ((0.25, 0.18, 0.032), (0.16, 0.30, 0.33), 4),
        ((0.23, 0.165, 0.024), (0.62, 0.20, 0.14), -9),
        ((0.21, 0.15, 0.038), (0.80, 0.68, 0.42), 13),
        ((0.19, 0.135, 0.02), (0.24, 0.26, 0.20), -3),
    ]
    height = 0.0
    for i, (size, colour, turn) in enumerate(stack):
        parts += placed(book(f"stack{i}", size, colour), 0.50, 0.12, height, turn)
        height += size[2] + 0.0006

    clapper = box(
        "clapper",
        (0.28, 0.012, 0.20),
        coat((0.1, 0.1, 0.1)),
        paints={"front": printed((0.13, 0.14, 0.15), slate, 620, age=0.15)},
        texel_m=0.0011,
    )
    arm = box(
        "clapper/arm",
        (0.28, 0.014, 0.026),
        coat((0.1, 0.1, 0.1)),
        paints={"front": printed((0.1, 0.1, 0.1), sticks, 500, age=0.1)},
        texel_m=0.0011,
    )
    clapper += placed(arm, 0, 0, 0.201)
    clapper += moved(placed(arm, 0.14, 0), translation(-0.14, 0, 0.228), rotation("y", -17))
    parts += moved(clapper, translation(0.13, 0.14, 0.0), rotation("z", -12), rotation("x", -16))

    mug = coat((0.80, 0.76, 0.66), 0.05, 0.35, 0.02)
    profile = [(0.040, 0.095), (0.041, 0.05), (0.040, 0.01), (0.034, 0.0)]
    parts += placed(
        lathe("mug", profile, mug, texel_m=0.0012, gloss=0.9)
        + lathe("mug/in", [(0.036, 0.03), (0.036, 0.06), (0.040, 0.095)], mug, inside=True)
        + disc("coffee", 0.036, 0.07, coat((0.16, 0.09, 0.05))),
        0.22,
        -0.10,
    )
    return parts


def vase() -> list[Patch]:
    """A glazed vase."""
    profile = [
        (0.034, 0.29),
        (0.028, 0.27),
        (0.030, 0.235),
        (0.062, 0.18),
        (0.088, 0.115),
        (0.076, 0.04),
        (0.048, 0.0),
    ]
    paint = glaze((0.62, 0.50, 0.36), (0.16, 0.42, 0.44))
    neck = [(0.028, 0.20), (0.026, 0.25), (0.034, 0.29)]
    return lathe("vase", profile, paint, sides=56, smooth=6, texel_m=0.0012, gloss=1.0) + lathe(
        "vase/in", neck, coat((0.08, 0.08, 0.07)), inside=True
    )


def lamp_base() -> list[Patch]:
    """The brass foot and stem of the table lamp, 0.38 m high."""
    profile = [(0.012, 0.38), (0.012, 0.10), (0.03, 0.07), (0.085, 0.03), (0.095, 0.0)]
    return lathe("lamp/base", profile, metal((0.62, 0.48, 0.26), 0.4), smooth=4, texel_m=0.0014, gloss=0.8)


def _lying(paint: Paint) -> Paint:
    """A book's spine for a book that lies on its back cover."""

    def lying(sheet: Sheet) -> Float32:
        upright = paint(Sheet(sheet.width, sheet.height, sheet.texel_m, sheet.seed))
        return np.ascontiguousarray(np.rot90(upright, 1))

    return lying
