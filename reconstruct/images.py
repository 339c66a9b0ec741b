"""The training pictures, decoded and scaled when first asked for, within a memory budget."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from setpiece.cameras import Camera
from setpiece.errors import TrainingError
from setpiece.posed import PosedFrame

Bytes = NDArray[np.uint8]

BUDGET_BYTES = 800 * 1024**2


@dataclass(frozen=True)
class Picture:
    """A photo at one size, with its camera."""

    camera: Camera
    image: Bytes  # [H, W, 3] sRGB
    mask: Bytes | None  # [H, W], 0 where the photo must be ignored, else 255


class Images:
    """The pictures of a set at full training size (level 0), at half of it (level 1), and so on."""

    def __init__(self, folder: Path, max_side: int, budget_bytes: int = BUDGET_BYTES) -> None:
        self._folder = folder
        self._max_side = max_side
        self._budget = budget_bytes
        self._held: OrderedDict[tuple[str, int], Picture] = OrderedDict()
        self._bytes = 0

    def picture(self, frame: PosedFrame, level: int) -> Picture:
        """The frame's picture, halved `level` times. Raises TrainingError when it cannot be read."""
        key = (frame.name, level)
        if key in self._held:
            self._held.move_to_end(key)
            return self._held[key]
        picture = self._load(frame, level)
        self._held[key] = picture
        self._bytes += _bytes(picture)
        while self._bytes > self._budget and len(self._held) > 1:
            _, dropped = self._held.popitem(last=False)
            self._bytes -= _bytes(dropped)
        return picture

    def _load(self, frame: PosedFrame, level: int) -> Picture:
        # Always from the file, never from a larger size at hand: pixels must not depend on what is held.
        image = _decode(self._folder / frame.image, cv2.IMREAD_COLOR)[..., ::-1]
        mask = _decode(self._folder / frame.mask, cv2.IMREAD_GRAYSCALE) if frame.mask else None
        expected = (frame.camera.height, frame.camera.width)
        if image.shape[:2] != expected or (mask is not None and mask.shape != expected):
            raise TrainingError(
                f"{frame.image} or its mask is not {expected[1]}x{expected[0]} as its camera says. "
                "Estimate the poses again."
            )
        width, height = size_at(frame.camera, self._max_side, level)
        return Picture(
            frame.camera.resized(width, height),
            _area(image, width, height),
            # A pixel counts only if everything that went into it does.
            None if mask is None else np.where(_area(mask, width, height) == 255, 255, 0).astype(np.uint8),
        )


def size_at(camera: Camera, max_side: int, level: int) -> tuple[int, int]:
    """Width and height of a training picture: at most `max_side`, then halved `level` times."""
    scale = min(1.0, max_side / max(camera.width, camera.height)) / 2**level
    return max(1, round(camera.width * scale)), max(1, round(camera.height * scale))


def _area(image: Bytes, width: int, height: int) -> Bytes:
    if image.shape[:2] == (height, width):
        return np.ascontiguousarray(image)
    scaled: Bytes = cv2.resize(np.ascontiguousarray(image), (width, height), interpolation=cv2.INTER_AREA)
    return scaled


def _decode(path: Path, flags: int) -> Bytes:
    try:  # not cv2.imread: it cannot open every path on Windows
        image = cv2.imdecode(np.fromfile(path, dtype=np.uint8), flags)
    except (OSError, cv2.error):
        image = None
    if image is None:
        raise TrainingError(f"{path} cannot be read as a picture. Estimate the poses again to restore it.")
    return np.asarray(image, dtype=np.uint8)


def _bytes(picture: Picture) -> int:
    return picture.image.nbytes + (0 if picture.mask is None else picture.mask.nbytes)
