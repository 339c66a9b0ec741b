"""Poses of other programs: COLMAP models, RealityCapture's CSV, Metashape's XML."""

from __future__ import annotations

import csv
import math
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np

from setpiece.capture.apps.poses import (
    OPENCV_FROM_OPENGL,
    AppPoses,
    Collector,
    Matrix,
    Optics,
    UnusablePosesError,
)

_PINHOLES = {"SIMPLE_PINHOLE", "PINHOLE", "SIMPLE_RADIAL", "RADIAL", "OPENCV", "FULL_OPENCV"}


def read_colmap(file: Path) -> AppPoses:
    """The poses of the model that `images.bin` or `images.txt` belongs to. Raises UnusablePosesError."""
    import pycolmap

    from setpiece.capture.mapping import quiet

    try:
        with quiet():
            model = pycolmap.Reconstruction(str(file.parent))
    except (RuntimeError, ValueError, OSError, IndexError) as error:
        raise UnusablePosesError("it is no whole COLMAP model") from error
    found = Collector()
    for number in sorted(model.reg_image_ids()):
        image = model.image(number)
        camera = model.camera(image.camera_id)
        if camera.model_name not in _PINHOLES:
            raise UnusablePosesError(
                f"its camera model {camera.model_name} is no pinhole with little distortion"
            )
        extra = [float(camera.params[i]) for i in camera.extra_params_idxs()][:2]
        k1, k2 = [*extra, 0.0, 0.0][:2]
        optics = Optics(
            camera.width,
            camera.height,
            float(camera.mean_focal_length()),
            float(camera.principal_point_x),
            float(camera.principal_point_y),
            k1,
            k2,
        )
        found.add(image.name, np.asarray(image.cam_from_world().inverse().matrix()), optics)
    return found.result("a COLMAP model", metric=False, z_up=False)


def read_reality_capture(file: Path) -> AppPoses:
    """The poses in "Internal/External camera parameters" (CSV): x, y, alt; heading, pitch, roll in degrees.

    Camera to world is Rz(-heading) Rx(pitch) Ry(roll) in OpenGL camera axes. Raises UnusablePosesError.
    """
    found = Collector()
    try:
        lines = [t for t in file.read_text(encoding="utf-8-sig").splitlines() if not t.startswith("#cameras")]
        for row in csv.DictReader(lines):
            heading, pitch, roll = (math.radians(float(row[k])) for k in ("heading", "pitch", "roll"))
            turn = _about(2, -heading) @ _about(0, pitch) @ _about(1, roll) @ OPENCV_FROM_OPENGL
            place = np.array([float(row[k]) for k in ("x", "y", "alt")])
            found.add(row["#name"], np.c_[turn, place], None)
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise UnusablePosesError(f"it is damaged ({type(error).__name__}: {error})") from error
    return found.result("RealityCapture", metric=False, z_up=True)


def read_metashape(file: Path) -> AppPoses:
    """The poses in Metashape's cameras (XML): camera to chunk, OpenCV camera axes.

    Lengths are metres where the chunk has a scale and a rotation of its own. Raises UnusablePosesError.
    """
    found = Collector()
    try:
        chunk = ElementTree.parse(file).getroot().find("chunk")
        if chunk is None:
            raise UnusablePosesError("it holds no chunk")
        sensors = {}
        for sensor in chunk.iter("sensor"):
            if sensor.get("type", "frame") != "frame":
                raise UnusablePosesError(
                    f"its sensor {sensor.get('label')} is a {sensor.get('type')}, no frame camera"
                )
            sensors[sensor.get("id")] = _metashape_optics(sensor)
        scale_text, turn_text = chunk.findtext("transform/scale"), chunk.findtext("transform/rotation")
        scale = float(scale_text) if scale_text else 1.0
        turn = np.array(turn_text.split(), np.float64).reshape(3, 3) if turn_text else np.eye(3)
        for camera in chunk.iter("camera"):
            text = camera.findtext("transform")
            if text is None:
                continue  # not aligned
            pose: Matrix = np.array(text.split(), np.float64).reshape(4, 4)[:3]
            moved = np.c_[turn @ pose[:, :3], scale * turn @ pose[:, 3]]
            found.add(str(camera.get("label")), moved, sensors.get(camera.get("sensor_id")))
        known = scale_text is not None and turn_text is not None
        return found.result("Metashape", metric=known, z_up=False)
    except (OSError, ValueError, KeyError, TypeError, ElementTree.ParseError) as error:
        raise UnusablePosesError(f"it is damaged ({type(error).__name__}: {error})") from error


def _metashape_optics(sensor: ElementTree.Element) -> Optics | None:
    calibration, size = sensor.find("calibration"), sensor.find("resolution")
    if calibration is None or size is None or calibration.findtext("f") is None:
        return None
    width, height = float(size.get("width", 0)), float(size.get("height", 0))

    def value(name: str) -> float:
        return float(calibration.findtext(name) or 0)

    return Optics(
        width, height, value("f"), width / 2 + value("cx"), height / 2 + value("cy"), value("k1"), value("k2")
    )


def _about(axis: int, angle: float) -> Matrix:
    """A right-handed rotation about an axis."""
    c, s = math.cos(angle), math.sin(angle)
    turn, (a, b) = np.eye(3), ((axis + 1) % 3, (axis + 2) % 3)
    turn[a, a], turn[a, b], turn[b, a], turn[b, b] = c, -s, s, c
    return turn
