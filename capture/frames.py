"""Checked frames: what the capture stage knows of each photo that it passes on."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

from setpiece.errors import SetFolderError

FRAMES_SCHEMA = 1
FRAMES_FILE = "frames.json"
FRAMES_FOLDER = "frames"


@dataclass(frozen=True)
class CapturedFrame:
    """One checked photo: an upright 8-bit sRGB JPEG without metadata, and what its metadata said.

    Nothing about the place (GPS) or the owner is kept.
    """

    name: str  # file name in capture/frames/, unique whatever the case
    source: str  # path of the photo relative to the folder it came from, forward slashes
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
        frames = [
            CapturedFrame(
                **{**f, "gravity_in_cam": tuple(f["gravity_in_cam"]) if f["gravity_in_cam"] else None}
            )
            for f in document["frames"]
        ]
    except FileNotFoundError as error:
        raise SetFolderError(
            f"{folder} holds no checked photos. Run: setpiece build PHOTOS -o SET"
        ) from error
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise SetFolderError(
            f"{folder / FRAMES_FILE} is damaged ({error}). Run the build again with the photos."
        ) from error
    return sorted(frames, key=lambda f: f.order)
