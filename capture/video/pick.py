"""The second pass through a clip: the chosen frames at full size.

The pass goes from frame to frame, and leaps to a key frame where one lies on the way. A leap may deceive: a
file's index may be wrong, and pictures after a key frame may need some before it. So a frame counts only
when its time and the checksum of its small picture are those of the first pass; otherwise it is read from
the beginning on.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from setpiece.capture.video.clip import Clip, open_clip
from setpiece.capture.video.scan import Scan, SmallGrey, checksum

_WORTH_A_LEAP = 3  # frames that need not be decoded


def pick(
    path: Path, scan: Scan, rows: NDArray[np.int64], threads: int
) -> Generator[tuple[int, Any], None, None]:
    """Row and decoded frame (av.VideoFrame) of each of `rows`, rising; the frame is valid until the next one.

    A frame that cannot be found again is passed over.
    """
    missed = []
    with open_clip(path, threads) as clip:
        for row, frame in _leaping(clip, scan, rows):
            if frame is None:
                missed.append(row)
            else:
                yield row, frame
    if missed:
        wanted = dict(zip(scan.pts[missed].tolist(), missed, strict=True))
        with open_clip(path, threads) as clip:
            for frame in clip.decoded():
                found = wanted.pop(frame.pts, None)
                if found is not None:
                    yield found, frame
                if not wanted:
                    return


def _leaping(clip: Clip, scan: Scan, rows: NDArray[np.int64]) -> Iterator[tuple[int, Any | None]]:
    """Each of `rows` with its frame, or with None where it was not found as it was measured."""
    keys = np.flatnonzero(scan.is_key)
    small = SmallGrey()
    at, frames = -1, clip.decoded()  # row of the last frame that was decoded
    for target in rows.tolist():
        before = keys[keys <= target]
        key = int(before[-1]) if len(before) else 0
        if key - at > _WORTH_A_LEAP:
            try:
                clip.seek(int(scan.pts[key]))
                frames = clip.decoded()
            except OSError:
                pass  # a file without an index is read on
        found = next((f for f in frames if f.pts >= scan.pts[target]), None)
        at = target
        is_it = found is not None and found.pts == scan.pts[target]
        if is_it and checksum(small.of(found)) == scan.checks[target]:
            yield target, found
        else:
            yield target, None
