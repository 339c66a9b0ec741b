"""What a clip's metadata says of the camera and the time. The place is never looked at.

QuickTime's keys are Apple's (com.apple.quicktime.*), those of Android phones com.android.*.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping
from dataclasses import dataclass

_APPLE = "com.apple.quicktime."
_ANDROID = "com.android."
_DIAGONAL_35_MM = math.hypot(36, 24)
_NO_CLOCK_BEFORE = 1990  # years; the epochs of QuickTime (1904) and Unix (1970) stand for "unknown"


@dataclass(frozen=True)
class ClipMetadata:
    """What a clip says of itself."""

    make: str | None
    model: str | None
    lens: str | None
    started: datetime.datetime | None  # without zone: local time where the phone says it, else UTC
    focal_35_mm: float | None
    live_photo: bool  # the clip carries the identifier that ties it to a still picture


def read_clip_metadata(tags: Mapping[str, str]) -> ClipMetadata:
    """The metadata from a container's and a stream's tags together. Damaged entries count as absent."""
    known = {key.casefold(): value for key, value in tags.items()}
    return ClipMetadata(
        make=_text(known, _APPLE + "make", _ANDROID + "manufacturer", "make"),
        model=_text(known, _APPLE + "model", _ANDROID + "model", "model"),
        lens=_text(known, _APPLE + "camera.lens_model"),
        started=_time(_text(known, _APPLE + "creationdate", "creation_time", "date")),
        focal_35_mm=_positive(_text(known, _APPLE + "camera.focal_length.35mm_equivalent")),
        live_photo=bool(_text(known, _APPLE + "content.identifier")),
    )


def focal_px(focal_35_mm: float, width: int, height: int) -> float:
    """The focal length in pixels of a frame whose 35 mm equivalent is known (CIPA DCG-001, by diagonal)."""
    return focal_35_mm / _DIAGONAL_35_MM * math.hypot(width, height)


def _text(tags: Mapping[str, str], *keys: str) -> str | None:
    for key in keys:
        cleaned = "".join(c for c in tags.get(key, "") if c.isprintable()).strip()
        if cleaned:
            return cleaned[:100]
    return None


def _time(text: str | None) -> datetime.datetime | None:
    if text is None:
        return None
    text = text.removesuffix("Z")
    if text[-5:-4] in ("+", "-") and text[-4:].isdigit():  # +0200, as phones write it
        text = text[:-5]
    try:
        moment = datetime.datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        return None
    return moment if moment.year >= _NO_CLOCK_BEFORE else None


def _positive(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) and number > 0 else None
