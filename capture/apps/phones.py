"""Raw exports of Polycam and Record3D: poses of ARKit, metres, gravity along -y, OpenGL camera axes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from setpiece.axes import rotation_from_quat
from setpiece.capture.apps.poses import (
    OPENCV_FROM_OPENGL,
    Z_UP_FROM_Y_UP,
    AppPoses,
    Collector,
    Matrix,
    Optics,
    UnusablePosesError,
)


def read_polycam(folder: Path) -> AppPoses:
    """The poses in `keyframes/corrected_cameras` or `keyframes/cameras`: a file for each picture.

    Raises UnusablePosesError.
    """
    found = Collector()
    try:
        for file in sorted(folder.glob("*.json")):
            camera = json.loads(file.read_text(encoding="utf-8"))
            pose = np.array(
                [[camera[f"t_{row}{column}"] for column in range(4)] for row in range(3)], np.float64
            )
            optics = Optics(*(float(camera[k]) for k in ("width", "height", "fx", "cx", "cy")))
            found.add(f"{file.stem}.jpg", _from_arkit(pose), optics)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnusablePosesError(f"{file.name} is damaged ({type(error).__name__}: {error})") from error
    return found.result("Polycam", metric=True, z_up=True)


def read_record3d(file: Path) -> AppPoses:
    """The poses in Record3D's `metadata.json`: quaternion xyzw and place of picture 0, 1, 2, ...

    Raises UnusablePosesError.
    """
    found = Collector()
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        matrix = np.array(data["K"], np.float64).reshape(3, 3)  # column by column
        width, height = float(data["w"]), float(data["h"])
        shared = Optics(width, height, (matrix[0, 0] + matrix[1, 1]) / 2, matrix[2, 0], matrix[2, 1])
        own = data.get("perFrameIntrinsicCoeffs") or []  # fx, fy, cx, cy, ... of each
        for number, values in enumerate(data["poses"]):
            x, y, z, w, *place = (float(v) for v in values)
            optics = shared
            if number < len(own):
                fx, fy, cx, cy = (float(v) for v in own[number][:4])
                optics = Optics(width, height, (fx + fy) / 2, cx, cy)
            pose = np.c_[_rotation(w, x, y, z), np.array(place)]
            found.add(f"{number}.jpg", _from_arkit(pose), optics)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnusablePosesError(f"it is damaged ({type(error).__name__}: {error})") from error
    return found.result("Record3D", metric=True, z_up=True)


def _from_arkit(pose: Matrix) -> Matrix:
    """ARKit's y-up world and OpenGL camera to a z-up world and OpenCV camera, [3, 4]; here only."""
    turned: Matrix = Z_UP_FROM_Y_UP @ pose
    turned[:, :3] = turned[:, :3] @ OPENCV_FROM_OPENGL
    return turned


def _rotation(w: float, x: float, y: float, z: float) -> Matrix:
    quat = np.array([w, x, y, z], np.float64)
    return rotation_from_quat(quat) if np.linalg.norm(quat) > 0 else np.full((3, 3), np.nan)
