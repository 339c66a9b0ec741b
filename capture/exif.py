"""What a photo's metadata says of camera, lens, exposure, time, gravity and place."""

from __future__ import annotations

import contextlib
import datetime
import math
import re
from dataclasses import dataclass
from typing import Any

from PIL import Image

from setpiece.capture.fixes import Fix, read_fix
from setpiece.capture.gravity import apple_acceleration, gravity_in_cam
from setpiece.capture.sensors import sensor_width_mm

_EXIF_IFD, _GPS_IFD = 0x8769, 0x8825
_MAKE, _MODEL, _ORIENTATION, _DATE_TIME = 0x010F, 0x0110, 0x0112, 0x0132
_EXPOSURE_TIME, _F_NUMBER, _ISO = 0x829A, 0x829D, 0x8827
_DATE_TIME_ORIGINAL, _SUBSEC_ORIGINAL = 0x9003, 0x9291
_FOCAL_LENGTH, _FOCAL_LENGTH_35 = 0x920A, 0xA405
_MAKER_NOTE = 0x927C
_PIXEL_X, _PIXEL_Y = 0xA002, 0xA003
_FOCAL_PLANE_X, _FOCAL_PLANE_UNIT = 0xA20E, 0xA210
_LENS_MODEL = 0xA434
_UNIT_MM = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}
_DIAGONAL_35_MM = math.hypot(36, 24)


@dataclass(frozen=True)
class Metadata:
    """What a photo says of itself. Sizes refer to the picture as displayed."""

    orientation: int  # EXIF, 1 to 8, still to be applied to the decoded picture
    time: str | None  # ISO 8601 with milliseconds, camera clock
    focal_fraction: float | None  # focal length / longer side of the picture
    focal_source: str
    make: str | None
    model: str | None
    lens: str  # same text, same lens at the same zoom
    exposure_s: float | None
    iso: int | None
    f_number: float | None
    gravity_in_cam: tuple[float, float, float] | None
    fix: Fix | None = None  # where on Earth; only distances between photos are kept of it


def read_metadata(picture: Image.Image) -> Metadata:
    """The metadata of an opened picture. Damaged entries count as absent."""
    tags: dict[int, Any] = {}
    try:
        exif = picture.getexif()
        tags = {k: v for k, v in exif.items() if k in (_MAKE, _MODEL, _ORIENTATION, _DATE_TIME)}
        tags |= exif.get_ifd(_EXIF_IFD)
    except Exception:  # Pillow raises many kinds of errors on damaged EXIF; the picture may still be good
        tags = tags or {}
    fix = None
    with contextlib.suppress(Exception):  # as above
        fix = read_fix(exif.get_ifd(_GPS_IFD))
    orientation = tags.get(_ORIENTATION, 1)
    orientation = orientation if orientation in range(1, 9) else 1
    # pillow-heif turns the picture itself and resets the tag; the tag it found is kept here
    taken = picture.info.get("original_orientation") or orientation
    make, model, lens = _text(tags.get(_MAKE)), _text(tags.get(_MODEL)), _text(tags.get(_LENS_MODEL))
    focal_mm, focal_35 = _positive(tags.get(_FOCAL_LENGTH)), _positive(tags.get(_FOCAL_LENGTH_35))
    fraction, source = _focal(picture, tags, model, focal_mm, focal_35)
    return Metadata(
        orientation=orientation,
        time=_time(tags),
        focal_fraction=fraction,
        focal_source=source,
        make=make,
        model=model,
        lens="|".join(str(x or "") for x in (make, model, lens, focal_mm, focal_35)).strip("|"),
        exposure_s=_positive(tags.get(_EXPOSURE_TIME)),
        iso=_iso(tags.get(_ISO)),
        f_number=_positive(tags.get(_F_NUMBER)),
        gravity_in_cam=_gravity(tags.get(_MAKER_NOTE), lens, taken),
        fix=fix,
    )


def _focal(
    picture: Image.Image,
    tags: dict[int, Any],
    model: str | None,
    focal_mm: float | None,
    focal_35: float | None,
) -> tuple[float | None, str]:
    width, height = picture.size
    longer = max(width, height)
    intrinsics = (picture.info.get("heif") or {}).get("camera_intrinsic_matrix")
    if intrinsics and intrinsics.get("focal_length_x"):
        return float(intrinsics["focal_length_x"]) / longer, "intrinsics"
    taken_x, taken_y = _positive(tags.get(_PIXEL_X)), _positive(tags.get(_PIXEL_Y))
    if taken_x and taken_y:
        before, now = max(taken_x, taken_y) / min(taken_x, taken_y), longer / min(width, height)
        if abs(before / now - 1) > 0.02:  # cropped since it was taken
            return None, "none"
    if focal_35:  # CIPA DCG-001: the equivalent keeps the diagonal field of view
        return focal_35 / _DIAGONAL_35_MM * math.hypot(width, height) / longer, "35 mm equivalent"
    per_unit, unit_mm = _positive(tags.get(_FOCAL_PLANE_X)), _UNIT_MM.get(tags.get(_FOCAL_PLANE_UNIT, 2))
    if focal_mm and per_unit and unit_mm and taken_x and taken_y:
        fraction = focal_mm * per_unit / unit_mm / max(taken_x, taken_y)
        if 0.2 < fraction < 20:
            return fraction, "focal plane"
    sensor = sensor_width_mm(model) if model else None
    if focal_mm and sensor:
        return focal_mm / sensor, "sensor table"
    return None, "none"


def _time(tags: dict[int, Any]) -> str | None:
    text = _text(tags.get(_DATE_TIME_ORIGINAL)) or _text(tags.get(_DATE_TIME))
    match = re.match(r"(\d{4})[:-](\d\d)[:-](\d\d)[ T](\d\d):(\d\d):(\d\d)", text or "")
    if match is None:
        return None
    fraction = re.match(r"\d+", _text(tags.get(_SUBSEC_ORIGINAL)) or "")
    try:
        moment = datetime.datetime(*(int(g) for g in match.groups()))  # type: ignore[arg-type]
    except ValueError:
        return None
    if fraction:
        moment = moment.replace(microsecond=int(float("0." + fraction[0]) * 1e6))
    return moment.isoformat(timespec="milliseconds")


def _gravity(maker_note: Any, lens: str | None, orientation: int) -> tuple[float, float, float] | None:
    if not isinstance(maker_note, bytes) or "front" in (lens or "").casefold():  # mounted differently
        return None
    acceleration = apple_acceleration(maker_note)
    return gravity_in_cam(acceleration, orientation) if acceleration else None


def _text(value: Any) -> str | None:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if not isinstance(value, str):
        return None
    cleaned = "".join(c for c in value if c.isprintable()).strip()
    return cleaned[:100] or None


def _positive(value: Any) -> float | None:
    try:
        number = float(value[0] if isinstance(value, tuple) else value)
    except (TypeError, ValueError, ZeroDivisionError, IndexError):
        return None
    return number if math.isfinite(number) and number > 0 else None


def _iso(value: Any) -> int | None:
    number = _positive(value)
    return round(number) if number else None
