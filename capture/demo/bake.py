"""Baking light: shadow rays to the lights, and light that goes from surface to surface until it is spent.

The surfaces are divided into light-map elements ("lumels"), fine ones for direct light and coarse ones for
what other surfaces send. The rays that gather are traced once; each further bounce only looks up again what
the coarse elements that they met give off (radiosity, Goral et al. 1984, solved by Jacobi iteration).
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from setpiece.capture.demo.atlas import Layout
from setpiece.capture.demo.geometry.patch import Float32, Patch
from setpiece.capture.demo.lights import Light
from setpiece.capture.demo.options import DemoOptions
from setpiece.capture.demo.stage import Stage

COARSER = 2.5  # size of the elements that gather, in sizes of those for direct light
BOUNCES = 6
CHUNK = 1 << 16  # rays per call
DIM = 0.002  # light below this is not worth a shadow ray
LIFT_M = 0.002  # rays start this far in front of their surface


@dataclass(frozen=True)
class Lumels:
    """Light-map elements of all patches, patch by patch, row by row."""

    points: Float32  # [L, 3] world
    normals: Float32  # [L, 3]
    start: NDArray[np.int64]  # [P] index of each patch's first element
    shape: NDArray[np.int64]  # [P, 2] rows and columns

    def of(self, values: Float32, i: int) -> Float32:
        """The part of `values` [L, K] that belongs to patch `i`, [rows, columns, K]."""
        rows, columns = (int(n) for n in self.shape[i])
        part = values[self.start[i] : self.start[i] + rows * columns]
        return part.reshape(rows, columns, -1)


@dataclass(frozen=True)
class BakedLight:
    """What arrives everywhere."""

    fine: Lumels
    direct: Float32  # [L, 4] light, and the share of the window's light that is not blocked
    coarse: Lumels
    indirect: Float32  # [M, 3] light

    def on(self, i: int, width: int, height: int) -> tuple[Float32, Float32]:
        """Light [height, width, 3] and open window [height, width] on the texels of patch `i`."""
        direct, indirect = self.fine.of(self.direct, i), self.coarse.of(self.indirect, i)
        both = [_smooth(a, width, height) for a in (direct, indirect)]
        return both[0][..., :3] + both[1][..., :3], both[0][..., 3]


def bake(
    stage: Stage,
    layout: Layout,
    albedo: Sequence[Float32],
    lights: Sequence[Light],
    options: DemoOptions,
    workers: Executor,
) -> BakedLight:
    """The light on all patches; `albedo` is what `paint_patches` returned."""
    fine = place_lumels(stage.patches, options.lumel_m)
    coarse = place_lumels(stage.patches, options.lumel_m * COARSER)
    direct = _direct(stage, fine, lights, options, workers)
    met = _gather(stage, layout, coarse, options, workers)

    # What a coarse element gives off: its mean albedo times the light on it, or its own glow.
    mean = np.concatenate([_shrunk(albedo[i], coarse, i) for i in range(len(stage.patches))])
    glow = np.repeat([p.glow for p in stage.patches], coarse.shape.prod(axis=1)).astype(np.float32)[:, None]
    arriving = np.concatenate(
        [_shrunk(fine.of(direct, i)[..., :3], coarse, i) for i in range(len(stage.patches))]
    )
    indirect = np.zeros_like(arriving)
    for _ in range(BOUNCES):
        given = np.where(glow > 0, mean * np.minimum(glow, 1.5), mean * (arriving + indirect))
        padded = np.concatenate([given, np.zeros((1, 3), np.float32)])  # the last row: nothing was met
        indirect = np.stack([padded[met, k].mean(axis=1) for k in range(3)], axis=1)
    return BakedLight(fine=fine, direct=direct, coarse=coarse, indirect=indirect)


def place_lumels(patches: Sequence[Patch], size_m: float) -> Lumels:
    """Elements of about `size_m` metres, at least two by two on each patch."""
    points, normals, shape = [], [], []
    for patch in patches:
        w, h = patch.size_m
        columns, rows = (max(2, min(512, round(s / size_m))) for s in (w, h))
        u, v = np.meshgrid((np.arange(columns) + 0.5) / columns, (np.arange(rows) + 0.5) / rows)
        both = patch.at(np.concatenate([patch.points, patch.normals()], axis=2), u.ravel(), v.ravel())
        points.append(both[:, :3])
        normals.append(both[:, 3:] / np.maximum(np.linalg.norm(both[:, 3:], axis=1, keepdims=True), 1e-9))
        shape.append((rows, columns))
    counts = np.array(shape).prod(axis=1)
    return Lumels(
        points=np.concatenate(points).astype(np.float32),
        normals=np.concatenate(normals).astype(np.float32),
        start=np.concatenate([[0], np.cumsum(counts)[:-1]]),
        shape=np.array(shape),
    )


def _direct(
    stage: Stage, lumels: Lumels, lights: Sequence[Light], options: DemoOptions, workers: Executor
) -> Float32:
    def part(start: int) -> Float32:
        points, normals = lumels.points[start : start + CHUNK], lumels.normals[start : start + CHUNK]
        rng = np.random.default_rng([options.seed, 11, start])
        origins = points + LIFT_M * normals
        total = np.zeros((len(points), 4), np.float32)
        for k, light in enumerate(lights):
            count = options.light_samples
            for i in range(count):
                probe = light.probe(origins, normals, (i, count), rng)
                asked = np.flatnonzero(probe.weight > DIM / max(light.colour))
                free = stage.tracer.free(
                    origins[asked], probe.directions[asked], probe.far[asked] - 2 * LIFT_M
                )
                got = asked[free]
                total[got, :3] += probe.weight[got, None] * np.array(light.colour, np.float32) / count
                if k == 0:
                    total[got, 3] += np.float32(1 / count)
        return total

    return np.concatenate(list(workers.map(part, range(0, len(lumels.points), CHUNK))))


def _gather(
    stage: Stage, layout: Layout, lumels: Lumels, options: DemoOptions, workers: Executor
) -> NDArray[np.int32]:
    """For each element the elements that its rays met, [M, rays]; M stands for none."""
    rays, size = options.bounce_samples, max(1, CHUNK // options.bounce_samples)
    nothing = len(lumels.points)

    def part(start: int) -> NDArray[np.int32]:
        normals = lumels.normals[start : start + size]
        points = lumels.points[start : start + size] + LIFT_M * normals
        rng = np.random.default_rng([options.seed, 12, start])
        directions = _cosine(normals, rays, rng)
        hits = stage.tracer.first(np.repeat(points, rays, axis=0), directions)
        found = np.full(len(hits.triangle), nothing, np.int64)
        rows = np.flatnonzero(hits.triangle >= 0)
        rows = rows[
            (directions[rows] * stage.facing[hits.triangle[rows]]).sum(1) < 0
        ]  # backs give off nothing
        x, y = stage.atlas_position(hits, rows)
        patch = stage.owner[hits.triangle[rows]]
        left, top, w, h = layout.rects[patch].T
        grid = lumels.shape[patch]
        column = np.clip(((x + 0.5 - left) / w * grid[:, 1]).astype(np.int64), 0, grid[:, 1] - 1)
        row = np.clip(((y + 0.5 - top) / h * grid[:, 0]).astype(np.int64), 0, grid[:, 0] - 1)
        found[rows] = lumels.start[patch] + row * grid[:, 1] + column
        return found.reshape(len(points), rays).astype(np.int32)

    return np.concatenate(list(workers.map(part, range(0, nothing, size))))


def _cosine(normals: Float32, rays: int, rng: np.random.Generator) -> Float32:
    """Directions about each normal [N, 3], as dense as the cosine: [N * rays, 3]."""
    n = len(normals)
    turn = rng.random((n, 1))  # the same spiral for all, turned about each normal at random
    k = np.arange(rays)
    radius = np.sqrt((k + rng.random((n, 1))) / rays)
    angle = 2 * np.pi * (turn + k * 0.6180339887498949)
    helper = np.where(np.abs(normals[:, 2:]) < 0.9, [[0.0, 0, 1]], [[1.0, 0, 0]])
    first = np.cross(helper, normals)
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    second = np.cross(normals, first)
    local = (radius * np.cos(angle), radius * np.sin(angle), np.sqrt(np.maximum(0, 1 - radius**2)))
    directions = sum(
        a[..., None] * axis[:, None] for a, axis in zip(local, (first, second, normals), strict=True)
    )
    return np.asarray(directions, np.float32).reshape(-1, 3)


def _shrunk(values: Float32, lumels: Lumels, i: int) -> Float32:
    rows, columns = (int(n) for n in lumels.shape[i])
    small = cv2.resize(np.ascontiguousarray(values), (columns, rows), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32).reshape(rows * columns, -1)


def _smooth(values: Float32, width: int, height: int) -> Float32:
    if min(values.shape[:2]) >= 4:
        values = cv2.GaussianBlur(values, (0, 0), 0.75, borderType=cv2.BORDER_REPLICATE)
    out: Float32 = cv2.resize(values, (width, height), interpolation=cv2.INTER_LINEAR)
    return out
