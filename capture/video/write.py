"""A clip's frame becomes a checked frame, as a photo does."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from setpiece.capture.frames import CapturedFrame
from setpiece.capture.grey import DECODED_SIDE, GreyPicture, GreyShelf, size_within
from setpiece.capture.options import CaptureOptions
from setpiece.capture.panorama.read import FOCAL_SOURCE, ReadPanorama, write_views
from setpiece.capture.panorama.sphere import Sphere
from setpiece.capture.read_photo import MEASURED_SIDE, ReadFrame, save_jpeg, thumbnail
from setpiece.capture.sharpness import brightness, sharpness
from setpiece.capture.video.clip import Shown
from setpiece.capture.video.metadata import ClipMetadata, focal_px
from setpiece.capture.video.srgb import srgb_pixels, upright
from setpiece.capture.video.timecode import timecode


@dataclass(frozen=True)
class FrameOrigin:
    """What all frames of a clip share."""

    clip: str  # path relative to the capture
    stem: str  # of the frames' file names
    metadata: ClipMetadata
    shown: Shown
    panorama: bool = False  # its frames show the whole sphere

    def lens(self) -> str:
        """Clips of one device share a lens; one without a name has its own, for its zoom is unknown."""
        known = self.metadata
        if known.make or known.model:
            parts = (known.make, known.model, known.lens, "video", known.focal_35_mm)
            return "|".join(str(p or "") for p in parts).rstrip("|")
        return f"video|{self.clip}"


def write_clip_frame(
    frame: Any,
    time_s: float,
    origin: FrameOrigin,
    folder: Path,
    options: CaptureOptions,
    shelf: GreyShelf | None,
) -> ReadFrame | ReadPanorama:
    """Write a decoded frame as a picture, or a panorama's views, into `folder`.

    Raises SetFolderError as writing does.
    """
    pixels = upright(srgb_pixels(frame, origin.shown.colour), origin.shown.matrix, origin.shown.aspect)
    if origin.panorama:
        about = _about(time_s, origin, (pixels.shape[1], pixels.shape[0]))
        about = replace(about, lens=f"{about.lens}|{FOCAL_SOURCE}", focal_source=FOCAL_SOURCE, focal_px=None)
        sphere = Sphere.whole(pixels.shape[1], pixels.shape[0])
        return write_views(pixels, sphere, None, about, folder, options)
    taken = pixels.shape[1], pixels.shape[0]
    size = size_within(taken, options.max_side)
    if size != taken:
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    captured = _about(time_s, origin, size)
    output = folder / captured.name
    picture = Image.fromarray(pixels)
    save_jpeg(picture, output, options.jpeg_quality, subsampled=True)
    grey = GreyPicture(np.asarray(picture.convert("L")), size)
    if max(size) >= 2 * DECODED_SIDE:  # as a JPEG of this size would be decoded
        grey = GreyPicture(grey.within((max(size) + 1) // 2), size)
    if shelf is not None:
        shelf.put(output, grey)
    measured = grey.within(MEASURED_SIDE)
    captured = replace(
        captured,
        sharpness=round(sharpness(measured), 4),
        brightness=round(brightness(measured), 4),
        taken_width=taken[0] if size != taken else None,
    )
    return ReadFrame(captured, thumbnail(measured))


def _about(time_s: float, origin: FrameOrigin, size: tuple[int, int]) -> CapturedFrame:
    """What is known of a frame before its picture is looked at."""
    known = origin.metadata
    begun = known.started
    return CapturedFrame(
        name=f"{origin.stem}_{timecode(time_s).replace(':', '-')}.jpg",
        source=f"{origin.clip} {timecode(time_s)}",
        order=0,
        width=size[0],
        height=size[1],
        time=(begun + datetime.timedelta(seconds=time_s)).isoformat(timespec="milliseconds")
        if begun
        else None,
        focal_px=focal_px(known.focal_35_mm, *size) if known.focal_35_mm else None,
        focal_source="35 mm equivalent" if known.focal_35_mm else "none",
        make=known.make,
        model=known.model,
        lens=origin.lens(),
        exposure_s=None,
        iso=None,
        f_number=None,
        sharpness=0.0,
        brightness=0.0,
        gravity_in_cam=None,
        clip=origin.clip,
        clip_time_s=round(time_s, 6),
    )
