"""The grey pictures of frames, decoded once for all who look at them.

Reading a photo, finding its features and finding its straight edges all need it in grey. What one of them
decoded the next may take from a shelf of limited size.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

try:
    from setpiece.capture._native import resize as _native_resize
except ImportError:  # built without native code
    _native_resize = None

DECODED_SIDE = 1600  # pixels; a longest side below this is not decoded smaller
SHELF_BYTES = 192 * 1024**2

_Key = tuple[int, int, int, int]


@dataclass
class GreyShelf:
    """Decoded pictures by file, the first as long as there is room. A file that changes is another file."""

    room: int = SHELF_BYTES  # bytes
    _pictures: dict[_Key, GreyPicture] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, path: Path, picture: GreyPicture) -> None:
        """Keep the picture of the file at `path`, which may be renamed afterwards."""
        with self._lock:
            if picture.pixels.nbytes <= self.room:
                self.room -= picture.pixels.nbytes
                self._pictures[_key(path)] = picture

    def get(self, path: Path) -> GreyPicture | None:
        """The picture of the file at `path`, where it is kept."""
        return self._pictures.get(_key(path)) if self._pictures else None

    def clear(self) -> None:
        """Let all pictures go."""
        with self._lock:
            self.room += sum(p.pixels.nbytes for p in self._pictures.values())
            self._pictures.clear()


@dataclass(frozen=True)
class GreyPicture:
    """A frame in grey, perhaps decoded smaller."""

    pixels: NDArray[np.uint8]  # [H, W]
    frame_size: tuple[int, int]  # width, height of the frame in its own pixels

    def within(self, side: int) -> NDArray[np.uint8]:
        """The pixels with the frame's longest side brought down to `side` or less."""
        return resized(self.pixels, size_within(self.frame_size, side))


def grey_picture(path: Path, side: int, shelf: GreyShelf | None = None) -> GreyPicture:
    """The frame at `path`, its longest side at least `side` where it has that much. Raises OSError."""
    if side <= DECODED_SIDE and shelf is not None and (kept := shelf.get(path)) is not None:
        return kept
    with Image.open(path) as picture:
        return decoded_grey(picture, side)


def decoded_grey(picture: Image.Image, side: int) -> GreyPicture:
    """An opened photo in grey, decoded smaller where it still has `side` or more. Raises as Pillow does."""
    frame_size = picture.size
    picture.draft("L", size_within(frame_size, max(side, DECODED_SIDE)))
    picture.load()
    return GreyPicture(np.asarray(picture if picture.mode == "L" else picture.convert("L")), frame_size)


def resized(grey: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """The picture at a smaller size (width, height), by means of areas."""
    if (grey.shape[1], grey.shape[0]) == size:
        return grey
    if _native_resize is None:
        return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)
    smaller: NDArray[np.uint8] = _native_resize(np.ascontiguousarray(grey), *size)
    return smaller


def size_within(size: tuple[int, int], side: int) -> tuple[int, int]:
    """`size` (width, height) scaled down so that the longer side is at most `side`."""
    scale = min(1.0, side / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _key(path: Path) -> _Key:
    status = path.stat()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
