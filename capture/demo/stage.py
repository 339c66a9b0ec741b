"""The set as triangles: which belongs to which patch, and where it lies in the atlas."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from setpiece.capture.demo.atlas import Layout
from setpiece.capture.demo.geometry.patch import Float32, Patch
from setpiece.capture.demo.tracer import Hits, Tracer


class Stage:
    """All patches of the set, cut into triangles and ready to be met by rays."""

    def __init__(self, patches: Sequence[Patch], layout: Layout) -> None:
        self.patches = patches
        corners, normals, texels, owners = [], [], [], []
        for i, patch in enumerate(patches):
            index = patch.triangles()
            u, v = np.meshgrid(patch.us, patch.vs)
            left, top, w, h = layout.rects[i]
            at = np.stack([left + u * w - 0.5, top + v * h - 0.5], axis=2).reshape(-1, 2)
            corners.append(patch.points.reshape(-1, 3)[index])
            normals.append(patch.normals().reshape(-1, 3)[index])
            texels.append(at[index])
            owners.append(np.full(len(index), i, np.int32))
        self.corners: Float32 = np.concatenate(corners).astype(np.float32)  # [T, 3, 3] world
        self.normals: Float32 = np.concatenate(normals).astype(np.float32)  # [T, 3, 3] smooth, at the corners
        self.texels: Float32 = np.concatenate(texels).astype(
            np.float32
        )  # [T, 3, 2] atlas position of the corners
        self.owner: NDArray[np.int32] = np.concatenate(owners)  # [T] index of the patch
        edges = self.corners[:, 1:] - self.corners[:, :1]
        facing = np.cross(edges[:, 0], edges[:, 1])
        self.facing: Float32 = facing / np.maximum(
            np.linalg.norm(facing, axis=1, keepdims=True), 1e-12
        )  # [T, 3]
        self.texel_m: Float32 = layout.texel_m[self.owner]  # [T]
        self.gloss: Float32 = np.array([p.gloss for p in patches], np.float32)[self.owner]  # [T]
        self.tracer = Tracer(self.corners)

    def atlas_position(
        self, hits: Hits, rows: NDArray[np.int64] | slice = slice(None)
    ) -> tuple[Float32, Float32]:
        """Texel positions x, y [N] of the points that rays met."""
        corner = self.texels[hits.triangle[rows]]
        return _blend(corner[..., 0], hits, rows), _blend(corner[..., 1], hits, rows)

    def normal(self, hits: Hits, rows: NDArray[np.int64]) -> Float32:
        """Smooth unit normals [N, 3] of the points that rays met."""
        corner = self.normals[hits.triangle[rows]]
        u, v = hits.u[rows][:, None], hits.v[rows][:, None]
        normal = corner[:, 0] * (1 - u - v) + corner[:, 1] * u + corner[:, 2] * v
        unit: Float32 = normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
        return unit


def _blend(corner: Float32, hits: Hits, rows: NDArray[np.int64] | slice) -> Float32:
    u, v = hits.u[rows], hits.v[rows]
    out: Float32 = corner[:, 0] + (corner[:, 1] - corner[:, 0]) * u + (corner[:, 2] - corner[:, 0]) * v
    return out
