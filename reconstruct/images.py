"""The training pictures: decoded ahead in the background, kept small, within a memory budget.

Never more than one picture at the size of its file is in memory.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from setpiece.cameras import Camera
from setpiece.errors import TrainingError
from setpiece.posed import PosedFrame

Bytes = NDArray[np.uint8]

Key = tuple[str, int]  # a frame's name and a level

BUDGET_BYTES = 512 * 1024**2
# The JPEG decoder scales by a half or a quarter on its way where the file is at least so many times larger.
_REDUCED = ((8, 4, cv2.IMREAD_REDUCED_COLOR_4), (4, 2, cv2.IMREAD_REDUCED_COLOR_2))


@dataclass(frozen=True)
class Picture:
    """A photo at one size, with its camera."""

    camera: Camera
    image: Bytes  # [H, W, 3] sRGB, without the lens's falloff
    mask: Bytes | None  # [H, W], 0 where the photo must be ignored, else 255


class Images:
    """The pictures of a set at full training size (level 0), at half of it (level 1), and so on."""

    def __init__(self, folder: Path, max_side: int, budget_bytes: int = BUDGET_BYTES) -> None:
        self._folder = folder
        self._max_side = max_side
        self._budget = budget_bytes
        self._held: OrderedDict[Key, Picture] = OrderedDict()
        self._coming: dict[Key, Future[Picture]] = {}
        self._bytes = 0
        self._moving: dict[str, NDArray[np.bool_]] = {}
        self._masked: dict[Key, Picture] = {}
        self._decoder = ThreadPoolExecutor(1, thread_name_prefix="decoding")

    def picture(self, frame: PosedFrame, level: int) -> Picture:
        """The frame's picture, halved `level` times, its mask with what moves in it.

        Raises TrainingError when it cannot be read.
        """
        whole = self._picture(frame, level)
        if frame.name not in self._moving:
            return whole
        key = (frame.name, level)
        masked = self._masked.get(key)
        if masked is None or masked.image is not whole.image:  # it may have been decoded again
            self._masked[key] = masked = _without(whole, self._moving[frame.name])
        return masked

    def level_within(self, frame: PosedFrame, side: int) -> int:
        """How often the frame's picture has to be halved for its longest side to be at most `side`."""
        level = 0
        while max(size_at(frame.camera, self._max_side, level)) > side:
            level += 1
        return level

    def mask_moving(self, moving: dict[str, NDArray[np.bool_]]) -> None:
        """Ignore from now on what moves: masks [H, W] of any size by the frame's name, in place of others."""
        self._moving, self._masked = moving, {}

    def _picture(self, frame: PosedFrame, level: int) -> Picture:
        key = (frame.name, level)
        if key in self._held:
            self._held.move_to_end(key)
            return self._held[key]
        coming = self._coming.pop(key, None)
        picture = self._load(frame, level) if coming is None else coming.result()
        self._held[key] = picture
        self._bytes += _bytes(picture)
        while self._bytes > self._budget and len(self._held) > 1:
            gone, dropped = self._held.popitem(last=False)
            self._masked.pop(gone, None)
            self._bytes -= _bytes(dropped)
        return picture

    def ask(self, wanted: Iterable[tuple[PosedFrame, int]]) -> None:
        """Begin to decode pictures that will be wanted soon; others that were asked for are let go."""
        keys = {(frame.name, level): frame for frame, level in wanted}
        for key in [k for k in self._coming if k not in keys]:
            self._coming.pop(key).cancel()
        for key, frame in keys.items():
            if key not in self._held and key not in self._coming:
                self._coming[key] = self._decoder.submit(self._load, frame, key[1])

    def _load(self, frame: PosedFrame, level: int) -> Picture:
        # Always from the file, never from a larger size at hand: pixels must not depend on what is held.
        expected = (frame.camera.height, frame.camera.width)
        width, height = size_at(frame.camera, self._max_side, level)
        smaller = min(expected[0] / height, expected[1] / width)
        divisor, flags = 1, cv2.IMREAD_COLOR
        if Path(frame.image).suffix.lower() in (".jpg", ".jpeg"):
            divisor, flags = next(((d, f) for least, d, f in _REDUCED if smaller >= least), (divisor, flags))
        image = _decode(self._folder / frame.image, flags)
        mask = _decode(self._folder / frame.mask, cv2.IMREAD_GRAYSCALE) if frame.mask else None
        decoded = tuple(-(-side // divisor) for side in expected)
        if image.shape[:2] != decoded or (mask is not None and mask.shape != expected):
            raise TrainingError(
                f"{frame.image} or its mask is not {expected[1]}x{expected[0]} as its camera says. "
                "Estimate the poses again."
            )
        small = cv2.cvtColor(_area(image, width, height), cv2.COLOR_BGR2RGB)
        camera = frame.camera.resized(width, height)
        if frame.falloff is not None:
            small = cv2.multiply(small, _brightening(camera, frame.falloff), dtype=cv2.CV_8U)
        return Picture(
            camera,
            np.asarray(small, dtype=np.uint8),
            # A pixel counts only if everything that went into it does.
            None if mask is None else np.where(_area(mask, width, height) == 255, 255, 0).astype(np.uint8),
        )


def _brightening(camera: Camera, falloff: tuple[float, float]) -> NDArray[np.float32]:
    """The factors [H, W, 3] that take a lens's falloff away."""
    x = np.arange(camera.width, dtype=np.float32)[None, :] + 0.5 - camera.centre_x_px
    y = np.arange(camera.height, dtype=np.float32)[:, None] + 0.5 - camera.centre_y_px
    squared = (x**2 + y**2) / ((camera.width**2 + camera.height**2) / 4)
    factor = np.exp(-falloff[0] * squared - falloff[1] * squared**2).astype(np.float32)
    return np.repeat(factor[..., None], 3, axis=2)


def _without(picture: Picture, moving: NDArray[np.bool_]) -> Picture:
    """The picture with what moves in it masked."""
    size = (picture.image.shape[1], picture.image.shape[0])
    still = cv2.resize(np.where(moving, 0, 255).astype(np.uint8), size, interpolation=cv2.INTER_LINEAR)
    mask = np.where(still < 128, 0, 255).astype(np.uint8)
    return replace(picture, mask=mask if picture.mask is None else np.minimum(mask, picture.mask))


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
