"""A COLMAP model as arrays: poses, points, and which frame saw which point where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from setpiece.capture.scene import Scene


@dataclass(frozen=True)
class Model:
    """What the later steps need of a pycolmap.Reconstruction. Frame numbers are image ids - 1."""

    frames: list[int]  # numbers of the registered frames, ascending
    cam_from_world: NDArray[np.float64]  # [N, 4, 4] in the order of `frames`
    points: NDArray[np.float64]  # [P, 3]
    error_px: NDArray[np.float32]  # [P] mean reprojection error
    track_length: NDArray[np.int32]  # [P]
    seen: list[NDArray[np.int64]]  # per frame of `frames`: rows of the points it sees, [S]

    @classmethod
    def of(cls, reconstruction: Any) -> Model:
        """The arrays of a pycolmap.Reconstruction."""
        ids = sorted(reconstruction.reg_image_ids())
        point_ids = sorted(reconstruction.point3D_ids())
        row = {p: i for i, p in enumerate(point_ids)}
        points = [reconstruction.point3D(p) for p in point_ids]
        poses = np.tile(np.eye(4), (len(ids), 1, 1))
        seen: list[list[int]] = [[] for _ in ids]
        position = {image_id: i for i, image_id in enumerate(ids)}
        for i, image_id in enumerate(ids):
            poses[i, :3] = reconstruction.image(image_id).cam_from_world().matrix()
        for point_id, point in zip(point_ids, points, strict=True):
            for element in point.track.elements:
                seen[position[element.image_id]].append(row[point_id])
        return cls(
            frames=[i - 1 for i in ids],
            cam_from_world=poses,
            points=np.array([p.xyz for p in points]).reshape(-1, 3),
            error_px=np.array([p.error for p in points], np.float32),
            track_length=np.array([p.track.length() for p in points], np.int32),
            seen=[np.unique(np.array(s, np.int64)) for s in seen],
        )

    @classmethod
    def of_scene(cls, scene: Scene) -> Model:
        """The arrays of a scene, its points in their order."""
        poses = np.tile(np.eye(4), (len(scene.frames), 1, 1))
        poses[:, :3] = scene.poses
        length = np.bincount(scene.point, minlength=len(scene.points))
        errors, _ = scene.measured()
        error = np.bincount(scene.point, errors, minlength=len(scene.points)) / np.maximum(length, 1)
        order = np.argsort(scene.frame, kind="stable")
        ends = np.cumsum(np.bincount(scene.frame, minlength=len(scene.frames)))
        return cls(
            frames=list(scene.frames),
            cam_from_world=poses,
            points=scene.points,
            error_px=error.astype(np.float32),
            track_length=length.astype(np.int32),
            seen=np.split(scene.point[order].astype(np.int64), ends[:-1]),
        )

    @property
    def centres(self) -> NDArray[np.float64]:
        """The camera centres, [N, 3]."""
        rotation, translation = self.cam_from_world[:, :3, :3], self.cam_from_world[:, :3, 3]
        centres: NDArray[np.float64] = -np.einsum("nji,nj->ni", rotation, translation)
        return centres

    @property
    def world_from_cam_rotations(self) -> NDArray[np.float64]:
        """[N, 3, 3]; columns are the camera axes in the world."""
        rotations: NDArray[np.float64] = self.cam_from_world[:, :3, :3].transpose(0, 2, 1)
        return rotations

    def depths(self, position: int) -> NDArray[np.float64]:
        """Depths of the points that the frame at `position` sees, [S]."""
        pose = self.cam_from_world[position]
        depths: NDArray[np.float64] = self.points[self.seen[position]] @ pose[2, :3] + pose[2, 3]
        return depths

    @property
    def median_depth(self) -> float:
        """Over all frames and the points that they see."""
        return float(np.median(np.concatenate([self.depths(i) for i in range(len(self.frames))])))

    def parallax_deg(self) -> float:
        """The median over the points of the widest angle between two rays that see them."""
        low = np.full((len(self.points), 3), np.inf)
        high = np.full((len(self.points), 3), -np.inf)
        for centre, rows in zip(self.centres, self.seen, strict=True):
            ray = self.points[rows] - centre
            ray = ray / np.linalg.norm(ray, axis=1, keepdims=True)
            low[rows] = np.minimum(low[rows], ray)
            high[rows] = np.maximum(high[rows], ray)
        chord = np.linalg.norm(high - low, axis=1)  # of a box around the rays: at most sqrt(3) too wide
        return float(np.degrees(np.median(2 * np.arcsin(np.clip(chord / 2, 0, 1)))))
