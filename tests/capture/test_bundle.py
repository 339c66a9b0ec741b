"""Bundle adjustment: against numeric derivatives, Ceres and the truth, for any number of threads."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pycolmap
import pytest
from made_scene import made_reconstruction, noisy, shaken, with_points
from numpy.typing import NDArray

from setpiece.capture import scene as scenes
from setpiece.capture.align import pose_errors
from setpiece.capture.mapping import quiet
from setpiece.capture.scene import Free, Scene

native = pytest.importorskip("setpiece.capture._native")

ALL: Free = (True, True, True, True, True)
NO_CENTRE: Free = (True, False, False, True, False)


@pytest.fixture(scope="module")
def truth() -> Scene:
    return with_points(made_reconstruction())


def adjust(scene: Scene, free: Free, held: Any = None, isa: str = "", threads: int = 1) -> tuple[Any, ...]:
    """Poses, lenses, points, and the costs and the number of steps of an adjustment to the end."""
    poses, lenses, points = scene.poses.copy(), scene.lenses.copy(), scene.points.copy()
    held = np.zeros(len(poses), bool) if held is None else held
    result = native.adjust(
        poses, scene.lens_of, held, lenses, free, points, scene.frame, scene.point, scene.xy,
        1.0, 200, 1e-12, threads, isa,
    )  # fmt: skip
    return poses, lenses, points, result


def cost(scene: Scene) -> float:
    """Half the robust cost by NumPy, as the definition has it."""
    pose = scene.poses[scene.frame]
    x, y, z = (np.einsum("nij,nj->ni", pose[:, :, :3], scene.points[scene.point]) + pose[:, :, 3]).T
    f, cx, cy, k1, k2 = scene.lenses[scene.lens_of[scene.frame]].T
    s = (x / z) ** 2 + (y / z) ** 2
    d = f * (1 + k1 * s + k2 * s**2)
    squared = (d * x / z + cx - scene.xy[:, 0]) ** 2 + (d * y / z + cy - scene.xy[:, 1]) ** 2
    return float(0.5 * np.log1p(squared).sum())


def padded(poses: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate([poses, np.tile([[[0.0, 0, 0, 1]]], (len(poses), 1, 1))], axis=1)


def test_the_cost_is_what_the_definition_says(truth: Scene) -> None:
    scene = noisy(shaken(truth, 0.01), 0.5, 0.05)
    _, found = scene.adjusted(ALL, 0, 0.0, 1)
    assert found == pytest.approx(cost(scene), rel=1e-12)


def test_numeric_derivatives_vanish_at_the_minimum(truth: Scene) -> None:
    # the gradient that the steps follow is then the gradient of the cost: central differences of it are small
    # against those of the start
    start = noisy(shaken(truth, 0.01), 0.5, 0.05)
    poses, lenses, points, _ = adjust(start, ALL)
    end = replace(start, poses=poses, lenses=lenses, points=points)

    def gradient(scene: Scene) -> NDArray[np.float64]:
        slopes = []
        for name in ("poses", "lenses", "points"):
            values = getattr(scene, name)
            places = [(i, k) for i in (0, len(values) - 1) for k in range(values[0].size)]
            for i, k in places:
                if name == "poses" and k % 4 < 3:
                    continue  # entries of the rotation; turned below
                step = 1e-6 * max(1.0, abs(values[i].flat[k]))
                sides = []
                for sign in (1, -1):
                    moved = values.copy()
                    moved[i].flat[k] += sign * step
                    sides.append(cost(replace(scene, **{name: moved})))
                slopes.append((sides[0] - sides[1]) / (2 * step))
        for i in (0, len(scene.poses) - 1):
            for axis in np.eye(3):
                sides = []
                for sign in (1, -1):
                    moved = scene.poses.copy()
                    moved[i, :, :3] = pycolmap.Rotation3d(sign * 1e-6 * axis).matrix() @ moved[i, :, :3]
                    sides.append(cost(replace(scene, poses=moved)))
                slopes.append((sides[0] - sides[1]) / 2e-6)
        return np.abs(slopes)

    assert (gradient(end) <= 1e-4 * gradient(start).max()).all()


def test_a_scene_without_noise_is_found_again(truth: Scene) -> None:
    poses, lenses, _, (before, after, steps) = adjust(shaken(truth, 0.01), ALL)
    assert before > 100
    assert after < 1e-12
    assert steps < 30  # Newton's steps, not a gradient's
    assert np.allclose(lenses, truth.lenses, rtol=1e-6, atol=1e-6)
    errors = pose_errors(padded(poses), padded(truth.poses))
    assert errors.centre.max() < 1e-6 * errors.extent
    assert errors.rotation_deg.max() < 1e-4


def test_outliers_move_little(truth: Scene) -> None:
    # 300 observations per frame with 0.5 px: a few hundredths of a pixel over a focal length of 1280
    poses, _, _, _ = adjust(noisy(shaken(truth, 0.005), 0.5, 0.05), NO_CENTRE)
    errors = pose_errors(padded(poses), padded(truth.poses))
    assert errors.centre_rms < 1e-3 * errors.extent
    assert errors.rotation_deg.max() < 0.05


@pytest.mark.parametrize("centre", [False, True])
def test_ceres_reaches_the_same_cost_and_poses(centre: bool) -> None:
    reconstruction = made_reconstruction()
    noise = pycolmap.SyntheticNoiseOptions()
    noise.point2D_stddev, noise.point3D_stddev = 0.7, 0.02
    noise.rig_from_world_rotation_stddev, noise.rig_from_world_translation_stddev = 0.3, 0.01
    pycolmap.synthesize_noise(noise, reconstruction)
    start = with_points(reconstruction)
    options = pycolmap.BundleAdjustmentOptions()
    options.print_summary = False
    options.refine_principal_point = centre
    options.ceres.loss_function_type = pycolmap.LossFunctionType.CAUCHY
    options.ceres.loss_function_scale = 1.0
    options.ceres.solver_options.function_tolerance = 1e-14
    options.ceres.solver_options.gradient_tolerance = 0.0
    options.ceres.solver_options.max_num_iterations = 200
    config = pycolmap.BundleAdjustmentConfig()
    for image_id in reconstruction.reg_image_ids():
        config.add_image(image_id)
    config.fix_gauge(pycolmap.BundleAdjustmentGauge.TWO_CAMS_FROM_WORLD)
    with quiet():
        pycolmap.create_default_bundle_adjuster(options, config, reconstruction).solve()
    theirs = with_points(reconstruction)
    poses, lenses, _, (_, after, _) = adjust(start, (True, centre, centre, True, False))
    assert after == pytest.approx(cost(theirs), rel=1e-8)
    assert np.allclose(lenses, theirs.lenses, rtol=1e-4, atol=1e-4)
    errors = pose_errors(padded(poses), padded(theirs.poses))
    assert errors.centre.max() < 1e-5 * errors.extent
    assert errors.rotation_deg.max() < 1e-3


def test_threads_and_instruction_sets(truth: Scene) -> None:
    scene = noisy(shaken(truth, 0.01), 0.5, 0.05)
    first = adjust(scene, ALL)
    for threads in (2, 3, 8):
        again = adjust(scene, ALL, threads=threads)
        assert all(np.array_equal(a, b) for a, b in zip(first[:3], again[:3], strict=True))
        assert first[3] == again[3]
    for isa in ("plain", "avx2", "avx512"):
        try:
            other = adjust(scene, ALL, isa=isa)
        except ValueError:
            continue  # not on this machine
        assert other[3][1] == pytest.approx(first[3][1], rel=1e-9)
        assert np.allclose(other[1], first[1], rtol=1e-5, atol=1e-5)


def test_what_is_held_stays(truth: Scene) -> None:
    scene = noisy(shaken(truth, 0.01), 0.5, 0.0)
    held = np.arange(len(scene.poses)) % 3 == 0
    poses, lenses, _, (before, after, _) = adjust(scene, (False, False, False, True, False), held)
    assert after < before
    assert np.array_equal(poses[held], scene.poses[held])
    assert not np.array_equal(poses[~held], scene.poses[~held])
    assert np.array_equal(lenses[:, [0, 1, 2, 4]], scene.lenses[:, [0, 1, 2, 4]])
    assert (lenses[:, 3] != scene.lenses[:, 3]).all()


def test_many_frames_in_a_row() -> None:
    # more frames than a tile holds, each linked to a few others only: the sparse part of the solver
    random = np.random.default_rng(0)
    count = 60
    poses = np.tile(np.eye(3, 4), (count, 1, 1))
    poses[:, 0, 3] = -0.3 * np.arange(count)
    points = np.stack([random.uniform(-2, 0.3 * count + 2, 3000), *random.uniform(-1, 1, (2, 3000))], 1)
    points[:, 2] += 4
    flat = points[None] + poses[:, None, :, 3]
    xy = 1000 * flat[..., :2] / flat[..., 2:] + (500, 400)
    sees = (np.abs(flat[..., 0]) < 1.2).T  # [points, frames]
    sees &= sees.sum(axis=1, keepdims=True) >= 2
    point, frame = (v.astype(np.int32) for v in np.nonzero(sees))
    lens = np.array([[1000.0, 500, 400, 0, 0]])
    made = Scene(
        list(range(count)),
        poses,
        np.zeros(count, np.int32),
        lens,
        points,
        frame,
        point,
        point,
        xy[frame, point],
    )
    start = shaken(made, 0.002)
    end, _ = start.adjusted(NO_CENTRE, 100, 1e-10, 2)
    errors, angles = end.measured()
    assert errors.max() < 1e-3
    assert angles[np.unique(point)].min() > 1


def test_observations_out_of_order_are_refused(truth: Scene) -> None:
    with pytest.raises(ValueError, match="sorted"):
        replace(truth, point=truth.point[::-1].copy()).adjusted(ALL, 1, 0.0, 1)


def test_points_behind_a_camera_do_not_break_it(truth: Scene) -> None:
    points = truth.points.copy()
    points[0] = truth.points[0] + 100 * (np.array([0, 0, 1]) @ truth.poses[0, :, :3]) * -1
    end, after = replace(truth, points=points).adjusted(ALL, 20, 0.0, 1)
    assert np.isfinite(after)
    assert np.isfinite(end.poses).all()


def test_misfits_are_dropped(truth: Scene) -> None:
    xy = truth.xy.copy()
    xy[5] += 3
    rest = replace(truth, xy=xy).without_misfits(2.0)
    assert len(rest.xy) == len(xy) - 1
    assert scenes.AVAILABLE
