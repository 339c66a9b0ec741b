"""The grey picture of a frame, at the size that a step works on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image


@dataclass(frozen=True)
class GreyPicture:
    """A frame in grey, scaled."""

    pixels: NDArray[np.uint8]  # [H, W]
    frame_size: tuple[int, int]  # width, height of the frame in its own pixels

    @property
    def frame_pixels(self) -> tuple[float, float]:
        """How many pixels of the frame, across and down, make one of this picture."""
        height, width = self.pixels.shape
        return self.frame_size[0] / width, self.frame_size[1] / height


def grey_picture(path: Path, side: int) -> GreyPicture:
    """The picture at `path` with its longest side at most `side` pixels."""
    with Image.open(path) as picture:
        frame_size = picture.size
        size = size_within(frame_size, side)
        picture.draft("L", size)
        grey = np.asarray(picture.convert("L"))
    if (grey.shape[1], grey.shape[0]) != size:
        grey = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA))
    return GreyPicture(grey, frame_size)


def size_within(size: tuple[int, int], side: int) -> tuple[int, int]:
    """`size` (width, height) scaled down so that the longer side is at most `side`."""
    scale = min(1.0, side / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
