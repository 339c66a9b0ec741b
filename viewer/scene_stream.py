"""The splats as they travel to the page: the columns of scene.ply that say something, and no others.

`splats/scene.ply` always has 62 columns, because other tools want them. The page needs neither the normals
nor harmonics that are zero throughout: at degree 0 that is 56 bytes per splat instead of 248.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from setpiece.export.ply import map_ply, ply_header

_CHUNK = 65536  # rows at a time
_SAMPLE = 200_000  # rows that the bounds are taken from
_TERMS = (0, 3, 8, 15)  # higher harmonics per channel, by degree


@dataclass(frozen=True)
class SceneStream:
    """What is sent for one state of scene.ply."""

    path: Path
    tag: str  # changes when the file does
    splats: int
    sh_degree: int
    columns: tuple[tuple[str, str], ...]  # name in the answer, name in the file
    bounds_in_ply: tuple[list[float], list[float]]  # 2nd and 98th percentiles of the means, RDF axes

    @property
    def header(self) -> bytes:
        """The PLY header of the answer."""
        return ply_header(self.splats, tuple(name for name, _ in self.columns))

    @property
    def size_bytes(self) -> int:
        """The size of the answer."""
        return len(self.header) + self.splats * 4 * len(self.columns)

    def chunks(self) -> Iterator[bytes]:
        """The answer, piece by piece. Raises SplatFileError when the file was damaged meanwhile."""
        yield self.header
        rows = map_ply(self.path)
        for start in range(0, self.splats, _CHUNK):
            part = rows[start : min(start + _CHUNK, self.splats)]
            yield np.stack([part[name].astype("<f4") for _, name in self.columns], axis=1).tobytes()


def open_scene(path: Path) -> SceneStream:
    """What to send for the splat PLY at `path`. Raises SplatFileError when it is no such file."""
    stat = path.stat()
    return _survey(path, f"{stat.st_mtime_ns:x}-{stat.st_size:x}")


@functools.lru_cache(maxsize=4)
def _survey(path: Path, tag: str) -> SceneStream:
    rows = map_ply(path)
    degree = _degree(rows)
    per_channel = sum(n.startswith("f_rest_") for n in rows.dtype.names or ()) // 3
    rest = [
        (f"f_rest_{channel * _TERMS[degree] + k}", f"f_rest_{channel * per_channel + k}")
        for channel in range(3)
        for k in range(_TERMS[degree])
    ]
    names = ["x", "y", "z", "f_dc_0", "f_dc_1", "f_dc_2", "opacity"]
    names += [f"scale_{i}" for i in range(3)] + [f"rot_{i}" for i in range(4)]
    sample = rows[:: max(1, len(rows) // _SAMPLE)]
    means = np.stack([sample[a].astype(np.float64) for a in "xyz"], axis=1)
    if len(means) == 0:
        means = np.zeros((1, 3))
    low, high = np.percentile(means, [2, 98], axis=0)
    return SceneStream(
        path=path,
        tag=tag,
        splats=len(rows),
        sh_degree=degree,
        columns=(*((name, name) for name in names), *rest),
        bounds_in_ply=(low.tolist(), high.tolist()),
    )


def _degree(rows: NDArray[np.void]) -> int:
    """The highest degree of harmonics with a value that is not zero."""
    columns = sum(n.startswith("f_rest_") for n in rows.dtype.names or ())
    terms = columns // 3
    highest = 0
    for start in range(0, len(rows), _CHUNK):
        part = rows[start : start + _CHUNK]
        for channel in range(3):
            for k in range(terms - 1, highest - 1, -1):  # from the top, down to what is known already
                if np.any(part[f"f_rest_{channel * terms + k}"]):
                    highest = max(highest, k + 1)
                    break
    return next(d for d, t in enumerate(_TERMS) if t >= highest)
