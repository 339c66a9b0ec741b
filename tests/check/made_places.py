"""Places for the tests to photograph: the film set, its double, and a facade that repeats itself."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from setpiece.capture.demo import DemoOptions
from setpiece.capture.demo.geometry.box import box
from setpiece.capture.demo.geometry.patch import Paint, Patch, quad
from setpiece.capture.demo.geometry.placement import placed
from setpiece.capture.demo.lights import PanelLight, WindowLight
from setpiece.capture.demo.litset import LitSet
from setpiece.capture.demo.make import build_set
from setpiece.capture.demo.room import Scene, room
from setpiece.capture.demo.textures.brick import brick
from setpiece.capture.demo.textures.lettering import printed
from setpiece.capture.demo.textures.plain import coat
from setpiece.capture.demo.textures.plaster import plaster
from setpiece.capture.demo.textures.poster import botanical, city_plan
from setpiece.capture.demo.textures.printed import stencilled
from setpiece.capture.demo.textures.sheet import Float32, Sheet
from setpiece.capture.demo.textures.wood import painted_boards

OPTIONS = replace(DemoOptions.tiny(), width=640, texel_scale=1.5, noise=0.003, exposure_variation_ev=0.05)
BAYS, BAY_M, STOREY_M = 10, 2.2, 3.2
OF_ITS_OWN = ("print", "pinned", "poster", "rug", "plant", "twig", "vase", "can", "case", "clock", "books")


def lit(scene: Scene) -> LitSet:
    """The scene with its light."""
    with ThreadPoolExecutor(2) as workers:
        return build_set(OPTIONS, workers, scene=scene)


def furnished_differently() -> Scene:
    """The film set with what hangs and lies about taken away and other pictures put up: a room's double."""
    scene = room()
    kept = [p for p in scene.patches if not p.name.startswith(OF_ITS_OWN)]
    other = quad(
        "mirror",
        (-0.5, 2.38, 2.3),
        (1.1, 0, 0),
        (0, 0, -1.0),
        printed((0.9, 0.9, 0.9), city_plan, 800, seed=3),
    )
    mat = quad("mat", (-1.2, 1.3, 0.005), (1.6, 0, 0), (0, -1.1, 0), seeded(brick, 5), texel_m=0.003)
    return replace(scene, patches=[*kept, other, mat])


def seeded(paint: Paint, seed: int) -> Paint:
    """The paint with the same grain wherever it is used."""

    def same(sheet: Sheet) -> Float32:
        return paint(replace(sheet, seed=seed))

    return same


def facade() -> Scene:
    """A street front of bays that are alike to the last brick, but for a door, a poster and a sign."""
    parts: list[Patch] = []
    for bay in range(BAYS):
        parts += placed(_bay(), (bay - (BAYS - 1) / 2) * BAY_M, 0)
    parts += _signs()
    width = BAYS * BAY_M
    pavement = quad(
        "pavement", (-width, -0.1, 0), (2 * width, 0, 0), (0, -8, 0), plaster((0.5, 0.5, 0.5)), texel_m=0.01
    )
    sky = PanelLight((-width, -3.0, 12.0), (2 * width, 0, 0), (0, -6.0, -3.0), (5.0, 5.0, 5.2))
    window = WindowLight(-50.0, (0.0, 0.1), (0.0, 0.1), (0.0, 0.0, 0.01))
    return Scene(patches=[*parts, pavement], lights=(window, sky), window=window)


def _bay() -> list[Patch]:
    wall = quad(
        "bay", (-BAY_M / 2, 0, STOREY_M), (BAY_M, 0, 0), (0, 0, -STOREY_M), seeded(brick, 1), texel_m=0.006
    )
    boards = seeded(painted_boards((0.80, 0.80, 0.74), 0.12), 2)
    parts = placed(box("frame", (1.1, 0.12, 1.5), boards), 0, -0.06, 1.1)
    pane = quad(
        "pane", (-0.45, -0.121, 2.5), (0.9, 0, 0), (0, 0, -1.3),
        seeded(printed((0.25, 0.32, 0.40), botanical, 300), 3), texel_m=0.006,
    )  # fmt: skip
    parts += placed(box("sill", (1.3, 0.30, 0.08), boards), 0, -0.15, 1.0)
    parts += placed(box("cornice", (BAY_M, 0.25, 0.14), boards), 0, -0.12, STOREY_M - 0.2)
    return [wall, pane, *parts]


def _signs() -> list[Patch]:
    middle = (BAYS - 1) / 2
    ground = coat((0.85, 0.83, 0.75), 0.1, 0.3)
    poster = quad(
        "sign/cafe", (-0.3, -0.01, 1.9), (0.45, 0, 0), (0, 0, -0.65),
        stencilled(ground, "CAFE", 0.3, (120, 30, 30)), texel_m=0.004,
    )  # fmt: skip
    plan = quad(
        "sign/number", (-0.3, -0.01, 1.8), (0.42, 0, 0), (0, 0, -0.5),
        stencilled(ground, "Nr 17", 0.3, (20, 40, 120)), texel_m=0.004,
    )  # fmt: skip
    return [
        *placed([poster], (2 - middle) * BAY_M + 0.95, 0),
        *placed([plan], (7 - middle) * BAY_M + 0.95, 0),
    ]
