"""Cameras around a cloud of points, by pycolmap, as a scene with a truth."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pycolmap

from setpiece.capture.reconstruction import scene_of
from setpiece.capture.scene import Scene


def made_reconstruction(lenses: int = 2, frames_each: int = 6, points: int = 150) -> Any:
    """A pycolmap.Reconstruction without noise."""
    pycolmap.set_random_seed(3)
    options = pycolmap.SyntheticDatasetOptions()
    options.num_rigs, options.num_frames_per_rig, options.num_points3D = lenses, frames_each, points
    options.camera_params = [1280.0, 512.0, 384.0, 0.05]
    return pycolmap.synthesize_dataset(options)


def with_points(reconstruction: Any) -> Scene:
    """The scene with the points and observations of the reconstruction."""
    scene = scene_of(reconstruction)
    position = {number + 1: i for i, number in enumerate(scene.frames)}
    points, rows = [], []
    for row, point_id in enumerate(sorted(reconstruction.point3D_ids())):
        point = reconstruction.point3D(point_id)
        points.append(point.xyz)
        for element in point.track.elements:
            xy = reconstruction.image(element.image_id).points2D[element.point2D_idx].xy
            rows.append((row, position[element.image_id], element.point2D_idx, *xy))
    rows.sort()
    table = np.array(rows)
    point, frame, feature = table[:, :3].astype(np.int32).T
    return replace(
        scene,
        points=np.array(points),
        point=np.ascontiguousarray(point),
        frame=np.ascontiguousarray(frame),
        feature=np.ascontiguousarray(feature),
        xy=np.ascontiguousarray(table[:, 3:]),
    )


def shaken(scene: Scene, size: float, seed: int = 0) -> Scene:
    """The scene with other poses, points and lenses near by, and the same observations."""
    random = np.random.default_rng(seed)
    poses = scene.poses.copy()
    for pose in poses:
        turn = pycolmap.Rotation3d(size * random.normal(size=3)).matrix()
        pose[:, :3] = turn @ pose[:, :3]
        pose[:, 3] += size * random.normal(size=3)
    lenses = scene.lenses.copy()
    lenses[:, 0] *= 1 + size * random.normal(size=len(lenses))
    return replace(
        scene, poses=poses, lenses=lenses, points=scene.points + size * random.normal(size=scene.points.shape)
    )


def noisy(scene: Scene, noise_px: float, outliers: float, seed: int = 1) -> Scene:
    """The scene with noise on its observations, and a share of them 20 to 60 px off."""
    random = np.random.default_rng(seed)
    xy = scene.xy + noise_px * random.normal(size=scene.xy.shape)
    wrong = random.random(len(xy)) < outliers
    way = random.uniform(0, 2 * np.pi, wrong.sum())
    far = random.uniform(20, 60, wrong.sum())
    xy[wrong] += (far * (np.cos(way), np.sin(way))).T
    return replace(scene, xy=xy)
