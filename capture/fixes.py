"""Satellite positions in photos, turned at once into distances from the first: the place stays private."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from setpiece.capture.frames import Place

_LATITUDE_REF, _LATITUDE, _LONGITUDE_REF, _LONGITUDE, _ALTITUDE_REF, _ALTITUDE = 1, 2, 3, 4, 5, 6
_POSITIONING_ERROR = 31
_EQUATOR_M, _FLATTENING = 6_378_137.0, 1 / 298.257223563  # WGS 84


@dataclass(frozen=True)
class Fix:
    """A position on Earth. It is never written anywhere."""

    latitude_deg: float
    longitude_deg: float
    altitude_m: float | None
    error_m: float | None  # horizontal, as the camera states it


def read_fix(gps: Mapping[int, Any]) -> Fix | None:
    """The position in a photo's GPS directory (Exif 3.0, 4.6.6); None where there is none of use."""
    latitude = _degrees(gps.get(_LATITUDE), gps.get(_LATITUDE_REF), "S", 90)
    longitude = _degrees(gps.get(_LONGITUDE), gps.get(_LONGITUDE_REF), "W", 180)
    if latitude is None or longitude is None or (latitude == 0 and longitude == 0):  # 0, 0: no reception
        return None
    altitude, error = _number(gps.get(_ALTITUDE)), _number(gps.get(_POSITIONING_ERROR))
    if altitude is not None and gps.get(_ALTITUDE_REF) in (1, b"\x01"):
        altitude = -altitude
    return Fix(latitude, longitude, altitude, error if error and error > 0 else None)


def places_of(fixes: Sequence[Fix | None]) -> list[Place | None]:
    """Where the photos were taken, in metres from the first that has a position, rounded to centimetres."""
    first = next((f for f in fixes if f is not None), None)
    if first is None:
        return [None] * len(fixes)
    squared = 2 * _FLATTENING - _FLATTENING**2
    bend = 1 - squared * math.sin(math.radians(first.latitude_deg)) ** 2
    north_m = _EQUATOR_M * (1 - squared) / bend**1.5  # per radian, along the meridian
    east_m = _EQUATOR_M / math.sqrt(bend) * math.cos(math.radians(first.latitude_deg))
    base = next((f.altitude_m for f in fixes if f is not None and f.altitude_m is not None), None)
    return [_place(f, first, east_m, north_m, base) if f else None for f in fixes]


def _place(fix: Fix, first: Fix, east_m: float, north_m: float, base: float | None) -> Place:
    turn = (fix.longitude_deg - first.longitude_deg + 180) % 360 - 180
    up = None if fix.altitude_m is None or base is None else round(fix.altitude_m - base, 2)
    return Place(
        east_m=round(math.radians(turn) * east_m, 2),
        north_m=round(math.radians(fix.latitude_deg - first.latitude_deg) * north_m, 2),
        up_m=up,
        error_m=fix.error_m,
    )


def _degrees(value: Any, reference: Any, negative: str, most: float) -> float | None:
    try:
        degrees, minutes, seconds = (float(v) for v in value)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    angle = degrees + minutes / 60 + seconds / 3600
    if not math.isfinite(angle) or abs(angle) > most:
        return None
    text = reference.decode("ascii", "replace") if isinstance(reference, bytes) else str(reference or "")
    return -angle if text.strip("\0 ").upper().startswith(negative) else angle


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return number if math.isfinite(number) else None
