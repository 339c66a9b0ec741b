"""Triangulation of matches, and the way from arrays to a COLMAP model and back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pycolmap
import pytest
from made_scene import made_reconstruction, noisy, with_points

from setpiece.capture.model import Model
from setpiece.capture.reconstruction import reconstruction_of, scene_of
from setpiece.capture.scene import Matches, Scene, triangulated

pytest.importorskip("setpiece.capture._native")


@pytest.fixture(scope="module")
def truth() -> Scene:
    return with_points(made_reconstruction())


def matches_of(scene: Scene) -> Matches:
    """Every feature seen once, in its own order per frame; each track's features matched one to the next."""
    order = np.lexsort((scene.point, scene.frame))
    number = np.empty(len(order), np.int64)
    number[order] = np.arange(len(order))
    linked = scene.point[1:] == scene.point[:-1]
    pairs = np.stack([number[:-1][linked], number[1:][linked]], axis=1)
    counts = np.bincount(scene.frame, minlength=len(scene.frames))
    return Matches(np.cumsum([0, *counts]).astype(np.int64), scene.xy[order], pairs.astype(np.int32))


def error_of_nearest(found: Scene, truth: Scene) -> np.ndarray:
    gaps = np.linalg.norm(found.points[:, None] - truth.points[None], axis=2)
    nearest: np.ndarray = gaps.min(axis=1)
    return nearest


def test_points_without_noise_are_found_exactly(truth: Scene) -> None:
    found = triangulated(truth, matches_of(truth), 4.0, 1)
    assert len(found.points) == len(truth.points)
    assert len(found.xy) == len(truth.xy)
    assert error_of_nearest(found, truth).max() < 1e-7
    assert found.measured()[0].max() < 1e-5


def test_features_that_do_not_fit_are_left_out(truth: Scene) -> None:
    scene = noisy(truth, 0.3, 0.1)
    found = triangulated(scene, matches_of(scene), 4.0, 1)
    errors, angles = found.measured()
    assert errors.max() <= 4.0
    assert angles.min() >= 1.5
    right = np.linalg.norm(scene.xy - truth.xy, axis=1) < 3
    assert len(found.xy) == pytest.approx(right.sum(), abs=5)
    # 0.3 px over a focal length of 1280 at a distance of some units
    assert np.median(error_of_nearest(found, truth)) < 0.002


def test_tracks_that_a_wrong_match_joined_come_apart(truth: Scene) -> None:
    matches = matches_of(truth)
    number = {(f, p): i for i, (f, p) in enumerate(sorted(zip(truth.frame, truth.point, strict=True)))}
    frames = [{f for f, p in number if p == q} for q in (0, 1)]
    first, second = min(frames[0]), max(frames[1])
    wrong = np.array([[number[(first, 0)], number[(second, 1)]]], np.int32)
    found = triangulated(truth, replace(matches, pairs=np.concatenate([matches.pairs, wrong])), 4.0, 1)
    assert len(found.points) == len(truth.points)
    assert len(found.xy) == len(truth.xy)
    assert error_of_nearest(found, truth).max() < 1e-7


def test_the_same_for_any_number_of_threads(truth: Scene) -> None:
    scene = noisy(truth, 0.5, 0.1)
    first, second = (triangulated(scene, matches_of(scene), 4.0, threads) for threads in (1, 3))
    assert np.array_equal(first.points, second.points)
    assert np.array_equal(first.feature, second.feature)


def test_as_many_points_as_pycolmap(truth: Scene, tmp_path: Path) -> None:
    pycolmap.set_random_seed(3)
    options = pycolmap.SyntheticDatasetOptions()
    options.num_rigs, options.num_frames_per_rig, options.num_points3D = 1, 8, 300
    options.match_config = pycolmap.SyntheticDatasetMatchConfig.CHAINED
    noise = pycolmap.SyntheticNoiseOptions()
    noise.point2D_stddev = 0.5
    database = tmp_path / "made.db"
    with pycolmap.Database.open(str(database)) as opened:
        made = pycolmap.synthesize_dataset(options, opened)
        pycolmap.synthesize_noise(noise, made, opened)
        keypoints = [np.asarray(opened.read_keypoints(i)) for i in sorted(made.reg_image_ids())]
        ids, geometries = opened.read_two_view_geometries()
    pairs = {}
    for pair_id, geometry in zip(ids, geometries, strict=True):
        i, j = pycolmap.pair_id_to_image_pair(pair_id)
        pairs[(i - 1, j - 1)] = geometry
    scene = scene_of(made)
    found = triangulated(scene, Matches.of(scene.frames, keypoints, pairs), 4.0, 1)
    theirs = pycolmap.triangulate_points(made, str(database), str(tmp_path), str(tmp_path), clear_points=True)
    assert len(found.xy) == pytest.approx(theirs.compute_num_observations(), rel=0.02)
    assert found.measured()[0].mean() == pytest.approx(theirs.compute_mean_reprojection_error(), rel=0.05)


@pytest.mark.parametrize("second_term", [False, True])
def test_a_colmap_model_of_the_arrays(second_term: bool, tmp_path: Path) -> None:
    base = made_reconstruction()
    scene = with_points(base).of_frames([0, 1, 3, 4, 7, 8, 9])
    keypoints = []
    for image_id in sorted(base.reg_image_ids()):
        at = [p.xy for p in base.image(image_id).points2D]
        keypoints.append(np.array(at, np.float32))
    if second_term:
        scene.lenses[:, 4] = -0.01
    model = reconstruction_of(base, scene, keypoints, second_term, tmp_path)
    again = with_points(model)
    assert again.frames == scene.frames
    assert np.allclose(again.poses, scene.poses, atol=1e-12)
    for name in ("lenses", "points", "point", "frame", "feature"):
        assert np.array_equal(getattr(again, name), getattr(scene, name)), name
    assert np.allclose(again.xy, scene.xy, atol=1e-3)  # keypoints have single precision
    ours, theirs = Model.of_scene(scene), Model.of(model)
    assert ours.frames == theirs.frames
    assert np.array_equal(ours.track_length, theirs.track_length)
    assert all(np.array_equal(a, b) for a, b in zip(ours.seen, theirs.seen, strict=True))
    assert np.allclose(ours.error_px, theirs.error_px, atol=1e-5)
    model.update_point_3d_errors()
    assert np.allclose(Model.of(model).error_px, ours.error_px, atol=1e-3)


def test_wrong_matches_do_not_join_everything(truth: Scene) -> None:
    random = np.random.default_rng(5)
    matches = matches_of(truth)
    wrong = random.integers(0, len(matches.xy), (len(matches.pairs) // 5, 2)).astype(np.int32)
    found = triangulated(truth, replace(matches, pairs=np.concatenate([matches.pairs, wrong])), 4.0, 1)
    assert len(found.points) == pytest.approx(len(truth.points), rel=0.05)
    assert len(found.xy) > 0.9 * len(truth.xy)
    assert error_of_nearest(found, truth).max() < 1e-6
