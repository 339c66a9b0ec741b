"""Masks of frames: which pixels count. In files 0 is ignored and 255 counts; inside, True counts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from setpiece.atomic import disk_error
from setpiece.capture.decode import TRANSPOSE, UnreadablePhotoError, open_photo
from setpiece.capture.frames import MASKS_FOLDER, CapturedFrame
from setpiece.errors import SetFolderError

Mask = NDArray[np.bool_]  # [H, W]

SAME_SHAPE = 0.02  # by which the proportions of a mask may differ from its photo's
SMALLEST_SIDE = 32  # pixels of a mask
OPAQUE = 250  # of 255; less alpha is see-through
LOSSY_LEVEL = 128  # of 255; a JPEG's black is not exactly 0
MARGIN = 0.003  # of the longest side: how far features stay away from what is ignored


class MaskError(Exception):
    """A mask that cannot be used; its text is the reason in a few plain words."""


def read_mask(path: Path, stored: tuple[int, int], orientation: int, size: tuple[int, int]) -> Mask | None:
    """The mask in a file, upright and of a frame's size (width, height); None where it leaves out nothing.

    `stored` is the size of the photo as it lies in its file, `orientation` its EXIF orientation. A mask with
    the proportions of the stored photo is turned like the photo; one with those of the upright photo is
    upright already. Raises MaskError.
    """
    try:
        with open_photo(path) as picture:
            counts = _counts(picture)
    except UnreadablePhotoError as error:
        raise MaskError(str(error)) from error
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError) as error:
        raise MaskError(f"it is damaged ({error})") from error
    turned = (stored[1], stored[0]) if orientation >= 5 else stored
    shape = (counts.shape[1], counts.shape[0])
    if _alike(shape, stored):
        counts = _upright(counts, orientation)
    elif not _alike(shape, turned):
        raise MaskError(f"it is {shape[0]}x{shape[1]} pixels, the photo {turned[0]}x{turned[1]}")
    if not counts.any():
        raise MaskError("it is all black, and 0 means ignore")
    return None if counts.all() else at_size(counts, size)


def alpha_mask(picture: Image.Image, orientation: int, size: tuple[int, int]) -> Mask | None:
    """What of a photo with transparency is opaque, upright and of a frame's size; None where all of it is."""
    opaque = np.asarray(picture.convert("RGBA").getchannel("A")) >= OPAQUE
    return None if opaque.all() else at_size(_upright(opaque, orientation), size)


def at_size(counts: Mask, size: tuple[int, int]) -> Mask:
    """The mask at another size (width, height): a pixel counts only if everything that goes into it does."""
    if (counts.shape[1], counts.shape[0]) == size:
        return counts
    smaller = size[0] <= counts.shape[1] and size[1] <= counts.shape[0]
    way = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    scaled = cv2.resize(as_bytes(counts), size, interpolation=way)
    result: Mask = scaled == 255 if smaller else scaled >= LOSSY_LEVEL
    return result


def inner(counts: Mask, margin: float = MARGIN) -> Mask:
    """The mask without a margin (of its longest side) around what is ignored; the picture's edge has none."""
    reach = max(1, round(margin * max(counts.shape)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    result: Mask = cv2.erode(as_bytes(counts), kernel, borderType=cv2.BORDER_CONSTANT, borderValue=(255,)) > 0
    return result


def as_bytes(counts: Mask) -> NDArray[np.uint8]:
    """0 where it is ignored, 255 where it counts."""
    return np.where(counts, 255, 0).astype(np.uint8)


def write_mask(path: Path, counts: Mask) -> None:
    """Write the mask as an 8-bit grey PNG. Raises SetpieceError when the disk is full."""
    _, data = cv2.imencode(".png", as_bytes(counts))
    try:
        path.write_bytes(data.tobytes())
    except OSError as error:
        raise disk_error(path, error) from error


def mask_file(frame: CapturedFrame, frames: Path) -> Path | None:
    """Where the mask of a frame is whose picture lies in the folder `frames`; None where it has none."""
    return frames.parent / MASKS_FOLDER / frame.mask if frame.mask else None


def colmap_masks(frames: Sequence[CapturedFrame], folder: Path, work: Path) -> Path | None:
    """A folder in `work` with a mask for every frame, as COLMAP wants it; None where no frame has one."""
    if not any(f.mask for f in frames):
        return None
    masks = work / MASKS_FOLDER
    masks.mkdir(exist_ok=True)
    for frame in frames:
        file = mask_file(frame, folder)
        counts = load_mask(file) if file else np.ones((frame.height, frame.width), bool)
        write_mask(masks / f"{frame.name}.png", inner(counts))
    return masks


def load_mask(path: Path) -> Mask:
    """The mask that `write_mask` left. Raises SetFolderError."""
    try:
        grey = cv2.imdecode(np.fromfile(path, dtype=np.uint8), cv2.IMREAD_GRAYSCALE)
    except (OSError, cv2.error):
        grey = None
    if grey is None:
        raise SetFolderError(f"the mask {path} cannot be read. Run the build again with the photos.")
    counts: Mask = np.asarray(grey) != 0
    return counts


def _counts(picture: Image.Image) -> Mask:
    """Every pixel that is neither black nor transparent."""
    lossy = picture.format in ("JPEG", "MPO", "HEIF")
    picture.load()
    if picture.mode.startswith(("I", "F")):
        deep: Mask = np.asarray(picture) > 0
        return deep
    values = np.asarray(picture.convert("RGBA"))
    least = LOSSY_LEVEL if lossy else 1
    counts: Mask = (values[..., :3].max(axis=2) >= least) & (values[..., 3] > 0)
    return counts


def _upright(counts: Mask, orientation: int) -> Mask:
    method = TRANSPOSE.get(orientation)
    if method is None:
        return counts
    return np.asarray(Image.fromarray(as_bytes(counts)).transpose(method)) > 0


def _alike(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether two sizes have the same proportions, and the first is large enough to mean it."""
    if one == other:
        return True
    rounding = 1.0 / min(one)
    off = abs(one[0] * other[1] / (one[1] * other[0]) - 1)
    return min(one) >= SMALLEST_SIDE and off <= max(SAME_SHAPE, rounding)
