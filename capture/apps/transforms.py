"""`transforms.json` of instant-ngp, nerfstudio and some apps: camera to world, OpenGL camera axes."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from setpiece.capture.apps.poses import OPENCV_FROM_OPENGL, AppPoses, Collector, Optics, UnusablePosesError

_FISHEYE = ("OPENCV_FISHEYE", "FISHEYE", "FISHEYE624", "EQUIRECTANGULAR", "SPHERICAL", "ORTHOPHOTO")


def read_transforms(file: Path) -> AppPoses:
    """The poses in the file. Whether lengths are metres it does not say. Raises UnusablePosesError."""
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        frames = document["frames"]
        found = Collector()
        for frame in frames:
            model = str(frame.get("camera_model", document.get("camera_model", "OPENCV"))).upper()
            if model in _FISHEYE or document.get("is_fisheye"):
                raise UnusablePosesError(f"its camera model {model} is no pinhole; only pinholes can be used")
            matrix = np.array(frame["transform_matrix"], np.float64)
            if matrix.shape not in ((4, 4), (3, 4)):
                raise ValueError(f"a transform_matrix of shape {matrix.shape}")
            pose = matrix[:3].copy()
            pose[:, :3] = pose[:, :3] @ OPENCV_FROM_OPENGL  # OpenGL -> OpenCV camera axes, here only
            found.add(str(frame["file_path"]), pose, _optics({**document, **frame}))
        return found.result(file.name, metric=False, z_up=False)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnusablePosesError(f"it is damaged ({type(error).__name__}: {error})") from error


def _optics(data: dict[str, Any]) -> Optics | None:
    """A frame's own values before those of all."""
    width, height, focal = (data.get(k) for k in ("w", "h", "fl_x"))
    if not width or not height:
        return None
    if not focal and data.get("camera_angle_x"):
        focal = 0.5 * width / math.tan(0.5 * data["camera_angle_x"])
    if not focal:
        return None
    other = data.get("fl_y") or focal
    return Optics(
        float(width),
        float(height),
        float(focal + other) / 2,
        float(data.get("cx", width / 2)),
        float(data.get("cy", height / 2)),
        float(data.get("k1", 0)),
        float(data.get("k2", 0)),
    )
