"""The truth beside the pictures: cameras, depth and mesh, for tests and measurements.

truth/scene.json      units, axes, what the other files hold
truth/cameras.json    photos and panoramas by file name
truth/depth/*.png     16-bit depth along z of every photo, as it is meant to be seen
truth/figure/*.png    where a photo shows the walking figure, where there is one: 0, and 255 elsewhere
truth/mesh.ply        the set's surfaces with vertex colours, Z up, metres
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from setpiece.cameras import Camera
from setpiece.capture.demo.geometry.patch import Float32, Patch
from setpiece.capture.demo.lens import Lens

DEPTH_UNIT_M = 0.0002  # of the 16-bit depth maps, which so reach 13.1 m
DISTORTION_MODEL = "SIMPLE_RADIAL"


@dataclass(frozen=True)
class TruePhoto:
    """The camera behind one photo."""

    camera: Camera  # the pinhole; the photo itself is distorted
    k1: float  # of SIMPLE_RADIAL
    ev: float  # exposure, stops


@dataclass(frozen=True)
class DemoTruth:
    """All that `read_truth` finds, except the large files."""

    photos: dict[str, TruePhoto]  # by file name
    panoramas: dict[str, NDArray[np.float64]]  # cam_from_world [4, 4] by file name

    @property
    def path_extent_m(self) -> float:
        """Diagonal of the box around the photos' camera centres, metres."""
        centres = np.array([p.camera.centre_in_world for p in self.photos.values()])
        return float(np.linalg.norm(centres.max(axis=0) - centres.min(axis=0)))


def write_truth(folder: Path, truth: DemoTruth) -> None:
    """Write `cameras.json` and `scene.json` into the folder `truth/`."""
    cameras: dict[str, Any] = {
        "photos": {
            name: {
                "camera": photo.camera.to_json(),
                "distortion": {"model": DISTORTION_MODEL, "k1": photo.k1},
                "exposure_ev": photo.ev,
            }
            for name, photo in truth.photos.items()
        },
        "panoramas": {name: {"cam_from_world": pose.tolist()} for name, pose in truth.panoramas.items()},
    }
    scene = {
        "unit": "m",
        "up": "z",
        "floor_z": 0.0,
        "camera_axes": "x right, y down, z forward (OpenCV); pixel centres at half-integers",
        "photos_are": "as seen with their EXIF orientation applied, distortion included",
        "depth": {"folder": "depth", "unit_m": DEPTH_UNIT_M, "nothing": 0, "measured": "along z"},
        "mesh": "mesh.ply",
    }
    (folder / "cameras.json").write_text(json.dumps(cameras, indent=1), encoding="utf-8")
    (folder / "scene.json").write_text(json.dumps(scene, indent=1), encoding="utf-8")


def read_truth(folder: Path) -> DemoTruth:
    """The cameras in the folder `truth/` of a sample capture."""
    data = json.loads((folder / "cameras.json").read_text(encoding="utf-8"))
    photos = {
        name: TruePhoto(Camera.from_json(p["camera"]), float(p["distortion"]["k1"]), float(p["exposure_ev"]))
        for name, p in data["photos"].items()
    }
    panoramas = {n: np.array(p["cam_from_world"], np.float64) for n, p in data["panoramas"].items()}
    return DemoTruth(photos=photos, panoramas=panoramas)


def write_depth(path: Path, depth_m: Float32) -> None:
    """Write depth along z [H, W] as a 16-bit PNG; what is too far or absent becomes 0."""
    units = np.round(depth_m / np.float32(DEPTH_UNIT_M))
    units[(units > 65535) | (units < 0)] = 0
    _, data = cv2.imencode(".png", units.astype(np.uint16), [cv2.IMWRITE_PNG_COMPRESSION, 1])
    path.write_bytes(data.tobytes())


def write_figure(path: Path, shown: NDArray[np.bool_]) -> None:
    """Write where a photo shows the figure, [H, W], as a mask: 0 there, 255 elsewhere."""
    path.parent.mkdir(exist_ok=True)
    _, data = cv2.imencode(".png", np.where(shown, 0, 255).astype(np.uint8))
    path.write_bytes(data.tobytes())


def read_depth(path: Path) -> Float32:
    """Depth along z in metres [H, W], 0 where there is none."""
    units: Any = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)
    depth: Float32 = units.astype(np.float32) * np.float32(DEPTH_UNIT_M)
    return depth


def project_distorted(photo: TruePhoto, points_in_world: NDArray[np.float64]) -> NDArray[np.float64]:
    """Positions in the photo and depths of world points: [N, 3] of x_px, y_px, depth."""
    camera = photo.camera
    seen = camera.project(points_in_world)
    middle = np.array([camera.centre_x_px, camera.centre_y_px])
    drawn = Lens(k1=photo.k1).distorted((seen[:, :2] - middle) / camera.focal_x_px)
    return np.concatenate([drawn * camera.focal_x_px + middle, seen[:, 2:]], axis=1)


def write_mesh(path: Path, patches: list[Patch], colours: Mapping[int, NDArray[np.uint8]]) -> None:
    """Write the patches as a binary PLY; `colours[i]` is [R, C, 3] sRGB at patch i's grid points."""
    vertices, faces, start = [], [], 0
    for i, patch in enumerate(patches):
        points = patch.points.reshape(-1, 3)
        rows = np.empty(len(points), dtype=[("p", "<f4", 3), ("c", "u1", 3)])
        rows["p"], rows["c"] = points, colours[i].reshape(-1, 3)
        triangles = patch.triangles()
        face = np.empty(len(triangles), dtype=[("n", "u1"), ("i", "<i4", 3)])
        face["n"], face["i"] = 3, triangles + start
        vertices.append(rows)
        faces.append(face)
        start += len(points)
    count = sum(len(f) for f in faces)
    header = (
        "ply\nformat binary_little_endian 1.0\ncomment Z up, metres\n"
        f"element vertex {start}\nproperty float x\nproperty float y\nproperty float z\n"
        "property uchar red\nproperty uchar green\nproperty uchar blue\n"
        f"element face {count}\nproperty list uchar int vertex_indices\nend_header\n"
    )
    with path.open("wb") as file:
        file.write(header.encode("ascii"))
        file.write(np.concatenate(vertices).tobytes())
        file.write(np.concatenate(faces).tobytes())
