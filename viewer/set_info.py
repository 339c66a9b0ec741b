"""What the page must know about a set, read from the set folder."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np

from setpiece import __version__
from setpiece.axes import WORLD_FROM_PLY
from setpiece.errors import SetpieceError
from setpiece.export.scene import SCENE_FILE
from setpiece.posed import PosedFrame, read_posed_frames
from setpiece.setfolder import SetFolder
from setpiece.viewer.messages import Bounds, CaptureCamera, FrameInfo, SceneFile, SetInfo
from setpiece.viewer.scene_stream import SceneStream, open_scene

SCENE_URL = "/api/scene.ply"


def set_info(target: SetFolder) -> SetInfo:
    """The answer to `/api/set`.

    A set without poses or splats is no error here: `problem` says what is missing. Raises SetFolderError
    when there is no set at all, or its set.json is damaged.
    """
    document = target.document()
    frame = document.get("frame", {})
    problems = []
    frames: tuple[PosedFrame, ...] = ()
    try:
        frames = posed_frames(target)
    except SetpieceError as error:
        problems.append(str(error))
    scene = None
    try:
        scene = _scene_file(open_scene(target.path / SCENE_FILE), _antialias(document))
    except FileNotFoundError:
        problems = [
            f"This set has no splats yet: {SCENE_FILE} is missing. "
            "Finish it by running the same setpiece build command again, then reload this page."
        ]
    except SetpieceError as error:
        problems = [str(error)]
    scale_known = bool(frame.get("scale_known", False))
    return SetInfo(
        name=str(document.get("name", target.path.name)),
        version=__version__,
        frame=FrameInfo(
            upright=bool(frame.get("upright", False)),
            floor=bool(frame.get("floor", False)),
            scale_known=scale_known,
            unit=str(frame.get("unit", "m")) if scale_known else "units",
            scale_error=frame.get("scale_error") if scale_known else None,
        ),
        scene=scene,
        problem=" ".join(problems) if scene is None else None,
        cameras=[_camera(index, f) for index, f in enumerate(frames)],
        start_camera=start_camera(frames),
    )


def posed_frames(target: SetFolder) -> tuple[PosedFrame, ...]:
    """The frames of the set, read again only when poses.json changed.

    Raises SetFolderError when there are none or they are damaged.
    """
    file = target.poses / "poses.json"
    return _read_frames(target.poses, file.stat().st_mtime_ns if file.exists() else 0)


@functools.lru_cache(maxsize=4)
def _read_frames(folder: Path, _stamp: int) -> tuple[PosedFrame, ...]:
    return read_posed_frames(folder).frames


def start_camera(frames: tuple[PosedFrame, ...]) -> int | None:
    """The index of the camera nearest to the middle of the walk, by place; None without cameras."""
    if not frames:
        return None
    centres = np.array([f.camera.centre_in_world for f in frames])
    distances = np.linalg.norm(centres - np.median(centres, axis=0), axis=1)
    return int(np.argmin(distances))


def _scene_file(stream: SceneStream, antialias: bool) -> SceneFile:
    corners = np.array(stream.bounds_in_ply) @ WORLD_FROM_PLY.T  # RDF -> world Z up
    return SceneFile(
        url=f"{SCENE_URL}?v={stream.tag}",
        splats=stream.splats,
        bytes=stream.size_bytes,
        sh_degree=stream.sh_degree,
        antialias=antialias,
        bounds=Bounds(min=corners.min(axis=0).tolist(), max=corners.max(axis=0).tolist()),
    )


def _antialias(document: dict[str, Any]) -> bool:
    options = document.get("stages", {}).get("train", {}).get("options", {})
    return bool(options.get("antialias", False))


def _camera(index: int, frame: PosedFrame) -> CaptureCamera:
    camera = frame.camera
    return CaptureCamera(
        name=frame.name,
        split=frame.split,
        width=camera.width,
        height=camera.height,
        focal_x_px=camera.focal_x_px,
        focal_y_px=camera.focal_y_px,
        centre_x_px=camera.centre_x_px,
        centre_y_px=camera.centre_y_px,
        cam_from_world=camera.cam_from_world.tolist(),
        photo_url=f"/api/photos/{index}",
        thumbnail_url=f"/api/photos/{index}/thumbnail",
    )
