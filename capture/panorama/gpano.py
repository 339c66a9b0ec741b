"""What a picture's XMP says of its panorama: Google's GPano schema, which 360 cameras and stitchers write."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from PIL import Image

EQUIRECTANGULAR = "equirectangular"
_XMP_TAG = 700  # of TIFF, and of EXIF in some HEIC files
_FIELD = r'(?:[\w-]+:)?{name}\s*(?:=\s*["\']\s*([^"\'<]*?)\s*["\']|>\s*([^<]*?)\s*<)'


@dataclass(frozen=True)
class GPano:
    """The entries that matter here; None where the picture has none or they cannot be read."""

    projection: str | None  # lower case, such as "equirectangular"
    full_width: int | None  # pixels of the whole sphere that the picture is cut from
    full_height: int | None
    left: int | None  # pixels; where the picture lies in it
    top: int | None
    pitch_deg: float | None  # of the picture's middle above the horizon
    roll_deg: float | None  # as it grows the horizon turns counterclockwise in the picture


def read_gpano(picture: Image.Image) -> GPano | None:
    """The GPano entries of an opened picture, or None where it has no XMP that speaks of a panorama."""
    text = _xmp(picture)
    if "ProjectionType" not in text and "FullPanoWidthPixels" not in text:
        return None
    projection = _entry(text, "ProjectionType")
    return GPano(
        projection=projection.casefold() if projection else None,
        full_width=_pixels(text, "FullPanoWidthPixels"),
        full_height=_pixels(text, "FullPanoHeightPixels"),
        left=_pixels(text, "CroppedAreaLeftPixels"),
        top=_pixels(text, "CroppedAreaTopPixels"),
        pitch_deg=_number(text, "PosePitchDegrees"),
        roll_deg=_number(text, "PoseRollDegrees"),
    )


def _xmp(picture: Image.Image) -> str:
    found: Any = picture.info.get("xmp") or picture.info.get("XML:com.adobe.xmp")
    if not found:
        tags = getattr(picture, "tag_v2", None)
        found = tags.get(_XMP_TAG) if tags else None
    if isinstance(found, tuple):
        found = found[0] if found else None
    if isinstance(found, bytes):
        return found.decode("utf-8", "replace")
    return found if isinstance(found, str) else ""


def _entry(text: str, name: str) -> str | None:
    match = re.search(_FIELD.format(name=name), text)
    return (match[1] if match[1] is not None else match[2]) if match else None


def _number(text: str, name: str) -> float | None:
    try:
        value = float(_entry(text, name) or "nan")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _pixels(text: str, name: str) -> int | None:
    value = _number(text, name)
    return round(value) if value is not None and 0 <= value < 10**6 else None
