"""Patches: curved rectangles of texture, the only surface that the film set is made of.

A patch is a grid of points. Columns run along the texture's u (right, seen from the front), rows along its v
(down, seen from the front), so that a texture is painted the way it is looked at.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from setpiece.capture.demo.textures.sheet import Sheet

Float32 = NDArray[np.float32]
Paint = Callable[[Sheet], Float32]  # the albedo of a sheet: [height, width, 3] sRGB, 0 to 1


@dataclass(frozen=True)
class Patch:
    """A rectangle of texture bent over a grid of points."""

    name: str  # what it belongs to; also seeds its texture
    points: NDArray[np.float64]  # [R, C, 3] world, metres
    paint: Paint
    us: NDArray[np.float64]  # [C] texture position of the columns, 0 to 1
    vs: NDArray[np.float64]  # [R] texture position of the rows, 0 to 1
    texel_m: float = 0.0025  # metres, wished size of a texture element
    gloss: float = 0.0  # strength of the mirrored window, 0 (matt) to 1
    glow: float = 0.0  # light given off, in units of the albedo; such a patch is not lit by others
    kept: NDArray[np.bool_] | None = None  # [R-1, C-1], False where the grid has a hole

    @property
    def size_m(self) -> tuple[float, float]:
        """Width and height in metres, measured along the longest row and column."""
        along_u = np.linalg.norm(np.diff(self.points, axis=1), axis=2).sum(axis=1).max()
        along_v = np.linalg.norm(np.diff(self.points, axis=0), axis=2).sum(axis=0).max()
        return float(along_u), float(along_v)

    def normals(self) -> NDArray[np.float64]:
        """Unit normals towards the front at the grid points, [R, C, 3]."""
        along_u = np.gradient(self.points, axis=1)
        along_v = np.gradient(self.points, axis=0)
        normal = np.cross(along_v, along_u)
        length = np.linalg.norm(normal, axis=2, keepdims=True)
        # At a pole the row of points falls together: take the normal of the neighbouring row.
        flat = length[..., 0] < 1e-12
        for row, neighbour in ((0, 1), (-1, -2)):
            if flat[row].any():
                normal[row], length[row] = normal[neighbour], length[neighbour]
        unit: NDArray[np.float64] = normal / np.maximum(length, 1e-12)
        return unit

    def at(self, grid: NDArray[np.float64], u: NDArray[Any], v: NDArray[Any]) -> NDArray[np.float64]:
        """`grid` [R, C, K], given at the grid points, interpolated at texture positions u, v: [N, K]."""
        column = np.interp(u, self.us, np.arange(len(self.us)))
        row = np.interp(v, self.vs, np.arange(len(self.vs)))
        c = np.minimum(column.astype(np.int64), len(self.us) - 2)
        r = np.minimum(row.astype(np.int64), len(self.vs) - 2)
        a, b = (column - c)[:, None], (row - r)[:, None]
        top = grid[r, c] * (1 - a) + grid[r, c + 1] * a
        bottom = grid[r + 1, c] * (1 - a) + grid[r + 1, c + 1] * a
        result: NDArray[np.float64] = top * (1 - b) + bottom * b
        return result

    def triangles(self) -> NDArray[np.int64]:
        """Triangles as triples of indices into the flattened grid, front faces anticlockwise: [T, 3]."""
        rows, columns = self.points.shape[:2]
        corner = np.arange(rows * columns).reshape(rows, columns)
        kept = np.ones((rows - 1, columns - 1), bool) if self.kept is None else self.kept
        p00, p01 = corner[:-1, :-1][kept], corner[:-1, 1:][kept]
        p10, p11 = corner[1:, :-1][kept], corner[1:, 1:][kept]
        return np.concatenate([np.stack([p00, p10, p01], 1), np.stack([p01, p10, p11], 1)])

    def moved(self, world_from_local: NDArray[np.float64]) -> Patch:
        """The same patch elsewhere; `world_from_local` is a rigid [4, 4]."""
        points = self.points @ world_from_local[:3, :3].T + world_from_local[:3, 3]
        return dataclasses.replace(self, points=points)


def grid_patch(name: str, points: NDArray[np.float64], paint: Paint, **look: Any) -> Patch:
    """A patch whose texture is spread evenly over the grid; `look` are further fields of Patch."""
    rows, columns = points.shape[:2]
    return Patch(
        name=name,
        points=np.asarray(points, np.float64),
        paint=paint,
        us=np.linspace(0, 1, columns),
        vs=np.linspace(0, 1, rows),
        **look,
    )


def quad(
    name: str,
    top_left: tuple[float, float, float],
    along_u: tuple[float, float, float],
    along_v: tuple[float, float, float],
    paint: Paint,
    **look: Any,
) -> Patch:
    """A flat rectangle, in metres, facing along_v x along_u."""
    corner, u, v = np.array(top_left, float), np.array(along_u, float), np.array(along_v, float)
    points = np.stack([np.stack([corner, corner + u]), np.stack([corner + v, corner + u + v])])
    return grid_patch(name, points, paint, **look)
