"""The set's layout: a writer's workshop, 6 x 4.8 m, in the middle of a shoot.

x runs along the brick wall, y towards it, z up; the floor is z = 0 and the middle of the room is the origin.
The window is in the wall at x = -3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from setpiece.capture.demo.furniture.chair import directors_chair
from setpiece.capture.demo.furniture.curtain import curtain, rod
from setpiece.capture.demo.furniture.grip import apple_box, film_can, fresnel_lamp, soft_box
from setpiece.capture.demo.furniture.plant import potted_plant, twigs
from setpiece.capture.demo.furniture.shelf import bookshelf
from setpiece.capture.demo.furniture.shell import HALF_X, HALF_Y, HEIGHT, WINDOW_Y, WINDOW_Z, opening, shell
from setpiece.capture.demo.furniture.table import TOP_M, lamp_base, table, table_things, vase
from setpiece.capture.demo.geometry.box import box
from setpiece.capture.demo.geometry.lathe import lathe
from setpiece.capture.demo.geometry.patch import Paint, Patch, quad
from setpiece.capture.demo.geometry.placement import placed
from setpiece.capture.demo.lights import BulbLight, Light, PanelLight, SunLight, WindowLight
from setpiece.capture.demo.textures.fabric import cloth, kilim
from setpiece.capture.demo.textures.lettering import printed, script, storyboard
from setpiece.capture.demo.textures.marker import SIDE_M, TEXEL_M, marker_print
from setpiece.capture.demo.textures.plain import coat, metal
from setpiece.capture.demo.textures.poster import abstract, botanical, city_plan, clock_face, film_poster
from setpiece.capture.demo.textures.printed import stencilled
from setpiece.capture.demo.textures.wood import DARK, painted_boards, wood


@dataclass(frozen=True)
class Scene:
    """Everything that is photographed, and what lights it."""

    patches: Sequence[Patch]
    lights: Sequence[Light]  # the window first
    window: WindowLight


def room(marker: bool = False) -> Scene:
    """The whole set, with printed markers on the floor and the wall if `marker`."""
    window = WindowLight(-HALF_X - 0.10, WINDOW_Y, WINDOW_Z, (4.6, 4.9, 5.4))
    sun = SunLight((-0.80, -0.12, 0.46), -HALF_X - 0.14, 0.018, (2.5, 2.05, 1.45))
    lamp = (-0.62, 1.62, TOP_M + 0.44)
    bulb = BulbLight(lamp, 0.03, (0.12, 0.075, 0.036))
    box_, soft = _soft_box()
    patches = shell() + opening() + _furnished(lamp) + _gear() + _behind() + box_
    patches += _markers() if marker else []
    return Scene(patches=patches, lights=(window, sun, bulb, soft), window=window)


def _markers() -> list[Patch]:
    half, look = SIDE_M / 2, {"texel_m": TEXEL_M}
    flat = quad("marker0", (-half, half, 0), (SIDE_M, 0, 0), (0, -SIDE_M, 0), marker_print(0), **look)
    upright = quad("marker1", (-half, 0, half), (SIDE_M, 0, 0), (0, 0, -SIDE_M), marker_print(1), **look)
    return placed([flat], 0.35, 0.15, 0.006, 25) + placed([upright], 0.62, HALF_Y - 0.004, 1.75)


def _soft_box() -> tuple[list[Patch], PanelLight]:
    """The soft box behind the walk that fills the shadows, and its light."""
    parts = placed(soft_box(0.9), 2.15, -1.75, 0, -142)
    grid = parts[0].points  # rows run down, columns right: the light leaves along v x u
    corner, u, v = grid[0, 0], grid[1, 0] - grid[0, 0], grid[0, 1] - grid[0, 0]
    return parts, PanelLight(_triple(corner), _triple(u), _triple(v), (8.5, 8.0, 7.1))


def _triple(a: NDArray[np.float64]) -> tuple[float, float, float]:
    return float(a[0]), float(a[1]), float(a[2])


def _furnished(lamp: tuple[float, float, float]) -> list[Patch]:
    parts: list[Patch] = []
    at = (-0.35, 1.30)
    parts += placed(table(), *at)
    parts += placed(table_things(), *at, TOP_M)
    parts += placed(vase() + twigs(), -0.92, 1.42, TOP_M)
    parts += placed(lamp_base(), lamp[0], lamp[1], TOP_M)
    shade = [(0.085, 0.20), (0.15, 0.0)]
    parts += placed(
        lathe("shade", shade, cloth((0.95, 0.80, 0.55), 0.003), glow=1.0), lamp[0], lamp[1], lamp[2] - 0.09
    )
    parts += placed(
        lathe("shade/in", shade[::-1], cloth((0.98, 0.88, 0.66)), inside=True, glow=1.3),
        lamp[0],
        lamp[1],
        lamp[2] - 0.09,
    )
    rug = quad("rug", (-1.35, 0.95, 0.004), (2.7, 0, 0), (0, -1.9, 0), kilim, texel_m=0.0025)
    parts += placed([rug], -0.2, 0.75, 0, -4)
    parts += placed(bookshelf(), 1.35, HALF_Y - 0.15)
    parts += placed(potted_plant(), -2.45, 1.85, 0, 20)
    poster = quad(
        "poster",
        (-0.35, 0, 1.0),
        (0.7, 0, 0),
        (0, 0, -1.0),
        printed((0.9, 0.8, 0.6), film_poster, 900, border=0.02),
        texel_m=0.0013,
    )
    parts += placed([poster], -0.05, HALF_Y - 0.006, 1.25)
    for i, (drawing, y, w, h) in enumerate(
        ((botanical, 1.35, 0.42, 0.56), (abstract, 0.72, 0.5, 0.5), (city_plan, 0.05, 0.62, 0.46))
    ):
        parts += placed(
            _framed(f"print{i}", printed((0.88, 0.84, 0.72), drawing, 560, border=0.03), w, h),
            HALF_X - 0.02,
            y,
            1.35,
            -90,
        )
    for i, (y, z, w, h, drawing) in enumerate(
        (
            (-0.62, 1.45, 0.42, 0.30, storyboard),
            (-0.95, 1.62, 0.42, 0.30, storyboard),
            (-0.78, 1.16, 0.21, 0.297, script),
            (-1.12, 1.22, 0.21, 0.297, script),
        )
    ):
        sheet_ = quad(
            f"pinned{i}",
            (-w / 2, 0, h),
            (w, 0, 0),
            (0, 0, -h),
            printed((0.92, 0.91, 0.87), drawing, 620, age=0.5, seed=i),
            texel_m=0.0013,
        )
        parts += placed([sheet_], HALF_X - 0.004 - 0.001 * i, y, z, -90)
    left = (WINDOW_Y[0] - 0.22, WINDOW_Y[1] + 0.20)
    for i, y in enumerate(left):
        parts += placed(curtain(f"curtain{i}", 0.42, 2.42, 5 + i), -HALF_X + 0.09, y, 0, 90)
    parts += placed(rod(2.6), -HALF_X + 0.09, sum(left) / 2, 2.47, 90)
    parts += _skirting()
    parts += placed(
        box("dado", (0.02, 4.8, 1.0), painted_boards((0.20, 0.36, 0.36)), faces=("left", "top")),
        HALF_X - 0.01,
        0,
    )
    return parts


def _gear() -> list[Patch]:
    parts = placed(fresnel_lamp(), 2.45, 1.45, 0, -50)
    parts += placed(directors_chair(), 1.25, 0.55, 0, -62)
    parts += placed(apple_box("apple1", 0.203, "DEPOT"), -2.05, 0.35, 0, 74)
    parts += placed(apple_box("apple2", 0.102, "1/2"), -2.03, 0.33, 0.203, 66)
    for k, (x, y, text) in enumerate(
        ((-2.04, 0.32, "TRAM R1"), (-2.01, 0.35, "TRAM R2"), (-2.05, 0.34, "TESTS"))
    ):
        parts += placed(film_can(f"can{k}", text), x, y, 0.305 + 0.0388 * k, 50 + 37 * k)
    parts += placed(apple_box("apple3", 0.203, "SETPIECE"), 0.55, 2.12, 0, 6)
    return parts


def _behind() -> list[Patch]:
    """What only the 360 pictures and a turned head see: the door, a clock, crates, the ceiling's beams."""
    parts: list[Patch] = []
    for k, y in enumerate((-1.5, 0.0, 1.5)):
        parts += placed(
            box(
                f"beam{k}", (2 * HALF_X, 0.16, 0.18), wood(DARK, 0.2, 3.0), faces=("front", "back", "bottom")
            ),
            0,
            y,
            HEIGHT - 0.18,
        )
    door = painted_boards((0.42, 0.20, 0.16), 0.15)
    parts += placed(
        box("door", (0.92, 0.05, 2.05), door, faces=("front", "left", "right", "top")),
        -1.3,
        -HALF_Y + 0.025,
        0,
        180,
    )
    frame = painted_boards((0.74, 0.71, 0.62), 0.5)
    for k, x in enumerate((-1.3 - 0.52, -1.3 + 0.52)):
        parts += placed(box(f"jamb{k}", (0.11, 0.07, 2.17), frame), x, -HALF_Y + 0.035)
    parts += placed(box("lintel", (1.15, 0.075, 0.12), frame), -1.3, -HALF_Y + 0.037, 2.06)
    knob = lathe(
        "knob",
        [(0.0, 0.03), (0.028, 0.02), (0.0, -0.03)],
        metal((0.62, 0.48, 0.26)),
        smooth=5,
        sides=16,
        gloss=1.0,
    )
    parts += placed(knob, -0.95, -HALF_Y + 0.09, 1.02)
    face = printed((0.93, 0.9, 0.84), clock_face, 420, age=0.5)
    parts += placed(_framed("clock", face, 0.34, 0.34), 0.15, -HALF_Y + 0.02, 1.9, 180)
    for k, (x, y, z, turn, size, text) in enumerate(
        (
            (1.0, -2.0, 0.0, 170, (0.7, 0.5, 0.45), "CAMERA A"),
            (0.97, -2.02, 0.45, 186, (0.6, 0.45, 0.36), "LENSES"),
            (0.25, -2.05, 0.0, 178, (0.55, 0.42, 0.5), "SOUND"),
        )
    ):
        case = coat((0.22, 0.23, 0.25), 0.07, 0.4)
        paints = {
            "front": stencilled(case, text, 0.22, (224, 220, 206)),
            "top": stencilled(case, text, 0.2, (224, 220, 206)),
        }
        parts += placed(box(f"case{k}", size, case, paints=paints), x, y, z, turn)
    return parts


def _framed(name: str, picture: Paint, width_m: float, height_m: float) -> list[Patch]:
    frame = wood(DARK, 0.05, 1.0)
    parts = box(
        f"{name}/frame",
        (width_m + 0.06, 0.025, height_m + 0.06),
        frame,
        faces=("front", "left", "right", "top", "bottom"),
    )
    parts += placed(
        [
            quad(
                name, (-width_m / 2, 0, height_m), (width_m, 0, 0), (0, 0, -height_m), picture, texel_m=0.0014
            )
        ],
        0,
        -0.0135,
        0.03,
    )
    return parts


def _skirting() -> list[Patch]:
    paint = painted_boards((0.74, 0.71, 0.62), 1.3)
    long = box("skirting/back", (2 * HALF_X, 0.02, 0.12), paint, faces=("front", "top"))
    parts = placed(long, 0, HALF_Y - 0.01)
    parts += placed(
        box("skirting/left", (2 * HALF_Y, 0.02, 0.12), paint, faces=("front", "top")),
        -HALF_X + 0.01,
        0,
        0,
        90,
    )
    parts += placed(
        box("skirting/front", (2 * HALF_X, 0.02, 0.12), paint, faces=("front", "top")),
        0,
        -HALF_Y + 0.01,
        0,
        180,
    )
    return parts
