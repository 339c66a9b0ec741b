"""A sheet is what a texture is painted on: so many texels of such a size, with a seed.

Everything a paint needs at several scales comes from here: positions in metres, value noise with a cell size
in metres, and the shading of small relief.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Colour = tuple[float, float, float]  # sRGB, 0 to 1


@dataclass(frozen=True)
class Sheet:
    """The canvas of one patch."""

    height: int  # texels
    width: int  # texels
    texel_m: float  # metres
    seed: int

    @property
    def size_m(self) -> tuple[float, float]:
        """Width and height in metres."""
        return self.width * self.texel_m, self.height * self.texel_m

    @property
    def x_m(self) -> Float32:
        """Metres from the left edge, [1, width]."""
        return _centres(self.width, self.texel_m)[None, :]

    @property
    def y_m(self) -> Float32:
        """Metres from the upper edge, [height, 1]."""
        return _centres(self.height, self.texel_m)[:, None]

    def rng(self, salt: int = 0) -> np.random.Generator:
        """A random generator of this sheet alone."""
        return np.random.default_rng([self.seed, salt])

    def flat(self, colour: Colour) -> Float32:
        """The sheet in one colour, [height, width, 3]."""
        return np.full((self.height, self.width, 3), colour, np.float32)

    def noise(
        self, cell_m: float | tuple[float, float], octaves: int = 1, salt: int = 0, gain: float = 0.55
    ) -> Float32:
        """Smooth noise of about unit deviation, [height, width].

        `cell_m` is the size of the largest bumps, along x and y; each further octave is half as large and
        `gain` times as strong. Octaves finer than a texel are left out.
        """
        cell_x, cell_y = (cell_m, cell_m) if isinstance(cell_m, float) else cell_m
        rng = self.rng(1000 + salt)
        # Octaves that are wide in texels are drawn on a canvas a quarter as fine, then enlarged together.
        small = (-(-self.height // 4), -(-self.width // 4))
        wide, narrow = np.zeros(small, np.float32), np.zeros((self.height, self.width), np.float32)
        power, any_wide = 0.0, False
        for octave in range(octaves):
            nx, ny = cell_x / self.texel_m / 2**octave, cell_y / self.texel_m / 2**octave
            if max(nx, ny) < 1 and octave:
                break
            weight = gain**octave
            power += weight**2
            if min(nx, ny) >= 12 and min(small) >= 2:
                wide += weight * _lattice(small, nx / 4, ny / 4, rng)
                any_wide = True
            else:
                narrow += weight * _lattice(narrow.shape, max(nx, 1.0), max(ny, 1.0), rng)
        if any_wide:
            enlarged = cv2.resize(wide, (small[1] * 4, small[0] * 4), interpolation=cv2.INTER_LINEAR)
            narrow += enlarged[: self.height, : self.width]
        narrow *= np.float32(1 / math.sqrt(power))
        return narrow

    def relief(
        self, height_m: Float32, depth: float = 1.0, towards: tuple[float, float] = (-0.7, -0.7)
    ) -> Float32:
        """The shading of small relief under light from `towards` (x right, y down), near 1: [h, w, 1].

        `height_m` is the relief in metres, `depth` exaggerates it.
        """
        dx = cv2.Sobel(height_m, cv2.CV_32F, 1, 0, ksize=3) / (8 * self.texel_m)
        dy = cv2.Sobel(height_m, cv2.CV_32F, 0, 1, ksize=3) / (8 * self.texel_m)
        slope = -(dx * towards[0] + dy * towards[1]) * depth
        shade: Float32 = (1 - 0.5 * np.tanh(-slope)).astype(np.float32)
        return shade[..., None]


def _centres(count: int, texel_m: float) -> Float32:
    return np.asarray((np.arange(count) + 0.5) * texel_m, np.float32)


def _lattice(shape: tuple[int, ...], nx: float, ny: float, rng: np.random.Generator) -> Float32:
    """Random values at lattice points nx, ny apart, interpolated on a canvas of `shape`."""
    height, width = shape
    columns, rows = math.ceil(width / nx) + 4, math.ceil(height / ny) + 4
    values = rng.standard_normal((rows, columns), dtype=np.float32) * np.float32(1.35)
    matrix = np.array([[1 / nx, 0, 1.2], [0, 1 / ny, 1.2]], np.float32)
    smooth = cv2.INTER_CUBIC if min(nx, ny) > 3 else cv2.INTER_LINEAR
    out: Float32 = cv2.warpAffine(
        values, matrix, (width, height), flags=smooth | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REFLECT
    )
    return out


def albedo(face: NDArray[np.floating[Any]]) -> Float32:
    """`face` as a paint returns it: float32, neither black nor brighter than paper can be."""
    return np.asarray(np.clip(face, 0.02, 1), np.float32)


def mix(a: Float32, b: Float32 | Colour, weight: NDArray[np.floating[Any]] | float) -> Float32:
    """`a` where `weight` is 0, `b` where it is 1; a weight of [height, width] serves all channels."""
    if isinstance(weight, np.ndarray) and weight.ndim == 2:
        weight = weight[..., None]
    other = np.asarray(b, np.float32)
    mixed: Float32 = (a + (other - a) * weight).astype(np.float32, copy=False)
    return mixed


def step(edge0: float, edge1: float, x: NDArray[np.floating[Any]]) -> Float32:
    """0 below `edge0`, 1 above `edge1`, smooth between; the edges may be in either order."""
    t = np.clip((x - np.float32(edge0)) / np.float32(edge1 - edge0), 0, 1)
    smooth: Float32 = (t * t * (3 - 2 * t)).astype(np.float32, copy=False)
    return smooth


def fit(image: NDArray[np.uint8], sheet: Sheet) -> Float32:
    """A drawn picture, stretched over the sheet, [height, width, 3] in 0 to 1."""
    shrink = image.shape[0] > sheet.height
    resized = cv2.resize(
        image, (sheet.width, sheet.height), interpolation=cv2.INTER_AREA if shrink else cv2.INTER_CUBIC
    )
    out: Float32 = resized.astype(np.float32) / np.float32(255)
    return out
