"""What the outermost boxes of an MP4 or MOV file say before any of it is decoded.

ISO/IEC 14496-12, section 4.2: a file is a chain of boxes, each with its size and a type of four letters.
`moov` is the index; without it or its fragments (`moof`) nothing can be read. An encrypted track has the
sample entry `encv` in place of its codec's (ISO/IEC 14496-12, section 8.12).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

_TYPES = frozenset({b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"moof", b"pnot", b"uuid", b"styp"})
_INDEX_READ = 32 * 1024**2  # bytes of the index that are searched
_MOST_BOXES = 100_000


@dataclass(frozen=True)
class Boxes:
    """What the chain of boxes shows."""

    has_index: bool
    is_encrypted: bool
    missing_bytes: int  # that the last box promises beyond the end of the file


def is_iso_file(start: bytes) -> bool:
    """Whether a file begins like MP4 or MOV."""
    return start[4:8] in _TYPES


def read_boxes(path: Path) -> Boxes:
    """The chain of boxes of the file at `path`, skipping from one to the next. Raises OSError."""
    size, at = path.stat().st_size, 0
    has_index, is_encrypted = False, False
    with path.open("rb") as file:
        for _ in range(_MOST_BOXES):
            file.seek(at)
            head = file.read(16)
            if len(head) < 8:
                break
            length, kind = struct.unpack(">I4s", head[:8])
            if length == 1 and len(head) == 16:
                (length,) = struct.unpack(">Q", head[8:])
            elif length == 0:  # up to the end of the file
                length = size - at
            if length < 8 or not all(32 <= b < 127 or b == 0xA9 for b in kind):
                break
            if kind in (b"moov", b"moof"):
                has_index = True
                file.seek(at)
                is_encrypted |= b"encv" in file.read(min(length, _INDEX_READ))
            at += length
    return Boxes(has_index, is_encrypted, max(0, at - size))
