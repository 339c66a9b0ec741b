"""Views of a panorama are placed and adjusted as one rig, by the native code and by COLMAP alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pycolmap
import pytest
from made_rigs import MadeRigs, made_rigs, rigidity, turn_by
from numpy.typing import NDArray

from setpiece.capture.align import pose_errors
from setpiece.capture.colmap import View, write_database
from setpiece.capture.frames import CapturedFrame, RigView
from setpiece.capture.mapping import MapperSettings, Method, map_cameras
from setpiece.capture.model import Model
from setpiece.capture.pairs import pairs_from_counts
from setpiece.capture.panning import turning_share
from setpiece.capture.reconstruction import bare_reconstruction, reconstruction_of, scene_of
from setpiece.capture.scene import Free, Matches, Scene, triangulated
from setpiece.capture.skeleton import map_skeleton
from setpiece.capture.stations import Stations
from setpiece.capture.support import supported_groups

native = pytest.importorskip("setpiece.capture._native")

SIMPLE: Free = (True, False, False, True, False)


def shaken(made: MadeRigs, size: float, seed: int = 0) -> Scene:
    """The scene with its stations moved, rigidly, and its points off."""
    scene, random = made.scene, np.random.default_rng(seed)
    poses = scene.poses.copy()
    for station in set(made.station_of):
        turn = turn_by(size * random.normal(size=3))
        move = size * random.normal(size=3)
        for i in np.flatnonzero(np.array(made.station_of) == station):
            own = made.scene.rigs.turns[scene.lens_of[i]]  # type: ignore[union-attr]
            pose = own.T @ poses[i]
            pose[:, :3] = turn @ pose[:, :3]
            pose[:, 3] += move
            poses[i] = own @ pose
    points = scene.points + size * random.normal(size=scene.points.shape)
    return replace(scene, poses=poses, points=points)


def whole(poses: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate([poses, np.tile([[[0.0, 0, 0, 1]]], (len(poses), 1, 1))], axis=1)


def errors(poses: NDArray[np.float64], truth: NDArray[np.float64]) -> tuple[float, float]:
    found = pose_errors(whole(poses), whole(truth))
    return float(found.centre.max() / found.extent), float(found.rotation_deg.max())


@pytest.mark.parametrize("photos", [0, 3])
def test_adjustment_finds_the_truth_and_keeps_rigs_rigid(photos: int) -> None:
    made = made_rigs(photos=photos)
    start = shaken(made, 0.01)
    assert rigidity(start) < 1e-12
    found, cost = start.adjusted(SIMPLE, 100, 1e-14, 1)
    centre, turn = errors(found.poses, made.scene.poses)
    assert cost < 1e-8
    assert centre < 1e-6
    assert turn < 1e-5
    assert rigidity(found) < 1e-12
    np.testing.assert_array_equal(found.lenses[:6], start.lenses[:6])  # known exactly


def test_rigs_adjust_like_ceres(tmp_path: Path) -> None:
    made = made_rigs(panoramas=4, points=150)
    random = np.random.default_rng(4)
    start = shaken(made, 0.01)
    start = replace(start, xy=start.xy + 0.5 * random.normal(size=start.xy.shape))
    found, _ = start.adjusted(SIMPLE, 200, 1e-14, 1)
    names = [f"{i}.jpg" for i in start.frames]
    keypoints = [np.zeros((len(k), 4), np.float32) for k in made.keypoints]
    for frame, feature, xy in zip(start.frame, start.feature, start.xy, strict=True):
        keypoints[frame][feature, :2] = xy
    base = bare_reconstruction(start, made.lenses, made.lens_of, names)
    judge = reconstruction_of(base, start, keypoints, False, tmp_path)
    options = pycolmap.BundleAdjustmentOptions()
    options.print_summary = False
    options.refine_sensor_from_rig = False
    options.refine_focal_length = options.refine_extra_params = False
    options.ceres.loss_function_type = pycolmap.LossFunctionType.CAUCHY
    options.ceres.loss_function_scale = 1.0
    options.ceres.solver_options.max_num_iterations = 200
    options.ceres.solver_options.function_tolerance = 1e-14
    config = pycolmap.BundleAdjustmentConfig()
    for image_id in judge.reg_image_ids():
        config.add_image(image_id)
    config.fix_gauge(pycolmap.BundleAdjustmentGauge.TWO_CAMS_FROM_WORLD)
    pycolmap.create_default_bundle_adjuster(options, config, judge).solve()
    poses = np.array([judge.image(i + 1).cam_from_world().matrix() for i in start.frames])
    centre, turn = errors(found.poses, poses)
    assert centre < 1e-4  # both end within their tolerance of one optimum
    assert turn < 1e-3


def test_adjusting_rigs_is_the_same_for_threads_and_close_for_instruction_sets() -> None:
    start = shaken(made_rigs(photos=2), 0.01)
    first, _ = start.adjusted(SIMPLE, 5, 0.0, 1)
    again, _ = start.adjusted(SIMPLE, 5, 0.0, 3)
    np.testing.assert_array_equal(first.poses, again.poses)
    rigs = start.rigs
    assert rigs is not None
    for isa in ("plain", "avx2"):
        try:
            poses, lenses, points = start.poses.copy(), start.lenses.copy(), start.points.copy()
            native.adjust(
                poses, start.lens_of, np.zeros(len(poses), bool), lenses, SIMPLE, points, start.frame,
                start.point, start.xy, 1.0, 5, 0.0, 1, isa, rigs.numbered(), rigs.turns, rigs.fixed,
            )  # fmt: skip
        except ValueError:
            continue  # this machine has no such instructions
        np.testing.assert_allclose(poses, first.poses, atol=1e-9)


@pytest.mark.parametrize("photos", [0, 4])
def test_mapping_places_all_views_of_a_panorama_together(photos: int) -> None:
    made = made_rigs(photos=photos)
    models = map_skeleton(
        made.keypoints, made.geometries, made.lenses, made.lens_of, 120, 0, 2, made.station_of
    )
    assert models[0].frames == list(range(len(made.lens_of)))
    assert rigidity(models[0]) < 1e-9
    centre, turn = errors(models[0].poses, made.scene.poses)
    assert centre < 1e-3
    assert turn < 0.05


def test_tracks_seen_twice_from_one_station_count_once() -> None:
    made = made_rigs()
    matches = Matches.of(made.scene.frames, made.keypoints, made.geometries)  # type: ignore[arg-type]
    scene = triangulated(made.scene, matches, 4.0, 2)
    assert len(scene.points) > 150
    found, _ = scene.adjusted(SIMPLE, 10, 1e-6, 1)
    assert rigidity(found) < 1e-12


def test_colmap_maps_rigs_too(tmp_path: Path) -> None:
    made = made_rigs(panoramas=4)
    views = [
        View(f"{i}.jpg", lens, keypoints, station)
        for i, (lens, keypoints, station) in enumerate(
            zip(made.lens_of, made.keypoints, made.station_of, strict=True)
        )
    ]
    write_database(tmp_path / "rigs.db", made.lenses, views, "SIMPLE_RADIAL")
    geometries = {pair: _geometry(g.inlier_matches) for pair, g in made.geometries.items()}
    known = frozenset(range(1, 7))
    settings = MapperSettings(Method.INCREMENTAL, False, 0, 1, known)
    models = map_cameras(tmp_path / "rigs.db", geometries, tmp_path, settings)
    scene = scene_of(models[0], made.lenses, made.station_of)
    assert scene.frames == list(range(24))
    assert rigidity(scene) < 1e-6
    centre, _ = errors(scene.poses, made.scene.poses)
    assert centre < 1e-2


def _geometry(matches: NDArray[np.uint32]) -> object:
    geometry = pycolmap.TwoViewGeometry()
    geometry.config = pycolmap.TwoViewGeometryConfiguration.CALIBRATED
    geometry.inlier_matches = matches
    return geometry


def test_a_written_model_keeps_its_rigs(tmp_path: Path) -> None:
    made = made_rigs(photos=2)
    names = [f"{i}.jpg" for i in made.scene.frames]
    base = bare_reconstruction(made.scene, made.lenses, made.lens_of, names)
    model = reconstruction_of(base, made.scene, made.keypoints, False, tmp_path)
    assert (model.num_reg_images(), model.num_reg_frames(), model.num_rigs()) == (32, 7, 2)
    again = scene_of(model, made.lenses, made.station_of)
    np.testing.assert_allclose(again.poses, made.scene.poses, atol=1e-9)


def test_views_of_one_station_are_supported_together() -> None:
    made = made_rigs()
    model = Model.of_scene(made.scene)
    lonely = replace(model, seen=[s[:0] if i % 6 == 4 else s for i, s in enumerate(model.seen)])
    assert len(supported_groups(lonely)[0]) < len(model.frames)
    assert supported_groups(lonely, stations=made.station_of)[0] == list(range(len(model.frames)))


def test_views_of_one_panorama_are_never_compared() -> None:
    stations = [0] * 3 + [1] * 3 + [2]
    counts = np.zeros((7, 7), np.int32)
    pairs = pairs_from_counts(counts, 3, 1, None, stations)
    assert pairs == [(0, 3), (1, 4), (2, 5), (3, 6)]  # the same direction, from the stations beside


def test_a_panorama_turned_on_the_spot_is_told() -> None:
    made = made_rigs(panoramas=4)
    share = turning_share(
        _features(made.keypoints), made.geometries, made.lenses, made.lens_of, made.station_of
    )
    assert share == 0
    still = made_rigs(panoramas=4)
    spot = _on_the_spot(still)
    share = turning_share(
        _features(spot.keypoints), spot.geometries, spot.lenses, spot.lens_of, spot.station_of
    )
    assert share == 1


def _features(keypoints: Sequence[NDArray[np.float32]]) -> list[object]:
    from setpiece.capture.features import Features

    return [Features(k, np.zeros((len(k), 128), np.uint8)) for k in keypoints]


def _on_the_spot(made: MadeRigs) -> MadeRigs:
    """The same views with the features that they would show from one place."""
    keypoints, geometries, ids = [], {}, []
    for pose, n in zip(made.scene.poses, made.lens_of, strict=True):
        x, y, z = (made.scene.points @ pose[:, :3].T).T
        lens = made.lenses[n]
        u, v = 200 * x / z + lens.width / 2, 200 * y / z + lens.height / 2
        seen = np.flatnonzero((z > 0.1) & (np.abs(x) < z) & (np.abs(y) < z))
        ids.append(seen)
        keypoints.append(np.stack([u, v, u, v], axis=1)[seen].astype(np.float32))
    for i, j in made.geometries:
        _, first, second = np.intersect1d(ids[i], ids[j], return_indices=True)
        matches = np.stack([first, second], axis=1).astype(np.uint32)
        geometries[(i, j)] = replace(made.geometries[(i, j)], inlier_matches=matches)
    return replace(made, keypoints=keypoints, geometries=geometries)


def test_stations_follow_the_instants() -> None:
    plain = CapturedFrame(
        name="a.jpg", source="a.jpg", order=0, width=4, height=4, time=None, focal_px=None,
        focal_source="none", make=None, model=None, lens="", exposure_s=None, iso=None, f_number=None,
        sharpness=1.0, brightness=0.5, gravity_in_cam=None,
    )  # fmt: skip
    views = [replace(plain, rig=RigView(name, n, (1.0, 0, 0, 0))) for name in ("p", "q") for n in range(2)]
    stations = Stations.of_frames([plain, *views, plain])
    assert stations.of == (0, 1, 1, 2, 2, 3)
    assert stations.names([plain, *views, plain]) == ["a.jpg", "p", "q", "a.jpg"]
    assert stations.links() == [(1, 2), (3, 4)]
    assert stations.among([1, 2, 5]) == 2
