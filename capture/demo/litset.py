"""The lit set: what light comes along a ray."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from setpiece.capture.demo.atlas import Atlas
from setpiece.capture.demo.geometry.patch import Float32
from setpiece.capture.demo.lights import WindowLight
from setpiece.capture.demo.stage import Stage

FRESNEL_0 = 0.04  # reflectance of glass, glaze and varnish at normal incidence (Schlick 1994)


@dataclass(frozen=True)
class Seen:
    """What N rays show."""

    colour: Float32  # [N, 3] linear radiance
    distance: Float32  # [N] in lengths of the ray's direction, 0 where the ray met nothing
    patch: NDArray[np.int32]  # [N] index of the patch, -1 where the ray met nothing


class Look(Protocol):
    """What can be photographed."""

    def look(self, origin: Float32, directions: Float32, spacing: float | Float32) -> Seen:
        """What comes along rays."""


class LitSet:
    """Triangles and a lit atlas; a window is mirrored in what is glossy."""

    def __init__(self, stage: Stage, atlas: Atlas, window: WindowLight) -> None:
        self.stage, self.atlas, self.window = stage, atlas, window

    def look(self, origin: Float32, directions: Float32, spacing: float | Float32) -> Seen:
        """What comes along rays from `origin` [3] in `directions` [N, 3].

        `spacing` is the distance between neighbouring rays at a distance of one direction's length: the
        texture is blurred to that footprint.
        """
        n = len(directions)
        hits = self.stage.tracer.first(np.broadcast_to(origin.astype(np.float32), (n, 3)), directions)
        seen = np.flatnonzero(hits.triangle >= 0)
        whole = len(seen) == n
        rows: NDArray[np.int64] | slice = slice(None) if whole else seen
        triangle = hits.triangle[rows]
        ways = directions[rows]
        cosine = np.abs(np.einsum("ij,ij->i", ways, self.stage.facing[triangle]))
        cosine /= np.sqrt(np.einsum("ij,ij->i", ways, ways))
        footprint = hits.distance[rows] * spacing / np.sqrt(np.maximum(cosine, 0.02))
        level = np.log2(np.maximum(footprint / self.stage.texel_m[triangle], 1e-3))
        x, y = self.stage.atlas_position(hits, rows)
        sample = self.atlas.sample(x, y, level)
        glossy = np.flatnonzero(sample[:, 3] > 0.004)
        if len(glossy):
            at = glossy if whole else seen[glossy]
            normal = self.stage.normal(hits, at)
            points = origin + directions[at] * hits.distance[at, None]
            sample[glossy, :3] += sample[glossy, 3:] * self._mirrored(points, directions[at], normal)
        if whole:
            return Seen(sample[:, :3], hits.distance, self.stage.owner[triangle])
        colour, distance = np.zeros((n, 3), np.float32), np.zeros(n, np.float32)
        patch = np.full(n, -1, np.int32)
        colour[seen], distance[seen], patch[seen] = (
            sample[:, :3],
            hits.distance[seen],
            self.stage.owner[triangle],
        )
        return Seen(colour, distance, patch)

    def _mirrored(self, points: Float32, directions: Float32, normals: Float32) -> Float32:
        """The window's soft mirror image at glossy points, [N, 3]."""
        way = directions / np.linalg.norm(directions, axis=1, keepdims=True)
        cosine = -np.einsum("ij,ij->i", way, normals)
        mirrored = way + 2 * cosine[:, None] * normals
        along = (self.window.x_m - points[:, 0]) / np.minimum(mirrored[:, 0], -1e-3)
        soft = 0.10 + 0.10 * along  # a rough surface blurs what is far more
        inside = np.ones(len(points), np.float32)
        for axis, (low, high) in ((1, self.window.y_m), (2, self.window.z_m)):
            at = points[:, axis] + along * mirrored[:, axis]
            inside *= np.clip((at - low) / soft + 0.5, 0, 1) * np.clip((high - at) / soft + 0.5, 0, 1)
        inside *= mirrored[:, 0] < -1e-3
        fresnel = FRESNEL_0 + (1 - FRESNEL_0) * (1 - np.clip(cosine, 0, 1)) ** 5
        strength = (fresnel * inside).astype(np.float32)[:, None]
        return np.asarray(strength * np.array(self.window.colour), np.float32)
