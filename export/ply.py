"""Splat PLY files: binary little endian, one row of float32 per Gaussian, in RDF axes (Kerbl et al. 2023).

The format has no declared axes or units. What readers agree on: x right, y down, z forward, opacity as a
logit, scales as logarithms, quaternions wxyz, and the higher harmonics channel by channel. `write_ply`
writes all 62 columns whatever the degree, because readers exist that refuse any other number.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from setpiece.atomic import atomic_file
from setpiece.axes import PLY_FROM_WORLD, WORLD_FROM_PLY, rotate_splats
from setpiece.errors import SplatFileError
from setpiece.splats import Splats

PLY_COLUMNS: tuple[str, ...] = (
    *("x", "y", "z", "nx", "ny", "nz"),
    *(f"f_dc_{i}" for i in range(3)),
    *(f"f_rest_{i}" for i in range(45)),
    "opacity",
    *(f"scale_{i}" for i in range(3)),
    *(f"rot_{i}" for i in range(4)),
)
_CHUNK = 65536  # rows converted at a time, to bound the memory taken
_MAX_HEADER = 65536  # bytes; a longer one is not a splat file
_TYPES = {
    **{"float": "<f4", "float32": "<f4", "double": "<f8", "float64": "<f8"},
    **{"char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1"},
    **{"short": "<i2", "int16": "<i2", "ushort": "<u2", "uint16": "<u2"},
    **{"int": "<i4", "int32": "<i4", "uint": "<u4", "uint32": "<u4"},
}
_REST_BY_DEGREE = (0, 9, 24, 45)  # columns of higher harmonics


def write_ply(path: Path, splats: Splats) -> None:
    """Write Gaussians of the set's world to `path`, in RDF axes; the file appears complete or not at all.

    Raises SetFolderError when the disk is full or the folder is not writable.
    """
    with atomic_file(path) as file:
        file.write(ply_header(splats.count, PLY_COLUMNS))
        for start in range(0, splats.count, _CHUNK):
            part = splats.take(np.arange(start, min(start + _CHUNK, splats.count)))
            file.write(_rows(rotate_splats(part, PLY_FROM_WORLD)).tobytes())  # world Z up -> RDF, here only


def read_ply(path: Path) -> Splats:
    """The Gaussians of an uncompressed splat PLY, in the set's world (Z up).

    Columns may come in any order and type; unknown ones are skipped, and missing higher harmonics lower the
    degree. Raises SplatFileError when the file is damaged or no such PLY.
    """
    rows = map_ply(path)
    names = rows.dtype.names or ()

    def columns(*wanted: str) -> NDArray[np.float32]:
        return np.stack([rows[name].astype(np.float32) for name in wanted], axis=1)

    rest = sum(f"f_rest_{i}" in names for i in range(45))
    if rest not in _REST_BY_DEGREE:
        raise SplatFileError(
            f"{path} has {rest} columns of higher harmonics (f_rest_*); expected 0, 9, 24 or 45. "
            "Export it again with a whole degree."
        )
    sh = columns(*(f"f_dc_{i}" for i in range(3)))[:, None, :]
    if rest:
        higher = columns(*(f"f_rest_{i}" for i in range(rest))).reshape(len(rows), 3, rest // 3)
        sh = np.concatenate([sh, higher.transpose(0, 2, 1)], axis=1)
    in_ply = Splats(
        means=columns("x", "y", "z"),
        log_scales=columns("scale_0", "scale_1", "scale_2"),
        quats_wxyz=columns("rot_0", "rot_1", "rot_2", "rot_3"),
        opacity_logits=columns("opacity")[:, 0],
        sh=np.ascontiguousarray(sh),
    )
    return rotate_splats(in_ply, WORLD_FROM_PLY)  # RDF -> world Z up, here only


def map_ply(path: Path) -> NDArray[np.void]:
    """The rows of a splat PLY as they lie in the file, [N] of named columns, read when touched.

    Raises SplatFileError when the file is damaged, or holds no uncompressed splats.
    """
    try:
        with path.open("rb") as file:
            count, dtype, offset = _parse_header(path, file)
        size = path.stat().st_size
        if size < offset + count * dtype.itemsize:
            raise SplatFileError(
                f"{path} is cut off: its header announces {count} splats, but the file ends after "
                f"{max(0, size - offset) // dtype.itemsize}. Copy it again."
            )
        if count == 0:
            return np.memmap(path, dtype=np.uint8, mode="r")[:0].view(dtype)  # an empty map is not allowed
        return np.memmap(path, dtype=dtype, mode="r", offset=offset, shape=(count,))
    except OSError as error:
        raise SplatFileError(f"{path} cannot be read: {error.strerror or error}.") from error


def ply_header(count: int, columns: tuple[str, ...]) -> bytes:
    """The header of a PLY with `count` rows of float32 `columns`.

    It has no comment lines: readers exist that refuse them.
    """
    lines = ["ply", "format binary_little_endian 1.0", f"element vertex {count}"]
    lines += [f"property float {name}" for name in columns]
    return ("\n".join([*lines, "end_header"]) + "\n").encode("ascii")


def _rows(splats: Splats) -> NDArray[np.float32]:
    rows = np.zeros((splats.count, len(PLY_COLUMNS)), dtype="<f4")
    rows[:, 0:3] = splats.means
    rows[:, 6:9] = splats.sh[:, 0]
    higher = splats.sh.shape[1] - 1
    for channel in range(3):  # f_rest is channel-major, each channel padded to the 15 terms of degree 3
        rows[:, 9 + 15 * channel : 9 + 15 * channel + higher] = splats.sh[:, 1:, channel]
    rows[:, 54] = splats.opacity_logits
    rows[:, 55:58] = splats.log_scales
    rows[:, 58:62] = splats.quats_wxyz
    return rows


def _parse_header(path: Path, file: BinaryIO) -> tuple[int, np.dtype[np.void], int]:
    """How many rows, their layout, and where they start."""
    head = file.read(_MAX_HEADER)
    end = re.search(rb"\nend_header\r?\n", head)
    if not head.startswith(b"ply") or end is None:
        raise SplatFileError(f"{path} is not a PLY file. Expected a splat PLY, such as splats/scene.ply.")
    lines = head[: end.start()].decode("ascii", errors="replace").splitlines()
    words = [line.split() for line in lines[1:] if line.strip()]
    if ["format", "binary_little_endian", "1.0"] not in words:
        raise SplatFileError(f"{path} is a PLY, but not a binary little-endian one. Convert it first.")
    elements = [w for w in words if w[0] == "element"]
    if len(elements) != 1 or elements[0][1:2] != ["vertex"]:
        found = ", ".join(" ".join(w[1:2]) for w in elements) or "none"
        raise SplatFileError(
            f"{path} is a PLY without plain splats (its elements: {found}; expected: vertex). "
            "Meshes and compressed splats must be converted first."
        )
    try:
        count = int(elements[0][2])
        fields = [(w[2], _TYPES[w[1]]) for w in words if w[0] == "property"]
        dtype: np.dtype[np.void] = np.dtype(fields)
    except (ValueError, IndexError, KeyError) as error:
        raise SplatFileError(f"{path} has a damaged PLY header ({error}). Export it again.") from error
    optional = ("nx", "ny", "nz")
    missing = [
        c for c in PLY_COLUMNS if not c.startswith("f_rest") and c not in (*optional, *(dtype.names or ()))
    ]
    if missing or count < 0:
        raise SplatFileError(
            f"{path} is a PLY of something else: {missing[0] if missing else 'a count'} is missing. "
            "Expected x, f_dc_*, opacity, scale_* and rot_*."
        )
    return count, dtype, end.end()


def write_rescaled_ply(path: Path, factor: float, output: Path) -> None:
    """Write the splats of a PLY, `factor` times as large, to `output`; all else stays as it is.

    Raises SplatFileError when `path` is damaged or no splat PLY.
    """
    rows = map_ply(path)
    length = path.stat().st_size - len(rows) * rows.dtype.itemsize
    with path.open("rb") as file, output.open("wb") as written:
        count, _, offset = _parse_header(path, file)
        file.seek(0)
        written.write(file.read(offset))
        for start in range(0, count, _CHUNK):
            part = np.array(rows[start : start + _CHUNK])
            for name in ("x", "y", "z"):
                part[name] *= factor
            for name in ("scale_0", "scale_1", "scale_2"):
                part[name] += np.log(factor)
            written.write(part.tobytes())
        file.seek(offset + count * rows.dtype.itemsize)
        written.write(file.read(max(0, length - offset)))
