"""The lenses of a capture: which frames share a camera."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from setpiece.capture.colmap import Lens
from setpiece.capture.frames import CapturedFrame

_Key = tuple[int, int, str, "tuple[float, float, float, float] | None"]


def lenses_of(frames: Sequence[CapturedFrame]) -> tuple[list[Lens], list[int]]:
    """The lenses of the capture, and the number of each frame's.

    Frames of one size with the same lens text share a lens; those without metadata share one by size alone.
    Each view of a panorama has its own, which panoramas of the same kind share.
    """
    numbers: dict[_Key, int] = {}
    lens_of = [numbers.setdefault(_key(f), len(numbers)) for f in frames]
    lenses = []
    for (width, height, text, turned), number in numbers.items():
        known = [f.focal_px for f, n in zip(frames, lens_of, strict=True) if n == number and f.focal_px]
        lenses.append(Lens(width, height, statistics.median(known) if known else None, text, turned))
    return lenses, lens_of


def _key(frame: CapturedFrame) -> _Key:
    return frame.width, frame.height, frame.lens, frame.rig.cam_from_rig if frame.rig else None
