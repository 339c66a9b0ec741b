"""Between arrays and pycolmap.Reconstruction, in bulk: calls per point take longer than the mathematics."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pycolmap
from numpy.typing import NDArray

from setpiece.capture.colmap import Lens, colmap_camera, colmap_rig, rig_groups
from setpiece.capture.scene import Rigs, Scene


def scene_of(
    reconstruction: Any, lenses: Sequence[Lens] = (), station_of: Sequence[int] | None = None
) -> Scene:
    """The registered frames of a pycolmap.Reconstruction, with at most two radial terms; without points.

    `lenses` and `station_of` are those of all frames of the capture; without them every frame stands alone.
    """
    ids = sorted(reconstruction.reg_image_ids())
    images = [reconstruction.image(i) for i in ids]
    cameras = sorted({image.camera_id for image in images})
    optics = np.zeros((len(cameras), 5))
    for row, camera_id in zip(optics, cameras, strict=True):
        parameters = reconstruction.camera(camera_id).params
        row[: len(parameters)] = parameters
    none = np.zeros(0, np.int32)
    rigs = None
    if station_of is not None:
        rigs = Rigs.of([lenses[i - 1] for i in cameras], np.array([station_of[i - 1] for i in ids], np.int32))
    return Scene(
        frames=[i - 1 for i in ids],
        poses=np.array([image.cam_from_world().matrix() for image in images]).reshape(-1, 3, 4),
        lens_of=np.array([cameras.index(image.camera_id) for image in images], np.int32),
        lenses=optics,
        points=np.zeros((0, 3)),
        frame=none,
        point=none,
        feature=none,
        xy=np.zeros((0, 2)),
        rigs=rigs,
    )


def bare_reconstruction(
    scene: Scene, lenses: Sequence[Lens], lens_of: Sequence[int], names: Sequence[str]
) -> Any:
    """A pycolmap.Reconstruction of the frames of a scene, without features and points.

    `lenses`, `lens_of` and `names` are those of all frames of the capture.
    """
    bare = pycolmap.Reconstruction()
    used = sorted({lens_of[n] for n in scene.frames})
    rig_of: dict[int, int] = {}
    for number in used:
        camera = colmap_camera(lenses[number], "SIMPLE_RADIAL")
        camera.camera_id = number + 1
        bare.add_camera(camera)
    for found in rig_groups(lenses):
        if group := [n for n in found if n in used]:
            rig = colmap_rig(group, lenses)
            rig.rig_id = len(set(rig_of.values())) + 1
            bare.add_rig(rig)
            rig_of |= dict.fromkeys(group, rig.rig_id)
    stations = scene.rigs.station.tolist() if scene.rigs else scene.frames
    together: dict[int, list[int]] = {}
    for position, station in enumerate(stations):
        together.setdefault(station, []).append(position)
    for positions in together.values():
        frame = pycolmap.Frame()
        frame.frame_id = scene.frames[positions[0]] + 1
        frame.rig_id = rig_of[lens_of[scene.frames[positions[0]]]]
        images = []
        for position in positions:
            number = scene.frames[position]
            image = pycolmap.Image(name=names[number], camera_id=lens_of[number] + 1, image_id=number + 1)
            image.frame_id = frame.frame_id
            frame.add_data_id(image.data_id)
            images.append(image)
        bare.add_frame(frame)
        for image in images:
            bare.add_image(image)
        first = positions[0]
        bare.frame(frame.frame_id).set_cam_from_world(
            images[0].camera_id, pycolmap.Rigid3d(scene.poses[first])
        )
        bare.register_frame(frame.frame_id)
    return bare


def reconstruction_of(
    base: Any, scene: Scene, keypoints: Sequence[NDArray[np.float32]], second_term: bool, work: Path
) -> Any:
    """A pycolmap.Reconstruction of the scene; `base`, of the same or more frames, is used up.

    `keypoints` are those of all frames of the capture. `work` is a folder to write into.
    """
    kept = set(scene.frames)
    for image_id in list(base.reg_image_ids()):
        if image_id - 1 not in kept:
            base.deregister_frame(base.image(image_id).frame_id)
    cameras = sorted({base.image(n + 1).camera_id for n in scene.frames})
    fixed = scene.rigs.fixed if scene.rigs else np.zeros(len(cameras), bool)
    for camera_id, lens, known in zip(cameras, scene.lenses, fixed, strict=True):
        camera = base.camera(camera_id)
        if known:
            continue
        camera.model = pycolmap.CameraModelId.RADIAL if second_term else pycolmap.CameraModelId.SIMPLE_RADIAL
        camera.params = lens if second_term else lens[:4]
    for number, pose in zip(scene.frames, scene.poses, strict=True):
        frame = base.frame(base.image(number + 1).frame_id)
        frame.set_cam_from_world(base.image(number + 1).camera_id, pycolmap.Rigid3d(pose))
    for point_id in list(base.point3D_ids()):
        base.delete_point3D(point_id)
    folder = work / "refined"
    folder.mkdir(exist_ok=True)
    base.write(str(folder))  # cameras, rigs and frames; the rest is replaced
    (folder / "images.bin").write_bytes(_images(base, scene, keypoints))
    (folder / "points3D.bin").write_bytes(_points(scene))
    return pycolmap.Reconstruction(str(folder))


def _images(base: Any, scene: Scene, keypoints: Sequence[NDArray[np.float32]]) -> bytes:
    """COLMAP's images.bin: poses and names, and of each feature its place and its point (-1: none)."""
    parts = [struct.pack("<Q", len(scene.frames))]
    feature = np.dtype([("xy", "<f8", 2), ("point", "<i8")])
    for position, number in enumerate(scene.frames):
        image = base.image(number + 1)
        pose = image.cam_from_world()
        x, y, z, w = pose.rotation.quat
        parts.append(struct.pack("<I7dI", number + 1, w, x, y, z, *pose.translation, image.camera_id))
        parts.append(image.name.encode() + b"\0")
        rows = np.zeros(len(keypoints[number]), feature)
        rows["xy"] = keypoints[number][:, :2]
        rows["point"] = -1
        mine = scene.frame == position
        rows["point"][scene.feature[mine]] = scene.point[mine] + 1
        parts.append(struct.pack("<Q", len(rows)) + rows.tobytes())
    return b"".join(parts)


def _points(scene: Scene) -> bytes:
    """COLMAP's points3D.bin: places, mean errors and tracks; black, as nobody looked at the photos yet."""
    head = np.dtype([("id", "<u8"), ("xyz", "<f8", 3), ("rgb", "u1", 3), ("error", "<f8"), ("length", "<u8")])
    count = len(scene.points)
    heads = np.zeros(count, head)
    heads["id"] = np.arange(1, count + 1)
    heads["xyz"] = scene.points
    lengths = np.bincount(scene.point, minlength=count)
    heads["error"] = np.bincount(scene.point, scene.measured()[0], minlength=count) / np.maximum(lengths, 1)
    heads["length"] = lengths
    tracks = np.zeros(len(scene.point), [("image", "<u4"), ("feature", "<u4")])
    tracks["image"] = np.array(scene.frames, np.uint32)[scene.frame] + 1
    tracks["feature"] = scene.feature
    before = np.cumsum(lengths) - lengths  # observations of the points before
    at = np.arange(count) * head.itemsize + before * tracks.itemsize
    out = np.zeros(count * head.itemsize + tracks.nbytes, np.uint8)
    out[at[:, None] + np.arange(head.itemsize)] = heads.view(np.uint8).reshape(count, -1)
    seen_at = np.arange(len(tracks)) * tracks.itemsize + (scene.point.astype(np.int64) + 1) * head.itemsize
    out[seen_at[:, None] + np.arange(tracks.itemsize)] = tracks.view(np.uint8).reshape(-1, tracks.itemsize)
    return struct.pack("<Q", count) + out.tobytes()
