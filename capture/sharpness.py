"""How sharp and how bright a photo is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

try:
    from setpiece.capture._native import sharpness as _native_sharpness
except ImportError:  # built without native code
    _native_sharpness = None

_HALF = 4  # pixels of the box on each side of its middle


def sharpness(grey: NDArray[np.uint8]) -> float:
    """0 for a picture that blurring does not change, towards 1 for one that loses everything.

    The complement of the blur measure of Crété et al. 2007 (The blur effect, eq. 1 to 6): how much of the
    differences between neighbours a 9-pixel box blur takes away, the worse of both directions. `grey` is
    [H, W]; compare only pictures of about the same size. 0 for a picture of one colour.
    """
    if _native_sharpness is None:
        return sharpness_slowly(grey)
    value: float = _native_sharpness(np.ascontiguousarray(grey))
    return value


def sharpness_slowly(grey: NDArray[np.uint8]) -> float:
    """The same in NumPy: the fallback, and the judge of the native loop."""
    values = []
    for picture in (grey, grey.T):
        size, length = picture.shape[1], 2 * _HALF + 1
        before = np.abs(np.diff(picture.astype(np.int32), axis=1))
        if not before.any():
            values.append(0.0)
            continue
        places = np.abs(np.arange(-_HALF, size + _HALF))  # mirrored at the edge pixels
        places = np.abs((places + size - 1) % max(1, 2 * size - 2) - (size - 1))
        wide = picture[:, places].astype(np.int32)
        # blurred neighbours differ by the pixel that the box takes in less the one that it gives up
        blurred = np.abs(wide[:, length:] - wide[:, :-length])
        lost = np.maximum(length * before - blurred, 0).sum(dtype=np.int64)
        values.append(int(lost) / (length * int(before.sum(dtype=np.int64))))
    return min(values)


def brightness(grey: NDArray[np.uint8]) -> float:
    """The mean grey level, 0 to 1."""
    return float(grey.mean()) / 255
