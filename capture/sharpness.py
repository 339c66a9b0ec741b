"""How sharp and how bright a photo is."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray


def sharpness(grey: NDArray[np.uint8]) -> float:
    """0 for a picture that blurring does not change, towards 1 for one that loses everything.

    The complement of the blur measure of Crété et al. 2007 (The blur effect, eq. 1 to 6): how much of the
    differences between neighbours a 9-pixel box blur takes away, the worse of both directions. `grey` is
    [H, W]; compare only pictures of about the same size. 0 for a picture of one colour.
    """
    values = []
    picture = grey.astype(np.float32)
    for axis, size in ((1, (9, 1)), (0, (1, 9))):
        blurred = cv2.blur(picture, size)
        before = np.abs(np.diff(picture, axis=axis))
        after = np.abs(np.diff(blurred, axis=axis))
        total = float(before.sum())
        values.append(float(np.maximum(before - after, 0).sum()) / total if total else 0.0)
    return min(values)


def brightness(grey: NDArray[np.uint8]) -> float:
    """The mean grey level, 0 to 1."""
    return float(grey.mean()) / 255


def small_grey(rgb_or_grey: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """The picture in grey with its longest side at most `side` pixels, [H, W]."""
    grey: Any = rgb_or_grey if rgb_or_grey.ndim == 2 else cv2.cvtColor(rgb_or_grey, cv2.COLOR_RGB2GRAY)
    scale = side / max(grey.shape)
    if scale < 1:
        size = (max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale)))
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    result: NDArray[np.uint8] = grey
    return result
