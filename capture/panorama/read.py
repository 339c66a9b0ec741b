"""One panorama of a capture as checked frames: the views of a rig."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pycolmap
from numpy.typing import NDArray
from PIL import Image

from setpiece.capture.decode import UnreadablePhotoError, decode_srgb, open_photo
from setpiece.capture.exif import read_metadata
from setpiece.capture.frames import PANORAMAS_FOLDER, CapturedFrame, LeftOut, RigView
from setpiece.capture.mask import Mask, MaskError, alpha_mask, as_bytes, read_mask
from setpiece.capture.options import CaptureOptions
from setpiece.capture.panorama.gpano import GPano
from setpiece.capture.panorama.recognise import sphere_of
from setpiece.capture.panorama.sphere import Sphere, down_in_rig
from setpiece.capture.panorama.views import PanoramaView, views_of
from setpiece.capture.read_photo import MEASURED_SIDE, ReadFrame, save_jpeg, thumbnail
from setpiece.capture.sharpness import brightness, sharpness

FOCAL_SOURCE = "panorama"
_SMALL_QUALITY = 85
SMALL_WIDTH = 512  # pixels, of the whole sphere, that the nadir is judged by


@dataclass(frozen=True)
class ReadPanorama:
    """The views of a panorama that were written, and what the checks of the whole capture need."""

    views: list[ReadFrame]
    small: NDArray[np.uint8]  # [256, 512, 3] the whole sphere
    shown: NDArray[np.bool_]  # [256, 512] where the panorama shows something
    counts: dict[str, Mask]  # per view of which something is not shown or masked: what counts


def read_panorama(
    path: Path, source: str, output: Path, options: CaptureOptions, mask_path: Path | None = None
) -> ReadPanorama | LeftOut | None:
    """Write the panorama at `path` as views beside `output`, or say why it cannot be used.

    None where the picture is no panorama. A view is called like `output`, with _v and its number.
    `mask_path` is a mask of the whole panorama.
    """
    fault, counts = "", None
    try:
        with open_photo(path) as picture:
            found = sphere_of(picture, options.kind)
            if found is None:
                return None
        with open_photo(path) as picture:
            sphere, said = found
            metadata = read_metadata(picture)
            stored = picture.size
            rgb = decode_srgb(picture, metadata.orientation, 3 * options.max_side)
            if picture.mode.endswith("A"):
                counts = alpha_mask(picture, metadata.orientation, rgb.size)
    except UnreadablePhotoError as error:
        return LeftOut(source, str(error))
    if mask_path is not None:
        try:
            masked = read_mask(mask_path, stored, metadata.orientation, rgb.size)
            counts = masked if counts is None or masked is None else counts & masked
        except MaskError as error:
            fault = f"it is not used: {error}"
    equirect = np.asarray(rgb)
    about = CapturedFrame(
        name=output.name,
        source=source,
        order=0,
        width=0,
        height=0,
        time=metadata.time,
        focal_px=None,
        focal_source=FOCAL_SOURCE,
        make=metadata.make,
        model=metadata.model,
        lens="|".join([*(x for x in (metadata.make, metadata.model) if x), FOCAL_SOURCE]),
        exposure_s=metadata.exposure_s,
        iso=metadata.iso,
        f_number=metadata.f_number,
        sharpness=0.0,
        brightness=0.0,
        gravity_in_cam=None,
    )
    read = write_views(equirect, sphere.scaled(*rgb.size), said, about, output.parent, options, counts)
    read.views[:] = [replace(v, fix=metadata.fix) for v in read.views]
    if fault:
        read.views[0] = replace(read.views[0], mask_fault=fault)
    return read


def write_views(
    equirect: NDArray[np.uint8],
    sphere: Sphere,
    said: GPano | None,
    about: CapturedFrame,
    folder: Path,
    options: CaptureOptions,
    counts: Mask | None = None,
) -> ReadPanorama:
    """Write the views of an equirectangular picture [H, W, 3] into `folder`; `counts` is its mask [H, W].

    `about` is what is known of the picture as a whole; its name gives the views theirs and stands for the
    instant. For pictures of photos and of clips alike.
    """
    views = views_of(equirect, sphere, most_side=options.max_side)
    down = None
    if said is not None and said.pitch_deg is not None and said.roll_deg is not None:
        down = down_in_rig(said.pitch_deg, said.roll_deg)
    read: list[ReadFrame] = []
    in_view: dict[str, Mask] = {}
    masks = (
        {m.number: m.rgb == 255 for m in views_of(as_bytes(counts), sphere, most_side=options.max_side)}
        if (counts is not None)
        else {}
    )
    for view in views:
        name = f"{Path(about.name).stem}_v{view.number}.jpg"
        save_jpeg(Image.fromarray(view.rgb), folder / name, options.jpeg_quality, subsampled=False)
        seen = np.ones(view.rgb.shape[:2], bool) if view.seen is None else view.seen > 0
        if view.number in masks:
            seen &= masks[view.number]
        if not seen.all():
            in_view[name] = seen
        read.append(_read_frame(view, name, about, down))
    sharp = float(np.median([r.frame.sharpness for r in read]))
    bright = float(np.mean([r.frame.brightness for r in read]))
    read = [  # of one instant: a view of a bare ceiling is no blurred picture
        replace(r, frame=replace(r.frame, sharpness=round(sharp, 4), brightness=round(bright, 4)))
        for r in read
    ]
    small, shown = _small(equirect, sphere)
    wholes = folder.parent / PANORAMAS_FOLDER
    wholes.mkdir(exist_ok=True)
    save_jpeg(Image.fromarray(small), wholes / about.name, _SMALL_QUALITY, subsampled=True)
    return ReadPanorama(read, small, shown, in_view)


def _read_frame(
    view: PanoramaView, name: str, about: CapturedFrame, down: NDArray[np.float64] | None
) -> ReadFrame:
    grey = cv2.cvtColor(view.rgb, cv2.COLOR_RGB2GRAY)
    side = grey.shape[0]
    if side > MEASURED_SIDE:
        grey = cv2.resize(grey, (MEASURED_SIDE, MEASURED_SIDE), interpolation=cv2.INTER_AREA)
    measured = np.asarray(grey, np.uint8)
    x, y, z, w = pycolmap.Rotation3d(view.cam_from_rig).quat
    gravity = None
    if down is not None:
        right, below, ahead = (float(v) for v in view.cam_from_rig @ down)
        gravity = (right, below, ahead)
    frame = replace(
        about,
        name=name,
        width=side,
        height=side,
        focal_px=view.focal_px,
        sharpness=sharpness(measured),
        brightness=brightness(measured),
        gravity_in_cam=gravity,
        rig=RigView(about.name, view.number, (float(w), float(x), float(y), float(z))),
    )
    return ReadFrame(frame, thumbnail(measured))


def _small(equirect: NDArray[np.uint8], sphere: Sphere) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """The whole sphere small, and where it is shown."""
    scale = SMALL_WIDTH / sphere.full_width
    width, height = max(1, round(sphere.width * scale)), max(1, round(sphere.height * scale))
    part = cv2.resize(equirect, (width, height), interpolation=cv2.INTER_AREA)
    small = np.zeros((SMALL_WIDTH // 2, SMALL_WIDTH, 3), np.uint8)
    shown = np.zeros(small.shape[:2], bool)
    left, top = round(sphere.left * scale), round(sphere.top * scale)
    room = small[top : top + height, left : left + width].shape[:2]
    small[top : top + height, left : left + width] = part[: room[0], : room[1]]
    shown[top : top + height, left : left + width] = True
    return small, shown
