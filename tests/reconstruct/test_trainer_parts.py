"""The parts of the trainer, each by itself."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from judge.loss import ssim_map
from judge.scenes import random_splats
from judge.sets import HEIGHT, WIDTH, make_tiny_set
from setpiece.errors import TrainingError
from setpiece.posed import read_posed_frames
from setpiece.reconstruct.density import kept_rows, planned_edit
from setpiece.reconstruct.engine import Statistics
from setpiece.reconstruct.evaluation import veiled
from setpiece.reconstruct.exposure import Exposures
from setpiece.reconstruct.images import Images, size_at
from setpiece.reconstruct.initial import initial_splats, neighbour_distances, scene_extent
from setpiece.reconstruct.metrics import psnr_db, ssim
from setpiece.reconstruct.options import Quality, TrainOptions
from setpiece.reconstruct.schedule import schedule_for
from setpiece.reconstruct.sowing import sown_points


def pictures(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    a = rng.uniform(size=(20, 30, 3)).astype(np.float32)
    return a, np.clip(a + 0.1 * rng.normal(size=a.shape), 0, 1).astype(np.float32)


def test_psnr_of_a_known_error() -> None:
    a = np.full((4, 5, 3), 0.5, dtype=np.float32)
    assert psnr_db(a, a + np.float32(0.1)) == pytest.approx(20.0, abs=1e-4)
    assert psnr_db(a, a) == math.inf
    mask = np.zeros((4, 5), dtype=bool)
    mask[0, 0] = True
    b = a.copy()
    b[1:] = 0
    assert psnr_db(a, b, mask) == math.inf
    assert ssim(a, b, np.zeros((4, 5), dtype=bool)) == 1.0


def test_ssim_is_the_judges() -> None:
    a, b = pictures()
    theirs = ssim_map(torch.from_numpy(a).double(), torch.from_numpy(b).double())
    assert ssim(a, b) == pytest.approx(float(theirs.mean()), abs=1e-5)  # float32 sums
    mask = np.zeros((20, 30), dtype=bool)
    mask[3:9, 4:20] = True
    kept = [torch.from_numpy(np.where(mask[..., None], p, 0)).double() for p in (a, b)]
    assert ssim(a, b, mask) == pytest.approx(float(ssim_map(*kept)[torch.from_numpy(mask)].mean()), abs=1e-5)


def test_exposures_keep_their_mean_and_predict_between() -> None:
    exposures = Exposures([0, 2, 4])
    gradient = np.ones((3, 4), dtype=np.float32)
    for _ in range(5):
        exposures.update(0, gradient, 0.01)
    identity = np.eye(3, 4)
    np.testing.assert_allclose(exposures.maps.mean(axis=0), identity, atol=1e-6)
    assert exposures.maps[0, 0, 0] < 1 < exposures.maps[1, 0, 0]
    middle = (exposures.maps[0] + exposures.maps[1]) / 2
    np.testing.assert_allclose(exposures.predicted(1), middle, atol=1e-6)
    np.testing.assert_allclose(exposures.predicted(99), exposures.maps[2], atol=1e-6)
    before = exposures.maps.copy()
    exposures.update(1, np.full((3, 4), np.nan, np.float32), 0.01)
    np.testing.assert_array_equal(exposures.maps, before)
    other = Exposures([0, 2, 4])
    other.load_state(exposures.state())
    for both in (exposures, other):
        both.update(2, gradient, 0.01)
    np.testing.assert_array_equal(exposures.maps, other.maps)
    with pytest.raises(ValueError, match="3 frames, expected 1"):
        Exposures([0]).load_state(exposures.state())


def statistics(error: list[float]) -> Statistics:
    values = np.array(error, dtype=np.float32)
    return Statistics(values, values, np.ones_like(values), values, np.ones(len(values), dtype=np.int32))


def test_edits_relocate_the_dead_and_grow_to_the_target() -> None:
    logits = np.array([2, 2, -9, 2], dtype=np.float32)
    scales = np.log(np.array([[1, 2, 1], [1, 1, 3], [1, 1, 1], [1, 1, 1]], dtype=np.float32))
    edit = planned_edit(statistics([5, 1, 9, 0]), logits, scales, 5, np.random.default_rng(0))
    assert edit is not None
    # Row 2 is dead and row 3 is blamed for nothing: rows 0 and 1 become two each.
    assert sorted(edit.parents) == [0, 0, 1, 1, 3]
    split = edit.parents != 3
    np.testing.assert_array_equal(edit.fresh, split)
    assert np.all(edit.log_scale_change[split] < 0)
    assert edit.opacity_logits[~split] == 2
    axes = np.argmax(np.abs(edit.offsets), axis=1)
    assert set(axes[edit.parents == 0]) == {1}
    assert set(axes[edit.parents == 1]) == {2}
    np.testing.assert_allclose(edit.offsets.sum(axis=0), 0, atol=1e-6)


def test_edits_never_shrink_and_need_a_reason() -> None:
    splats = random_splats(50, seed=0)
    logits = np.abs(splats.opacity_logits)
    rng = np.random.default_rng(0)
    assert planned_edit(statistics([1.0] * 50), logits, splats.log_scales, 10, rng) is None
    assert planned_edit(statistics([0.0] * 50), logits, splats.log_scales, 80, rng) is None
    grown = planned_edit(statistics([1.0] * 50), logits, splats.log_scales, 500, rng)
    assert grown is not None
    assert len(grown.parents) == 100


def test_kept_rows_change_nothing_else() -> None:
    edit = kept_rows(np.array([True, False, True]), np.array([1, 2, 3], dtype=np.float32))
    assert edit.parents.tolist() == [0, 2]
    assert edit.opacity_logits.tolist() == [1, 3]
    assert not edit.offsets.any()
    assert not edit.fresh.any()


def test_schedules_end_as_they_should() -> None:
    for quality in Quality:
        schedule = schedule_for(TrainOptions(quality=quality), 50, 1600)
        assert schedule.level(0) == 2
        assert schedule.level(schedule.steps - 1) == 0
        assert schedule.sh_degree_at(0) == 0
        assert schedule.sh_degree_at(schedule.steps - 1) == schedule.sh_degree
        assert schedule.splats_at(schedule.steps, 10) == schedule.max_splats
        assert schedule.splats_at(0, 10) == 10
    small = schedule_for(TrainOptions(), 50, 120)
    assert small.level(0) == 0
    assert schedule_for(TrainOptions(), 400, 1600).steps > schedule.steps / 4
    assert schedule_for(TrainOptions(steps=7, max_splats=9), 400, 1600).steps == 7


def test_pictures_are_scaled_with_their_cameras_and_masks(tmp_path: Path) -> None:
    target = make_tiny_set(tmp_path / "set", masked=True)
    frame = read_posed_frames(target.poses).train[0]
    images = Images(target.path, 1000)
    whole, half = images.picture(frame, 0), images.picture(frame, 1)
    assert whole.image.shape == (HEIGHT, WIDTH, 3)
    assert half.image.shape == (HEIGHT // 2, WIDTH // 2, 3)
    assert half.camera.focal_x_px == frame.camera.focal_x_px / 2
    assert half.mask is not None
    assert half.mask[3, 3] == 0
    assert half.mask[4, 4] == 255
    assert images.picture(frame, 0) is whole
    tight = Images(target.path, 1000, budget_bytes=1)
    np.testing.assert_array_equal(tight.picture(frame, 1).image, half.image)
    assert tight.picture(frame, 0) is not tight.picture(read_posed_frames(target.poses).train[1], 0)
    assert size_at(replace(frame.camera, width=12000, height=10), 960, 2) == (240, 1)


def test_pictures_asked_for_beforehand_are_the_same(tmp_path: Path) -> None:
    target = make_tiny_set(tmp_path / "set", masked=True)
    frames = read_posed_frames(target.poses).train
    (target.path / frames[3].image).write_bytes(b"not a picture")
    plain, ahead = Images(target.path, 1000), Images(target.path, 1000)
    wanted = [(frame, level) for frame in frames[:4] for level in (0, 1)]
    ahead.ask(wanted)
    ahead.ask(wanted[3:])  # the first are not wanted any more, but may be asked for all the same
    assert len(ahead._coming) == 5
    for frame, level in wanted[:6]:
        np.testing.assert_array_equal(ahead.picture(frame, level).image, plain.picture(frame, level).image)
    with pytest.raises(TrainingError, match="cannot be read"):
        ahead.picture(frames[3], 0)


def test_a_large_photo_is_scaled_while_it_is_decoded(tmp_path: Path) -> None:
    target = make_tiny_set(tmp_path / "set")
    frame = read_posed_frames(target.poses).train[0]
    rows, columns = np.mgrid[0:301, 0:403]
    wave = np.stack([128 + 100 * np.sin(rows / 30), 128 + 100 * np.cos(columns / 40), 60 + 0 * rows], -1)
    (target.path / "large.jpg").write_bytes(cv2.imencode(".jpg", wave, [cv2.IMWRITE_JPEG_QUALITY, 98])[1])
    large = replace(frame, image="large.jpg", camera=replace(frame.camera, width=403, height=301))
    for level in (0, 1, 2, 3):
        picture = Images(target.path, 403).picture(large, level)
        expected = cv2.resize(wave, picture.image.shape[1::-1], interpolation=cv2.INTER_AREA)[..., ::-1]
        assert np.abs(picture.image - expected).mean() < 2.5  # JPEG, and two ways of taking means
        assert picture.camera.width == picture.image.shape[1]


def test_pictures_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    target = make_tiny_set(tmp_path / "set")
    one, two, three = read_posed_frames(target.poses).train[:3]
    (target.path / one.image).write_bytes(b"not a picture")
    (target.path / two.image).unlink()
    data = cv2.imencode(".png", np.zeros((5, 5, 3), np.uint8))[1]
    (target.path / three.image).write_bytes(data.tobytes())
    images = Images(target.path, 100)
    for frame, what in ((one, "cannot be read"), (two, "cannot be read"), (three, "is not 40x30")):
        with pytest.raises(TrainingError, match=what):
            images.picture(frame, 0)


def test_neighbour_distances_of_a_grid() -> None:
    grid = np.stack(np.meshgrid(*[np.arange(5)] * 3), -1).reshape(-1, 3).astype(np.float32)
    np.testing.assert_allclose(neighbour_distances(grid), 1.0)
    assert np.isfinite(neighbour_distances(np.zeros((9, 3), np.float32))).all()
    assert np.isfinite(neighbour_distances(np.zeros((1, 3), np.float32))).all()


def test_sown_points_lie_where_the_photos_agree(tmp_path: Path) -> None:
    target = make_tiny_set(tmp_path / "set")
    posed = read_posed_frames(target.poses)
    images = Images(target.path, 1000)
    positions, colours = sown_points(posed.points, posed.train, images, 0, 200, np.random.default_rng(0))
    assert 150 <= len(positions) <= 250
    assert colours.min() >= 0
    assert colours.max() <= 1
    away = np.linalg.norm(positions[:, None] - posed.points.points_in_world[None], axis=-1).min(axis=1)
    # The hidden balls have deviations of up to 0.3 and are seen from 3 away.
    assert np.median(away) < 0.3


def test_starting_needs_points_and_cameras_that_see_them(tmp_path: Path) -> None:
    target = make_tiny_set(tmp_path / "set")
    posed = read_posed_frames(target.poses)
    images, rng = Images(target.path, 1000), np.random.default_rng(0)
    few = replace(posed.points, points_in_world=posed.points.points_in_world[:3], rgb=posed.points.rgb[:3])
    with pytest.raises(TrainingError, match="3 points; at least 8"):
        initial_splats(few, posed.train, images, 0, 50, 2, rng)
    assert initial_splats(posed.points, posed.train, images, 0, 20, 2, rng).count == 20
    assert initial_splats(posed.points, posed.train, images, 0, 100, 2, rng).count > 80
    assert scene_extent(posed.points, posed.train) == pytest.approx(3.1, abs=0.3)
    behind = replace(posed.points, points_in_world=posed.points.points_in_world + 1000)
    with pytest.raises(TrainingError, match="no camera sees"):
        scene_extent(behind, posed.train[:1])


def test_nothing_is_sown_on_what_is_ignored(tmp_path: Path) -> None:
    target = make_tiny_set(tmp_path / "set", masked=True)
    posed = read_posed_frames(target.poses)
    images = Images(target.path, 1000)
    for frame in posed.train:
        picture = images.picture(frame, 0)
        assert picture.mask is not None
        picture.image[picture.mask == 0] = 255  # what no Gaussian may take its colour from
        shown = veiled(picture)
        np.testing.assert_array_equal(shown[picture.mask != 0], picture.image[picture.mask != 0])
        assert shown[picture.mask == 0].max() < 255
    _, colours = sown_points(posed.points, posed.train, images, 0, 200, np.random.default_rng(0))
    assert (colours.min(axis=1) < 0.95).all()


def test_exposures_start_at_gains_and_predict_with_them() -> None:
    gains = [(1.2, 1.0, 0.8), (0.8, 1.0, 1.2), (1.0, 1.0, 1.0)]
    exposures = Exposures([0, 2, 4], gains)
    np.testing.assert_allclose(exposures.maps.mean(axis=0), np.eye(3, 4), atol=1e-6)
    np.testing.assert_allclose(exposures.maps[0][:, :3], np.diag([1.2, 1.0, 0.8]), atol=1e-6)
    predicted = exposures.predicted(1, (1.5, 1.0, 0.5))
    np.testing.assert_allclose(predicted[:, :3], np.diag([1.5, 1.0, 0.5]), atol=1e-6)
    np.testing.assert_allclose(exposures.predicted(1)[:, :3], np.eye(3), atol=1e-6)  # its neighbours' mean
    for _ in range(5):
        exposures.update(0, np.ones((3, 4), np.float32), 1e-3)
    np.testing.assert_allclose(exposures.maps.mean(axis=0), np.eye(3, 4), atol=1e-6)


def test_the_falloff_of_a_lens_is_taken_away(tmp_path: Path) -> None:
    target = make_tiny_set(tmp_path / "set")
    frame = read_posed_frames(target.poses).train[0]
    x, y = np.meshgrid(np.arange(WIDTH) + 0.5 - WIDTH / 2, np.arange(HEIGHT) + 0.5 - HEIGHT / 2)
    squared = (x**2 + y**2) / ((WIDTH**2 + HEIGHT**2) / 4)
    dark = 200 * np.exp(-0.2 * squared - 0.1 * squared**2)
    data = cv2.imencode(".png", np.repeat(dark.round().astype(np.uint8)[..., None], 3, 2))[1]
    (target.path / "dark.png").write_bytes(data.tobytes())
    dim = replace(frame, image="dark.png", falloff=(-0.2, -0.1))
    for level in (0, 1):
        assert np.abs(Images(target.path, 1000).picture(dim, level).image.astype(int) - 200).max() <= 2
