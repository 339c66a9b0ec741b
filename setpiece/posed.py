"""Posed frames: what the poses stage leaves in the set, and what training starts from.

`poses/poses.json` holds the frames, `poses/points.npz` the sparse points. Image paths are relative to the
set folder. The world is the set's world: Z up where `upright` is true.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from setpiece.atomic import write_atomic
from setpiece.cameras import Camera
from setpiece.errors import SetFolderError

Split = Literal["train", "test"]
POSES_SCHEMA = 1


@dataclass(frozen=True)
class PosedFrame:
    """One undistorted picture with its camera."""

    name: str  # the photo's file name in the capture, unique in the set
    image: str  # undistorted picture, path relative to the set folder, forward slashes
    mask: str | None  # 8-bit picture of the same size, 0 where the photo must be ignored
    camera: Camera  # of the undistorted picture
    split: Split  # "test" frames are never trained on
    order: int  # position in the capture (by time, then name); neighbours are close in time
    instant: str | None = None  # views of one panorama have the same text; None: an ordinary photo
    gains: tuple[float, float, float] | None = (
        None  # factors of sRGB by which it is brighter than the mean photo
    )
    falloff: tuple[float, float] | None = None  # of the lens: exp(a r^2 + b r^4) remains at r half diagonals


@dataclass(frozen=True)
class SparsePoints:
    """The triangulated points of the pose estimation."""

    points_in_world: NDArray[np.float32]  # [P, 3]
    rgb: NDArray[np.uint8]  # [P, 3] sRGB
    error_px: NDArray[np.float32]  # [P] mean reprojection error
    track_length: NDArray[np.int32]  # [P] how many photos saw the point


@dataclass(frozen=True)
class PosedFrames:
    """All frames that have a pose, and the sparse points."""

    frames: tuple[PosedFrame, ...]  # sorted by `order`
    points: SparsePoints

    @property
    def train(self) -> tuple[PosedFrame, ...]:
        """The frames to train on."""
        return tuple(f for f in self.frames if f.split == "train")

    @property
    def test(self) -> tuple[PosedFrame, ...]:
        """The held-out frames."""
        return tuple(f for f in self.frames if f.split == "test")


def write_posed_frames(folder: Path, posed: PosedFrames, extra: dict[str, Any]) -> None:
    """Write `poses.json` and `points.npz` into `folder`.

    `extra` goes beside the frames in the JSON: what was left out and why, errors, the similarity
    `world_from_colmap`, whether the world is upright.
    """
    points = posed.points
    with (folder / "points.npz").open("wb") as file:
        np.savez(
            file,
            points_in_world=points.points_in_world,
            rgb=points.rgb,
            error_px=points.error_px,
            track_length=points.track_length,
        )
    frames = [
        {
            "name": f.name,
            "image": f.image,
            "mask": f.mask,
            "split": f.split,
            "order": f.order,
            "instant": f.instant,
            "gains": f.gains,
            "falloff": f.falloff,
            "camera": f.camera.to_json(),
        }
        for f in posed.frames
    ]
    document = {"schema": POSES_SCHEMA, **extra, "frames": frames}
    write_atomic(folder / "poses.json", json.dumps(document, indent=1).encode())


def read_posed_frames(folder: Path) -> PosedFrames:
    """The frames and points that `write_posed_frames` left in `folder`.

    Raises SetFolderError when the files are missing or damaged.
    """
    try:
        document = json.loads((folder / "poses.json").read_text(encoding="utf-8"))
        if document["schema"] != POSES_SCHEMA:
            raise SetFolderError(
                f"{folder / 'poses.json'} has schema {document['schema']}; this version reads "
                f"{POSES_SCHEMA}. Update Setpiece, or estimate the poses again."
            )
        frames = tuple(
            PosedFrame(
                name=f["name"],
                image=f["image"],
                mask=f["mask"],
                camera=Camera.from_json(f["camera"]),
                split=f["split"],
                order=f["order"],
                instant=f.get("instant"),
                gains=tuple(f["gains"]) if f.get("gains") else None,
                falloff=tuple(f["falloff"]) if f.get("falloff") else None,
            )
            for f in document["frames"]
        )
        with (folder / "points.npz").open("rb") as file, np.load(file) as arrays:
            points = SparsePoints(
                points_in_world=arrays["points_in_world"],
                rgb=arrays["rgb"],
                error_px=arrays["error_px"],
                track_length=arrays["track_length"],
            )
    except FileNotFoundError as error:
        raise SetFolderError(
            f"{folder} holds no camera poses ({Path(error.filename).name} is missing). Run: setpiece build"
        ) from error
    except (ValueError, KeyError, TypeError, OSError, EOFError, BadZipFile) as error:
        raise SetFolderError(
            f"the camera poses in {folder} cannot be read ({error}). Estimate them again."
        ) from error
    return PosedFrames(frames=tuple(sorted(frames, key=lambda f: f.order)), points=points)
