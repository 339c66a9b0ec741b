"""Panoramas' views and photos around a cloud of points, with their matches and a truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from setpiece.capture.colmap import Lens, rotation_of
from setpiece.capture.matching import Pair
from setpiece.capture.panorama.layout import CUBE
from setpiece.capture.scene import Rigs, Scene

SIDE, FOCAL = 400, 200.0
PHOTO = Lens(640, 480, 500.0, "phone")


@dataclass(frozen=True)
class Inliers:
    """What is asked of a verified pair."""

    inlier_matches: NDArray[np.uint32]


@dataclass(frozen=True)
class MadeRigs:
    """A capture whose truth is known."""

    scene: Scene  # true poses and points, every observation
    lenses: list[Lens]
    lens_of: list[int]
    station_of: list[int]
    keypoints: list[NDArray[np.float32]]
    geometries: dict[Pair, Inliers]


def made_rigs(panoramas: int = 5, photos: int = 0, points: int = 400, seed: int = 0) -> MadeRigs:
    """Panoramas on a walk through a room of points, and photos beside them that look ahead."""
    random = np.random.default_rng(seed)
    at = random.uniform((-4, -2, -4), (4, 2, 4), (points, 3))
    at = at[np.linalg.norm(at[:, [0, 2]], axis=1) > 1.5]
    lenses = [Lens(SIDE, SIDE, FOCAL, "360", _quaternion(d.cam_from_rig)) for d in CUBE.directions]
    lenses += [PHOTO] if photos else []
    poses, lens_of, station_of = [], [], []
    for station in range(panoramas + photos):
        turn = turn_by(random.normal(0, 0.08, 3) + (0, 0.5 * station, 0))
        centre = np.array([0.35 * station - 0.8, 0.05 * random.normal(), 0.3 * np.sin(station)])
        for n in range(len(CUBE.directions)) if station < panoramas else [len(lenses) - 1]:
            rotation = rotation_of(lenses[n]) @ turn
            poses.append(np.concatenate([rotation, -rotation @ centre[:, None]], axis=1))
            lens_of.append(n)
            station_of.append(station)
    optics = np.array([[lens.focal_px, lens.width / 2, lens.height / 2, 0, 0] for lens in lenses], float)
    rows, keypoints, ids = [], [], []
    for i, (pose, n) in enumerate(zip(poses, lens_of, strict=True)):
        x, y, z = (at @ pose[:, :3].T + pose[:, 3]).T
        u, v = FOCAL * x / z + SIDE / 2, FOCAL * y / z + SIDE / 2
        if lenses[n] is PHOTO:
            u, v = 500 * x / z + 320, 500 * y / z + 240
        seen = np.flatnonzero((z > 0.1) & (u > 0) & (v > 0) & (u < 2 * optics[n, 1]) & (v < 2 * optics[n, 2]))
        ids.append(seen)
        keypoints.append(np.stack([u, v, 0 * u + 1, 0 * u], axis=1)[seen].astype(np.float32))
        rows += [(p, i, k, u[p], v[p]) for k, p in enumerate(seen)]
    rows.sort()
    table = np.array(rows)
    geometries = {}
    for i in range(len(poses)):
        for j in range(i + 1, len(poses)):
            _, first, second = np.intersect1d(ids[i], ids[j], return_indices=True)
            if station_of[i] != station_of[j] and len(first) >= 8:
                geometries[(i, j)] = Inliers(np.stack([first, second], axis=1).astype(np.uint32))
    point, frame, feature = (np.ascontiguousarray(table[:, k].astype(np.int32)) for k in range(3))
    scene = Scene(
        frames=list(range(len(poses))),
        poses=np.array(poses),
        lens_of=np.array(lens_of, np.int32),
        lenses=optics,
        points=at,
        frame=frame,
        point=point,
        feature=feature,
        xy=np.ascontiguousarray(table[:, 3:]),
        rigs=Rigs.of(lenses, np.array(station_of, np.int32)),
    )
    return MadeRigs(scene, lenses, lens_of, station_of, keypoints, geometries)


def rigidity(scene: Scene) -> float:
    """How far the poses are from being those of rigid stations: the largest difference of any number."""
    assert scene.rigs is not None
    turns = scene.rigs.turns[scene.lens_of]
    whole = np.einsum("nji,njk->nik", turns, scene.poses)
    first = dict(zip(scene.rigs.station[::-1].tolist(), whole[::-1], strict=True))
    return float(max(np.abs(w - first[s]).max() for s, w in zip(scene.rigs.station, whole, strict=True)))


def turn_by(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    """The rotation [3, 3] about `vector` by its length in radians."""
    import pycolmap

    angle = float(np.linalg.norm(vector))
    axis = vector / max(angle, 1e-12)
    rotation: NDArray[np.float64] = pycolmap.Rotation3d(
        np.array([*(np.sin(angle / 2) * axis), np.cos(angle / 2)])
    ).matrix()
    return rotation


def _quaternion(rotation: NDArray[np.float64]) -> tuple[float, float, float, float]:
    import pycolmap

    x, y, z, w = (float(q) for q in pycolmap.Rotation3d(rotation).quat)
    return w, x, y, z
