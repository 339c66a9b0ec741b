"""Files that are the same photo as another."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from setpiece.capture.frames import LeftOut
from setpiece.capture.read_photo import ReadFrame

_ALIKE = 4.0  # grey levels of 255; two versions of one photo differ by less on average
_READ_WHOLE = 128 * 1024**2  # bytes; larger files are videos
_PIECES, _PIECE = 64, 65536  # of a large file that are compared, and their bytes


def exact_duplicates(files: Sequence[Path], sources: Sequence[str]) -> dict[str, str]:
    """For each file with the same bytes as an earlier one, that earlier one."""
    by_size: dict[int, list[int]] = {}
    for i, file in enumerate(files):
        with contextlib.suppress(OSError):
            by_size.setdefault(file.stat().st_size, []).append(i)
    same: dict[str, str] = {}
    for group in by_size.values():
        first: dict[bytes, str] = {}
        for i in group if len(group) > 1 else []:
            try:
                digest = _digest(files[i])
            except OSError:  # reading the photo will say why
                continue
            if digest in first:
                same[sources[i]] = first[digest]
            else:
                first[digest] = sources[i]
    return same


def _digest(file: Path) -> bytes:
    """Of a file's bytes; of a large one, pieces spread over it: two recordings differ everywhere."""
    size, digest = file.stat().st_size, hashlib.blake2b()
    with file.open("rb") as stream:
        if size <= _READ_WHOLE:
            digest.update(stream.read())
        else:
            for k in range(_PIECES):
                stream.seek((size - _PIECE) * k // (_PIECES - 1))
                digest.update(stream.read(_PIECE))
    return digest.digest()


def without_versions(read: list[ReadFrame]) -> tuple[list[ReadFrame], dict[str, LeftOut]]:
    """Those of the frames to keep, and by name those that are a smaller version of one of them.

    Such as IMG_1.heic and IMG_1.jpg. The views of a panorama go as its first one goes.
    """
    kept: dict[str, list[ReadFrame]] = {}
    dropped: dict[str, LeftOut] = {}
    first_of: dict[str, ReadFrame] = {}  # of each instant its first view
    for r in read:
        if r.frame.rig:
            first_of.setdefault(r.frame.rig.instant, r)
    heads = [r for r in read if not r.frame.rig or first_of[r.frame.rig.instant] is r]
    for one in sorted(heads, key=lambda r: -r.frame.width * r.frame.height):
        key = Path(one.frame.source).with_suffix("").as_posix().casefold()
        twin = next((k for k in kept.get(key, []) if _alike(k, one)), None)
        if twin:
            reason = f"it is the same photo as {twin.frame.source}"
            dropped[one.frame.name] = LeftOut(one.frame.source, reason)
        else:
            kept.setdefault(key, []).append(one)
    for r in read:
        if r.frame.rig and (gone := dropped.get(first_of[r.frame.rig.instant].frame.name)):
            dropped[r.frame.name] = gone
    return [r for r in read if r.frame.name not in dropped], dropped


def _alike(first: ReadFrame, second: ReadFrame) -> bool:
    return float(np.abs(first.thumbnail - second.thumbnail).mean()) < _ALIKE
