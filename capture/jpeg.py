"""The bytes of a JPEG file without anything that is not the picture."""

from __future__ import annotations

import numpy as np

_STANDALONE = {0x01, *range(0xD0, 0xD8)}  # markers without a length
_IN_SCAN = np.zeros(256, bool)  # bytes after 0xFF that go on with coded data: stuffing, restarts, fill
_IN_SCAN[[0x00, *range(0xD0, 0xD8), 0xFF]] = True
_KEPT_APP = {0xE0, 0xEE}  # JFIF, and Adobe's note on the colour transform


def stripped_jpeg(data: bytes) -> bytes:
    """`data` without EXIF, GPS, XMP, IPTC, comments, colour profile and pictures after the first.

    The coded picture itself is copied bit by bit. Raises ValueError when `data` is no complete JPEG.
    """
    if data[:2] != b"\xff\xd8":
        raise ValueError("it does not begin like a JPEG")
    parts = [b"\xff\xd8"]
    at = 2
    while True:
        if at + 4 > len(data) and data[at : at + 2] != b"\xff\xd9":
            raise ValueError("it ends too early")
        if data[at] != 0xFF:
            raise ValueError("a marker is missing")
        marker = data[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        if marker == 0xD9:
            return b"".join([*parts, b"\xff\xd9"])
        if marker in _STANDALONE:
            at += 2
            continue
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xDA:  # a scan: its header, then coded data up to the next marker
            end = _next_marker(data, end)
        is_note = (0xE0 <= marker <= 0xEF and marker not in _KEPT_APP) or marker == 0xFE
        jfxx = marker == 0xE0 and data[at + 4 : at + 9] == b"JFXX\0"  # a thumbnail
        if not (is_note or jfxx):
            parts.append(data[at:end])
        at = end


def _next_marker(data: bytes, start: int) -> int:
    """Where in coded data from `start` on the next marker stands. Raises ValueError where there is none."""
    rest = np.frombuffer(data, np.uint8, offset=start)
    marks = np.flatnonzero(rest[:-1] == 0xFF)
    ends = marks[~_IN_SCAN[rest[marks + 1]]]
    if not len(ends):
        raise ValueError("it ends too early")
    return start + int(ends[0])
