"""A figure that walks through the film set while it is photographed: what a capture should not keep.

It is no part of the set: it neither takes light from it nor gives a shadow, and the truth is without it.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from setpiece.capture.demo.atlas import Atlas, lay_out, paint_patches
from setpiece.capture.demo.geometry.box import box
from setpiece.capture.demo.geometry.lathe import lathe
from setpiece.capture.demo.geometry.patch import Float32, Patch
from setpiece.capture.demo.geometry.placement import placed, rotation, translation
from setpiece.capture.demo.lights import WindowLight
from setpiece.capture.demo.litset import LitSet, Look, Seen
from setpiece.capture.demo.options import DemoOptions
from setpiece.capture.demo.stage import Stage
from setpiece.capture.demo.textures.fabric import cloth
from setpiece.capture.demo.textures.plain import coat
from setpiece.capture.demo.walk import Viewpoint

EVERY = 3  # photo shows a scattered figure
NEAR_M, FAR_M = 1.35, 2.1  # how far from the phone a scattered figure stands
PASSING_FROM, PASSING_TO = (-1.9, -0.1), (0.9, 0.5)  # x, y in metres
LIGHT = np.array((-0.7, -0.5, 0.5))  # where most light comes from
BRIGHT = (0.18, 0.42)  # radiance of white on the dark and on the lit side


def figure() -> list[Patch]:
    """A person of 1.74 m in a checked shirt, standing on z = 0 and looking along -y."""
    skin, hair = coat((0.78, 0.58, 0.46), 0.05, 0.2), coat((0.20, 0.13, 0.09), 0.03, 0.5)
    shirt = cloth((0.72, 0.20, 0.16), 0.006, ((0.93, 0.88, 0.78), 0.07))
    trousers = cloth((0.17, 0.24, 0.42), 0.005, ((0.26, 0.34, 0.52), 0.03))
    shoe = coat((0.30, 0.20, 0.12), 0.02, 0.5)
    torso = [(0.0, 1.46), (0.08, 1.45), (0.19, 1.40), (0.215, 1.25), (0.19, 1.08), (0.20, 0.92), (0.19, 0.84)]
    parts = lathe("walker/torso", torso, shirt, sides=28, smooth=3)
    parts += lathe("walker/neck", [(0.055, 1.54), (0.06, 1.43)], skin, sides=16)
    head = [(0.0, 1.74), (0.06, 1.725), (0.095, 1.66), (0.09, 1.58), (0.05, 1.51), (0.0, 1.50)]
    parts += lathe("walker/head", head, skin, sides=24, smooth=3)
    parts += lathe(
        "walker/hair", [(0.0, 1.75), (0.07, 1.735), (0.105, 1.67), (0.1, 1.63)], hair, sides=24, smooth=3
    )
    for side, forward in ((-1, 0.16), (1, -0.16)):
        leg = lathe(f"walker/leg{side}", [(0.105, 0.86), (0.075, 0.48), (0.06, 0.08)], trousers, sides=16)
        parts += placed([_leaning(p, 0.86, forward) for p in leg], 0.095 * side, 0)
        arm = lathe(
            f"walker/arm{side}", [(0.0, 1.42), (0.065, 1.39), (0.05, 1.10), (0.04, 0.80)], shirt, sides=14
        )
        parts += placed([_leaning(p, 1.40, -forward) for p in arm], 0.235 * side, 0)
        parts += placed(box(f"walker/shoe{side}", (0.10, 0.26, 0.09), shoe), 0.095 * side, -forward - 0.04)
    return parts


def _leaning(patch: Patch, hinge_m: float, forward_m: float) -> Patch:
    """A limb that swings about the height of its hinge; its end comes forward by so much."""
    matrix = translation(0, 0, hinge_m) @ rotation("x", -np.degrees(np.arcsin(forward_m / hinge_m)))
    return patch.moved(matrix @ translation(0, 0, -hinge_m))


def lit_figure(options: DemoOptions, window: WindowLight, workers: Executor) -> LitSet:
    """The figure in its own space, with soft light from one side."""
    patches = figure()
    layout = lay_out(patches, options.texel_scale)
    albedo = paint_patches(patches, layout, options.seed, workers)
    atlas = Atlas(layout)
    towards = LIGHT / np.linalg.norm(LIGHT)
    for i, patch in enumerate(patches):
        _, _, w, h = (int(n) for n in layout.rects[i])
        u, v = np.meshgrid((np.arange(w) + 0.5) / w, (np.arange(h) + 0.5) / h)
        normals = patch.at(patch.normals(), u.ravel(), v.ravel()).reshape(h, w, 3)
        lit = 0.5 + 0.5 * (normals @ towards)
        light = (BRIGHT[0] + (BRIGHT[1] - BRIGHT[0]) * lit).astype(np.float32)
        atlas.put(i, albedo[i] * light[..., None], np.zeros((h, w), np.float32))
    atlas.finish()
    return LitSet(Stage(patches, layout), atlas, window)


@dataclass(frozen=True)
class Visited:
    """The set with the figure in it."""

    empty: Look
    figure: LitSet
    world_from_figure: NDArray[np.float64]  # rigid [4, 4]
    first_patch: int  # number of the figure's first patch; those of the set are below

    def look(self, origin: Float32, directions: Float32, spacing: float | Float32) -> Seen:
        """What comes along rays, as `LitSet.look` has it."""
        behind = self.empty.look(origin, directions, spacing)
        figure_from_world = np.linalg.inv(self.world_from_figure)
        turn = figure_from_world[:3, :3].astype(np.float32)
        start = (figure_from_world[:3, :3] @ origin + figure_from_world[:3, 3]).astype(np.float32)
        there = self.figure.look(start, directions @ turn.T, spacing)
        nearer = (there.patch >= 0) & ((behind.patch < 0) | (there.distance < behind.distance))
        return Seen(
            np.where(nearer[:, None], there.colour, behind.colour),
            np.where(nearer, there.distance, behind.distance),
            np.where(nearer, there.patch + self.first_patch, behind.patch),
        )


def places(views: list[Viewpoint], options: DemoOptions) -> dict[int, NDArray[np.float64]]:
    """Where the figure stands in those photos that show it: world_from_figure by number."""
    count = len(views)
    if options.walker == "passing":  # a third of the photos in a row: it comes in on one side and leaves
        shown = list(range(count // 6, count // 6 + -(-count // 3)))
        along = np.array(PASSING_TO) - np.array(PASSING_FROM)
        heading = float(np.degrees(np.arctan2(along[0], -along[1])))
        steps = np.linspace(0, 1, len(shown))
        return {
            i: _standing(np.array(PASSING_FROM) + t * along, heading)
            for i, t in zip(shown, steps, strict=True)
        }
    rng = np.random.default_rng([options.seed, 51])
    found = {}
    for i in range(1, count, EVERY) if options.walker == "scattered" else ():
        world_from_cam = np.linalg.inv(views[i].cam_from_world)
        ahead = world_from_cam[:2, 2] / np.linalg.norm(world_from_cam[:2, 2])
        turn, far = np.radians(rng.uniform(-20, 20)), rng.uniform(NEAR_M, FAR_M)
        c, s = np.cos(turn), np.sin(turn)
        at = world_from_cam[:2, 3] + far * np.array(
            [c * ahead[0] - s * ahead[1], s * ahead[0] + c * ahead[1]]
        )
        found[i] = _standing(at, float(rng.uniform(0, 360)))
    return found


def visitor(
    lit: LitSet, options: DemoOptions, views: list[Viewpoint], workers: Executor
) -> Callable[[int], Look]:
    """What each photo is taken of, by its number: the set, or the set with the figure."""
    at = places(views, options)
    if not at:
        return lambda i: lit
    made, first = lit_figure(options, lit.window, workers), len(lit.stage.patches)
    return lambda i: Visited(lit, made, at[i], first) if i in at else lit


def _standing(at: NDArray[np.float64], turn_deg: float) -> NDArray[np.float64]:
    return translation(float(at[0]), float(at[1]), 0) @ rotation("z", turn_deg)
