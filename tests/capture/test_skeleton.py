"""Incremental mapping: minimal solvers against made poses, whole captures against their truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pycolmap
import pytest
from numpy.typing import NDArray

from setpiece.capture.align import pose_errors
from setpiece.capture.colmap import Lens
from setpiece.capture.scene import Scene
from setpiece.capture.skeleton import FewMatches, map_skeleton

native = pytest.importorskip("setpiece.capture._native")

Vectors = NDArray[np.float64]
FOCAL = 800.0
LENS = Lens(1000, 800, None, "")


def made_pose(random: np.random.Generator, turn: float = 1.0) -> Vectors:
    pose = np.eye(4)
    pose[:3, :3] = pycolmap.Rotation3d(turn * random.normal(size=3)).matrix()
    pose[:3, 3] = random.normal(size=3)
    return pose


def test_three_points_tell_the_pose() -> None:
    random = np.random.default_rng(0)
    found = 0
    for _ in range(200):
        pose = made_pose(random)
        seen = np.concatenate([random.uniform(-1, 1, (3, 2)), random.uniform(2, 6, (3, 1))], axis=1)
        at = (seen - pose[:3, 3]) @ pose[:3, :3]
        rays = seen / np.linalg.norm(seen, axis=1, keepdims=True)
        poses = [np.array(p).reshape(3, 4) for p in native.three_points(at, rays)]
        for p in poses:  # each puts the points on their rays
            back = at @ p[:, :3].T + p[:, 3]
            gaps = np.linalg.norm(back / np.linalg.norm(back, axis=1, keepdims=True) - rays, axis=1)
            assert gaps.max() < 1e-5
        found += any(np.allclose(p, pose[:3], atol=1e-4) for p in poses)
    assert found >= 198  # nearly degenerate triples lose digits


@pytest.mark.parametrize("turn", [0.1, 0.4])
def test_the_pose_between_two_cameras(turn: float) -> None:
    random = np.random.default_rng(1)
    for _ in range(30):
        pose = made_pose(random, turn)
        pose[:3, 3] /= np.linalg.norm(pose[:3, 3])
        points = np.concatenate([random.uniform(-2, 2, (150, 2)), random.uniform(3, 8, (150, 1))], axis=1)
        moved = points @ pose[:3, :3].T + pose[:3, 3]
        points, moved = points[moved[:, 2] > 0.5], moved[moved[:, 2] > 0.5]
        matches = np.concatenate([points[:, :2] / points[:, 2:], moved[:, :2] / moved[:, 2:]], axis=1)
        matches += 0.3 / FOCAL * random.normal(size=matches.shape)
        matches[: len(matches) // 10, :2] = random.uniform(-0.5, 0.5, (len(matches) // 10, 2))  # wrong ones
        front, found = native.pose_between(np.ascontiguousarray(matches), 2 / FOCAL)
        estimate = np.array(found).reshape(3, 4)
        assert front > 0.8 * len(matches)
        assert np.abs(estimate[:, :3] - pose[:3, :3]).max() < 0.02
        assert estimate[:, 3] @ pose[:3, 3] > np.cos(np.radians(3))


@dataclass
class Walk:
    """A made capture: cameras that look at a wall with depth while they walk along it."""

    poses: Vectors  # [N, 4, 4]
    keypoints: list[NDArray[np.float32]]
    geometries: dict[tuple[int, int], pycolmap.TwoViewGeometry]


def walk(count: int, seed: int, outliers: float = 0.03, first: int = 0) -> Walk:
    random = np.random.default_rng(seed)
    points = np.stack(
        [
            random.uniform(-3, 3 + 0.4 * count, 400 + 60 * count),
            *random.uniform(-2, 2, (2, 400 + 60 * count)),
        ],
        1,
    )
    points[:, 2] = 4 + np.abs(points[:, 2])
    poses, keypoints, seen = [], [], []
    for i in range(count):
        pose = np.eye(4)
        turn = 0.05 * random.normal(size=3) + (0, 0.25 * np.sin(0.9 * i), 0)
        pose[:3, :3] = pycolmap.Rotation3d(turn).matrix()
        centre = np.array([0.4 * i, 0.1 * random.normal(), 0.3 * np.sin(i)])
        pose[:3, 3] = -pose[:3, :3] @ centre
        at = points @ pose[:3, :3].T + pose[:3, 3]
        flat = at[:, :2] / at[:, 2:]
        xy = FOCAL * flat * (1 + 0.03 * (flat**2).sum(axis=1, keepdims=True)) + (500, 400)
        inside = (at[:, 2] > 0.5) & (np.abs(xy - (500, 400)) < (500, 400)).all(axis=1)
        shown = np.flatnonzero(inside)
        poses.append(pose)
        seen.append(shown)
        noisy = xy[shown] + 0.5 * random.normal(size=(len(shown), 2))
        keypoints.append(np.concatenate([noisy, np.ones((len(shown), 2))], axis=1).astype(np.float32))
    geometries = {}
    for i in range(count):
        for j in range(i + 1, min(count, i + 6)):
            both, a, b = np.intersect1d(seen[i], seen[j], return_indices=True)
            wrong = random.random(len(both)) < outliers
            b[wrong] = random.permutation(b[wrong])
            if len(both) >= 30:
                geometry = pycolmap.TwoViewGeometry()
                geometry.inlier_matches = np.stack([a, b], axis=1).astype(np.uint32)
                geometries[(first + i, first + j)] = geometry
    return Walk(np.array(poses), keypoints, geometries)


def check(scene: Scene, poses: Vectors) -> None:
    found = np.tile(np.eye(4), (len(scene.frames), 1, 1))
    found[:, :3] = scene.poses
    errors = pose_errors(found, poses)
    assert errors.centre_rms < 0.005 * errors.extent  # half a pixel, and a focal length that is estimated
    assert np.median(errors.rotation_deg) < 0.5


@pytest.mark.parametrize("focal", [None, FOCAL, 1.1 * FOCAL])
def test_a_walk_is_placed_as_a_whole(focal: float | None) -> None:
    made = walk(16, 0)
    lens = Lens(LENS.width, LENS.height, focal, "")
    (scene,) = map_skeleton(made.keypoints, made.geometries, [lens], [0] * 16, 120, 0, 1)
    assert scene.frames == list(range(16))
    assert scene.lenses[0, 0] == pytest.approx(FOCAL, rel=0.02)
    check(scene, made.poses)


def test_the_same_for_any_number_of_threads() -> None:
    made = walk(12, 1)
    first, second = (
        map_skeleton(made.keypoints, made.geometries, [LENS], [0] * 12, 120, 0, threads) for threads in (1, 3)
    )
    assert np.array_equal(first[0].poses, second[0].poses)
    assert np.array_equal(first[0].lenses, second[0].lenses)


def test_two_places_become_two_models() -> None:
    large, small = walk(10, 2), walk(6, 3, first=10)
    keypoints = large.keypoints + small.keypoints
    other = Lens(LENS.width, LENS.height, None, "other")
    models = map_skeleton(
        keypoints, large.geometries | small.geometries, [LENS, other], [0] * 10 + [1] * 6, 120, 0, 1
    )
    assert [m.frames for m in models] == [list(range(10)), list(range(10, 16))]
    assert [len(m.lenses) for m in models] == [1, 1]
    check(models[0], large.poses)
    check(models[1], small.poses)


def test_nothing_to_start_from() -> None:
    assert map_skeleton([np.zeros((0, 4), np.float32)] * 3, {}, [LENS], [0] * 3, 120, 0, 1) == []
    made = walk(2, 4)
    assert map_skeleton(made.keypoints, made.geometries, [LENS], [0, 0], 120, 0, 1) == []


def test_the_matches_kept_are_those_of_the_longest_tracks() -> None:
    pairs = {}
    for pair, rows in {(0, 1): [(0, 0), (1, 1), (2, 2)], (1, 2): [(1, 5), (2, 6)], (0, 2): [(2, 6)]}.items():
        pairs[pair] = pycolmap.TwoViewGeometry()
        pairs[pair].inlier_matches = np.array(rows, np.uint32)
    few = FewMatches.of(np.array([0, 10, 20, 30]), pairs, 1)
    assert few.matches.tolist() == [[2, 12], [12, 26], [2, 26]]
    assert few.verified.tolist() == [3, 2, 1]
    assert few.starts.tolist() == [0, 1, 2, 3]


def test_matches_of_nothing_real_give_no_model() -> None:
    # features that agree with no scene: a model that fits few of its features is not believed
    random = np.random.default_rng(6)
    keypoints = [random.uniform(0, 800, (200, 4)).astype(np.float32) for _ in range(6)]
    geometries = {}
    for i in range(6):
        for j in range(i + 1, 6):
            geometries[(i, j)] = pycolmap.TwoViewGeometry()
            rows = np.stack([random.permutation(200)[:80], random.permutation(200)[:80]], axis=1)
            geometries[(i, j)].inlier_matches = rows.astype(np.uint32)
    assert map_skeleton(keypoints, geometries, [LENS], [0] * 6, 120, 0, 1) == []
