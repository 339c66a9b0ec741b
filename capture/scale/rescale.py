"""The files of `poses/` at another size."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from setpiece.capture.frames import read_frames
from setpiece.capture.scale.known import Posed
from setpiece.capture.scale.posed_photos import posed_photos
from setpiece.errors import SetFolderError
from setpiece.setfolder import SetFolder

Document = dict[str, Any]


def read_poses_document(target: SetFolder) -> Document:
    """What `poses.json` says. Raises SetFolderError where it is missing or damaged."""
    file = target.poses / "poses.json"
    try:
        document: Document = json.loads(file.read_text(encoding="utf-8"))
        np.array(document["world_from_colmap"], np.float64).reshape(4, 4)
        return document
    except FileNotFoundError as error:
        raise SetFolderError(
            f"{target.path} has no camera poses yet. Run: setpiece build PHOTOS -o {target.path}"
        ) from error
    except (OSError, ValueError, KeyError) as error:
        raise SetFolderError(f"{file} cannot be read ({error}). Estimate the poses again.") from error


def read_posed(target: SetFolder, document: Document) -> Posed:
    """The set's cameras in COLMAP's world, from `poses/sparse`. Raises SetFolderError."""
    import pycolmap

    from setpiece.capture.mapping import quiet

    frames = read_frames(target.capture)
    try:
        with quiet():
            reconstruction = pycolmap.Reconstruction(str(target.poses / "sparse"))
    except (ValueError, RuntimeError, OSError) as error:
        raise SetFolderError(
            f"the COLMAP model in {target.poses / 'sparse'} cannot be read. Estimate the poses again."
        ) from error
    return Posed(
        photos=posed_photos(frames, reconstruction),
        reconstruction=reconstruction,
        world_from_colmap=np.array(document["world_from_colmap"], np.float64),
        floor=bool(document.get("floor")),
    )


def write_rescaled_poses(target: SetFolder, document: Document, factor: float, output: Path) -> None:
    """Write `poses.json` and `points.npz`, `factor` times as large, into the folder `output`.

    The world grows from its origin: the floor stays at z = 0.
    """
    world_from_colmap = np.diag([factor, factor, factor, 1.0]) @ np.array(document["world_from_colmap"])
    frames = []
    for frame in document["frames"]:
        pose = np.array(frame["camera"]["cam_from_world"], np.float64).reshape(4, 4)
        pose[:3, 3] *= factor
        frames.append({**frame, "camera": {**frame["camera"], "cam_from_world": pose.tolist()}})
    output.mkdir(parents=True, exist_ok=True)
    scaled = {**document, "world_from_colmap": world_from_colmap.tolist(), "frames": frames}
    (output / "poses.json").write_text(json.dumps(scaled, indent=1), encoding="utf-8")
    with (target.poses / "points.npz").open("rb") as file, np.load(file) as arrays:
        points = {name: arrays[name] for name in arrays}
    points["points_in_world"] = (points["points_in_world"] * np.float32(factor)).astype(np.float32)
    with (output / "points.npz").open("wb") as written:
        np.savez(written, **points)
