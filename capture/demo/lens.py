"""The phone's lens: a pinhole with one term of radial distortion, COLMAP's SIMPLE_RADIAL.

Letters: r is the distance from the axis at depth 1 as a pinhole would see it, s = r (1 + k1 r^2) the distance
at which the lens draws it. Both in units of the focal length.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FILM_DIAGONAL_MM = 43.2666  # of the 36 x 24 mm frame that "35 mm equivalent" refers to


@dataclass(frozen=True)
class Lens:
    """A lens with its axis in the middle of the picture."""

    focal_mm: float = 4.25  # true focal length
    focal_35mm: float = 26.0  # focal length with the same diagonal angle of view on 35 mm film
    aperture: float = 1.8  # f-number
    k1: float = 0.03  # radial distortion

    def focal_px(self, width: int, height: int) -> float:
        """Focal length in pixels of a picture of this size."""
        return self.focal_35mm * float(np.hypot(width, height)) / FILM_DIAGONAL_MM

    def undistorted(self, drawn: NDArray[np.float64]) -> NDArray[np.float64]:
        """Where a pinhole would draw what this lens draws at `drawn`; both [N, 2] in focal lengths.

        Newton's method; exact for the small k1 of phones. Meaningless where k1 < 0 folds the image.
        """
        s = np.linalg.norm(drawn, axis=1)
        r = s.copy()
        for _ in range(4):
            r -= (r * (1 + self.k1 * r**2) - s) / (1 + 3 * self.k1 * r**2)
        result: NDArray[np.float64] = drawn * (r / np.maximum(s, 1e-12))[:, None]
        return result

    def distorted(self, pinhole: NDArray[np.float64]) -> NDArray[np.float64]:
        """Where this lens draws what a pinhole would draw at `pinhole`; both [N, 2] in focal lengths."""
        result: NDArray[np.float64] = pinhole * (1 + self.k1 * (pinhole**2).sum(axis=1, keepdims=True))
        return result
