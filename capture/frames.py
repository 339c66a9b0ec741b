"""Checked frames: what the capture stage knows of each picture that it passes on."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from setpiece.errors import SetFolderError

FRAMES_SCHEMA = 2
FRAMES_FILE = "frames.json"
FRAMES_FOLDER = "frames"
MASKS_FOLDER = "masks"
PANORAMAS_FOLDER = "panoramas"  # small pictures of whole panoramas, called like their instants


@dataclass(frozen=True)
class RigView:
    """A frame's place in a rig: pictures of one instant whose poses to each other are known."""

    instant: str  # frames with the same text were taken at one instant: views of one panorama
    sensor: int  # which of the rig's views this is; the same number means the same `cam_from_rig`
    cam_from_rig: tuple[float, float, float, float]  # rotation, unit quaternion wxyz; all share one centre


@dataclass(frozen=True)
class PosePrior:
    """Where an app or another program says that a frame was taken."""

    cam_from_world: tuple[tuple[float, ...], ...]  # 3 rows of 4, OpenCV axes, of the written frame
    source: str  # who says so, such as "transforms.json" or "COLMAP model"
    metric: bool  # lengths are metres
    z_up: bool  # the world's +Z is up, by gravity
    optics: tuple[float, ...] | None = None  # f, cx, cy, k1, k2 of the written frame, pixels; None: not said


@dataclass(frozen=True)
class Place:
    """A satellite position relative to the capture's first one, so that the place itself stays private."""

    east_m: float
    north_m: float
    up_m: float | None  # None where the camera does not say it
    error_m: float | None  # one standard deviation, horizontal, where the camera says it


@dataclass(frozen=True)
class CapturedFrame:
    """One checked picture: an upright 8-bit sRGB JPEG without metadata, and what its metadata said.

    Nothing about the owner is kept, and of where it was only how far the frames lie apart (`place`).
    """

    name: str  # file name in capture/frames/, unique whatever the case
    source: str  # path of the photo relative to the capture, forward slashes; of a clip, with the timecode
    order: int  # position in the capture: by time where every photo has one, else by natural name order
    width: int  # pixels, of the written frame
    height: int  # pixels, of the written frame
    time: str | None  # when it was taken, camera clock, ISO 8601 without zone
    focal_px: float | None  # expected focal length at the size of the written frame
    focal_source: str  # "intrinsics", "35 mm equivalent", "focal plane", "sensor table" or "none"
    make: str | None  # of the camera
    model: str | None  # of the camera
    lens: str  # frames with the same text were taken with the same lens at the same zoom
    exposure_s: float | None
    iso: int | None
    f_number: float | None
    sharpness: float  # 0 blurred to 1 sharp, comparable within a capture (sharpness.py)
    brightness: float  # mean of the grey picture, 0 to 1
    gravity_in_cam: tuple[float, float, float] | None  # unit vector down, OpenCV axes of the written frame
    clip: str | None = None  # path of the clip that the frame is from, relative to the capture
    clip_time_s: float | None = None  # presentation time in the clip
    mask: str | None = None  # file in capture/masks/: 8-bit grey, the frame's size, 0 where it is ignored
    rig: RigView | None = None
    prior: PosePrior | None = None
    place: Place | None = None
    taken_width: int | None = None  # pixels, of the upright photo before it was scaled down; None: as it is


@dataclass(frozen=True)
class LeftOut:
    """A photo that is not used, and why in a few plain words."""

    name: str
    reason: str


def write_frames(folder: Path, frames: list[CapturedFrame], left_out: list[LeftOut]) -> None:
    """Write frames.json into `folder`."""
    document = {
        "schema": FRAMES_SCHEMA,
        "frames": [dataclasses.asdict(f) for f in frames],
        "left_out": [dataclasses.asdict(x) for x in left_out],
    }
    text = json.dumps(document, indent=1, ensure_ascii=False)
    (folder / FRAMES_FILE).write_text(text + "\n", encoding="utf-8")


def read_frames(folder: Path) -> list[CapturedFrame]:
    """The frames in capture order. Raises SetFolderError when they are missing or damaged."""
    try:
        document = json.loads((folder / FRAMES_FILE).read_text(encoding="utf-8"))
        if document["schema"] != FRAMES_SCHEMA:
            raise SetFolderError(
                f"{folder / FRAMES_FILE} has schema {document['schema']}; this version reads "
                f"{FRAMES_SCHEMA}. Update Setpiece, or read the photos again."
            )
        frames = [_frame(f) for f in document["frames"]]
    except FileNotFoundError as error:
        raise SetFolderError(
            f"{folder} holds no checked photos. Run: setpiece build PHOTOS -o SET"
        ) from error
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise SetFolderError(
            f"{folder / FRAMES_FILE} is damaged ({error}). Run the build again with the photos."
        ) from error
    return sorted(frames, key=lambda f: f.order)


def _frame(data: dict[str, Any]) -> CapturedFrame:
    gravity, rig, prior, place = (data.get(k) for k in ("gravity_in_cam", "rig", "prior", "place"))
    return CapturedFrame(
        **{
            **data,
            "gravity_in_cam": tuple(gravity) if gravity else None,
            "rig": RigView(**{**rig, "cam_from_rig": tuple(rig["cam_from_rig"])}) if rig else None,
            "prior": _prior(prior) if prior else None,
            "place": Place(**place) if place else None,
        }
    )


def _prior(data: dict[str, Any]) -> PosePrior:
    rows, optics = tuple(tuple(row) for row in data["cam_from_world"]), data.get("optics")
    return PosePrior(**{**data, "cam_from_world": rows, "optics": tuple(optics) if optics else None})
