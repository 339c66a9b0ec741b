"""The direction of gravity that iPhones write into their photos.

Apple's maker note is a small TIFF directory in EXIF tag 0x927C. Its tag 0x0008 holds three signed rationals:
the accelerometer reading in units of g in the axes of the phone, x to the right, y to the top and z out of
the screen towards the person who looks at it. At rest the reading is the direction of gravity: a phone held
upright gives (0, -1, 0), one that lies on its back (0, 0, -1). Checked against two real photos: upright
portrait (0.01, -1.00, -0.04), landscape looking up (-0.93, -0.08, 0.37).

The back camera looks along -z. Its sensor is mounted so that EXIF orientation 1 (no rotation) means landscape
with the top of the phone to the left. In the OpenCV axes of the unrotated picture that makes

    gravity_in_sensor = (-y, -x, -z)

and the EXIF orientation then turns the picture, and the vector with it.
"""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

_APPLE = b"Apple iOS\0"
_ACCELERATION = 0x0008
_SIGNED_RATIONAL = 10

# Where the axes of the stored picture point in the upright picture: rows are the upright x and y axes in
# stored coordinates, per EXIF orientation (Exif 3.0, table 5). z is the same in both.
_UPRIGHT_FROM_STORED: dict[int, tuple[tuple[int, int], tuple[int, int]]] = {
    1: ((1, 0), (0, 1)),
    2: ((-1, 0), (0, 1)),
    3: ((-1, 0), (0, -1)),
    4: ((1, 0), (0, -1)),
    5: ((0, 1), (1, 0)),
    6: ((0, -1), (1, 0)),
    7: ((0, -1), (-1, 0)),
    8: ((0, 1), (-1, 0)),
}


def apple_acceleration(maker_note: bytes) -> tuple[float, float, float] | None:
    """The accelerometer reading in g, phone axes, or None where the note has none or is damaged."""
    if not maker_note.startswith(_APPLE) or len(maker_note) < 16:
        return None
    order = {b"MM": ">", b"II": "<"}.get(maker_note[12:14])
    if order is None:
        return None
    try:
        (count,) = struct.unpack_from(order + "H", maker_note, 14)
        for entry in range(count):
            tag, kind, number, offset = struct.unpack_from(order + "HHII", maker_note, 16 + 12 * entry)
            if (tag, kind, number) == (_ACCELERATION, _SIGNED_RATIONAL, 3):
                a, b, c, d, e, f = struct.unpack_from(order + "6i", maker_note, offset)
                return a / b, c / d, e / f
    except (struct.error, ZeroDivisionError):
        return None
    return None


def gravity_in_cam(
    acceleration: tuple[float, float, float], orientation: int
) -> tuple[float, float, float] | None:
    """The unit vector of gravity in the OpenCV axes of the upright picture of the back camera.

    `acceleration` is in phone axes, `orientation` the EXIF orientation (1 to 8) that was applied. None when
    the phone was shaken: the reading is not near 1 g.
    """
    x, y, z = acceleration
    length = float(np.sqrt(x * x + y * y + z * z))
    if not 0.8 < length < 1.25:
        return None
    upright: NDArray[np.float64] = upright_from_stored(orientation) @ np.array([-y, -x, -z]) / length
    return float(upright[0]), float(upright[1]), float(upright[2])


def upright_from_stored(orientation: int) -> NDArray[np.float64]:
    """Directions in the picture after an EXIF orientation, from those in the stored picture; [3, 3].

    A reflection for the mirrored orientations 2, 4, 5 and 7.
    """
    matrix = np.eye(3)
    matrix[:2, :2] = _UPRIGHT_FROM_STORED.get(orientation, _UPRIGHT_FROM_STORED[1])
    return matrix
