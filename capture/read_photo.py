"""One photo of a capture as a checked frame."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from setpiece.atomic import disk_error
from setpiece.capture.decode import (
    UnreadablePhotoError,
    decode_grey,
    decode_srgb,
    needs_no_colour_change,
    open_photo,
)
from setpiece.capture.exif import Metadata, read_metadata
from setpiece.capture.fixes import Fix
from setpiece.capture.frames import MASKS_FOLDER, CapturedFrame, LeftOut
from setpiece.capture.grey import GreyPicture, GreyShelf
from setpiece.capture.jpeg import stripped_jpeg
from setpiece.capture.layers import is_depth_map, pictures_beside
from setpiece.capture.mask import Mask, MaskError, alpha_mask, read_mask, write_mask
from setpiece.capture.options import CaptureOptions
from setpiece.capture.sharpness import brightness, sharpness

MEASURED_SIDE = 1000  # pixels; sharpness is measured at this size, so that all frames compare


@dataclass(frozen=True)
class ReadFrame:
    """A frame that was written, and what the checks of the whole capture need."""

    frame: CapturedFrame
    thumbnail: NDArray[np.float32]  # [16, 16] grey
    copied: bool = False  # the coded picture is the photo's own
    transparent: bool = False
    masked: float = 0.0  # share of the pixels that are ignored
    fix: Fix | None = None  # where on Earth it was taken; never written
    orientation: int = 1  # EXIF, that was applied
    mask_fault: str = ""  # why its mask is not used, or not alone
    beside: int = 0  # pictures that its file holds beside it


def read_photo(
    path: Path,
    source: str,
    output: Path,
    options: CaptureOptions,
    shelf: GreyShelf | None,
    mask_path: Path | None = None,
) -> ReadFrame | LeftOut:
    """Write the photo at `path` as a frame to `output`, or say why it cannot be used.

    What its mask or its own transparency leaves out is written into the folder `masks/` beside the folder of
    the frames.
    """
    mask: Mask | None = None
    try:
        with open_photo(path) as picture:
            width, height = picture.size
            if min(width, height) < options.min_side:
                raise UnreadablePhotoError(
                    f"it is only {width}x{height} pixels; the short side needs {options.min_side}"
                )
            if is_depth_map(picture, source):
                raise UnreadablePhotoError("it is a depth map, not a photo")
            beside = pictures_beside(picture)
            stored = picture.size
            metadata = read_metadata(picture)
            transparent = picture.mode.endswith("A") or "transparency" in picture.info
            turned = metadata.orientation >= 5
            taken_width = height if turned else width
            coded = _untouched(path, picture, metadata, options)
            if coded is not None:
                grey = decode_grey(picture, MEASURED_SIDE)
                _write(output, coded)
                if shelf is not None:
                    shelf.put(output, grey)
            else:
                lossy = picture.format in ("JPEG", "MPO", "HEIF")
                rgb = decode_srgb(picture, metadata.orientation, options.max_side)
                width, height = rgb.size
                save_jpeg(rgb, output, options.jpeg_quality, subsampled=lossy)
                grey = GreyPicture(np.asarray(rgb.convert("L")), rgb.size)
                if transparent:
                    mask = alpha_mask(picture, metadata.orientation, (width, height))
                    transparent = mask is not None
                    if mask is not None and not mask.any():
                        raise UnreadablePhotoError("all of it is transparent")
    except UnreadablePhotoError as error:
        return LeftOut(source, str(error))
    fault = ""
    if mask_path is not None:
        mask, fault = _with_mask(mask, mask_path, stored, metadata.orientation, (width, height))
    mask_name = None
    if mask is not None:
        mask_name = f"{output.name}.png"  # COLMAP's name for it
        write_mask(output.parent.parent / MASKS_FOLDER / mask_name, mask)
    measured = grey.within(MEASURED_SIDE)
    frame = CapturedFrame(
        name=output.name,
        source=source,
        order=0,
        width=width,
        height=height,
        time=metadata.time,
        focal_px=metadata.focal_fraction * max(width, height) if metadata.focal_fraction else None,
        focal_source=metadata.focal_source,
        make=metadata.make,
        model=metadata.model,
        lens=metadata.lens,
        exposure_s=metadata.exposure_s,
        iso=metadata.iso,
        f_number=metadata.f_number,
        sharpness=round(sharpness(measured), 4),
        brightness=round(brightness(measured), 4),
        gravity_in_cam=metadata.gravity_in_cam,
        taken_width=taken_width if taken_width != width else None,
        mask=mask_name,
    )
    masked = 0.0 if mask is None else 1.0 - float(mask.mean())
    return ReadFrame(
        frame,
        thumbnail(measured),
        coded is not None,
        transparent,
        masked,
        fix=metadata.fix,
        orientation=metadata.orientation,
        mask_fault=fault,
        beside=beside,
    )


def _with_mask(
    alpha: Mask | None, path: Path, stored: tuple[int, int], orientation: int, size: tuple[int, int]
) -> tuple[Mask | None, str]:
    """What counts by a photo's transparency and by the mask at `path`, and what is wrong with the mask."""
    try:
        mask = read_mask(path, stored, orientation, size)
    except MaskError as error:
        return alpha, f"it is not used: {error}"
    if alpha is None or mask is None:
        return (alpha if mask is None else mask), ""
    if not (alpha & mask).any():
        return alpha, "it is not used: it and the photo's own transparency together leave nothing"
    return alpha & mask, "the photo is transparent in places, too; what either leaves out is ignored"


def thumbnail(grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    """A picture [H, W] at 16x16, to tell versions of one photo."""
    return np.asarray(Image.fromarray(grey).resize((16, 16), Image.Resampling.BOX), np.float32)


def _untouched(path: Path, picture: Image.Image, metadata: Metadata, options: CaptureOptions) -> bytes | None:
    """The photo's own coded picture where it can stay as it is."""
    if (
        picture.format not in ("JPEG", "MPO")
        or metadata.orientation != 1
        or max(picture.size) > options.max_side
        or not needs_no_colour_change(picture)
    ):
        return None
    try:
        return stripped_jpeg(path.read_bytes())
    except (ValueError, IndexError):
        return None  # decoding will say what is wrong, or heal it


def save_jpeg(picture: Image.Image, output: Path, quality: int, *, subsampled: bool) -> None:
    """Write a picture as a JPEG without metadata. Raises SetFolderError."""
    picture.info.clear()  # no profile, EXIF or comment goes along
    try:
        picture.save(output, "JPEG", quality=quality, subsampling=2 if subsampled else 0)
    except OSError as error:
        raise disk_error(output, error) from error


def _write(output: Path, data: bytes) -> None:
    try:
        output.write_bytes(data)
    except OSError as error:
        raise disk_error(output, error) from error
