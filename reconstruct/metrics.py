"""How alike two pictures are: PSNR and SSIM, with masks.

Pictures are [H, W, 3] float32 in 0 to 1; a mask is [H, W] bool, True where pixels count.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Mask = NDArray[np.bool_]

_WINDOW = cv2.getGaussianKernel(11, 1.5, cv2.CV_32F)
_C1, _C2 = 0.01**2, 0.03**2


def psnr_db(a: Float32, b: Float32, mask: Mask | None = None) -> float:
    """Peak signal-to-noise ratio in dB over the pixels that count; infinite for equal pictures."""
    squared = (a - b) ** 2
    error = float(squared.mean() if mask is None else squared[mask].mean()) if _any(mask) else 0.0
    return math.inf if error == 0 else -10.0 * math.log10(error)


def ssim(a: Float32, b: Float32, mask: Mask | None = None) -> float:
    """Mean structural similarity (Wang et al. 2004, eq. 13) over the pixels that count.

    The window has 11 taps and sigma 1.5; beyond the edges the pictures are 0, as they are where the mask is.
    """
    if not _any(mask):
        return 1.0
    if mask is not None:
        a, b = np.where(mask[..., None], a, np.float32(0)), np.where(mask[..., None], b, np.float32(0))

    def blur(picture: Float32) -> Float32:
        blurred: Float32 = cv2.sepFilter2D(picture, -1, _WINDOW, _WINDOW, borderType=cv2.BORDER_CONSTANT)
        return blurred

    mean_a, mean_b = blur(a), blur(b)
    variances = blur(a * a) - mean_a**2 + blur(b * b) - mean_b**2
    covariance = blur(a * b) - mean_a * mean_b
    similarity = (2 * mean_a * mean_b + _C1) * (2 * covariance + _C2)
    similarity /= (mean_a**2 + mean_b**2 + _C1) * (variances + _C2)
    return float(similarity.mean() if mask is None else similarity[mask].mean())


def _any(mask: Mask | None) -> bool:
    return mask is None or bool(mask.any())
