"""Rays against triangles: a thin cover over embreex (Intel Embree), which frees the GIL meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene
from numpy.typing import NDArray

Float32 = NDArray[np.float32]


@dataclass(frozen=True)
class Hits:
    """What N rays met first."""

    triangle: NDArray[np.int32]  # [N], -1 where a ray met nothing
    u: Float32  # [N] barycentric weight of the triangle's second corner
    v: Float32  # [N] of the third
    distance: Float32  # [N] in lengths of the ray's direction; 1e37 where nothing was met


class Tracer:
    """Triangles that can be asked what rays meet. Calls may come from several threads at once."""

    def __init__(self, triangles: Float32) -> None:
        """`triangles` is [T, 3, 3]: corners in world coordinates."""
        self._scene: Any = EmbreeScene(robust=True)
        self._mesh = TriangleMesh(self._scene, np.ascontiguousarray(triangles, np.float32))
        up = np.array([[0, 0, 1]], np.float32)
        self._scene.run(up, up)  # builds the tree now, before threads come in

    def first(self, origins: Float32, directions: Float32) -> Hits:
        """The first triangles that rays [N, 3] meet."""
        found = self._scene.run(_rows(origins), _rows(directions), output=True)
        return Hits(found["primID"], found["u"], found["v"], found["tfar"])

    def free(self, origins: Float32, directions: Float32, far: Float32) -> NDArray[np.bool_]:
        """True where nothing lies on a ray [N, 3] up to `far` [N] lengths of its direction."""
        found = self._scene.run(
            _rows(origins), _rows(directions), dists=np.ascontiguousarray(far, np.float32), query="OCCLUDED"
        )
        clear: NDArray[np.bool_] = np.asarray(found) < 0
        return clear


def _rows(array: Float32) -> Float32:
    return np.ascontiguousarray(array, dtype=np.float32)
