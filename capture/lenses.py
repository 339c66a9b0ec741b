"""The lenses of a capture: which frames share a camera."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from setpiece.capture.colmap import Lens
from setpiece.capture.frames import CapturedFrame


def lenses_of(frames: Sequence[CapturedFrame]) -> tuple[list[Lens], list[int]]:
    """The lenses of the capture, and the number of each frame's.

    Frames of one size with the same lens text share a lens; those without metadata share one by size alone.
    """
    numbers: dict[tuple[int, int, str], int] = {}
    lens_of = [numbers.setdefault((f.width, f.height, f.lens), len(numbers)) for f in frames]
    lenses = []
    for (width, height, text), number in numbers.items():
        known = [f.focal_px for f, n in zip(frames, lens_of, strict=True) if n == number and f.focal_px]
        lenses.append(Lens(width, height, statistics.median(known) if known else None, text))
    return lenses, lens_of
