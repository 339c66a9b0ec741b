"""The CPU engine against the judge: pictures, losses and the gradient of every parameter."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from cpu_engine.comparison import assert_agrees

from judge.batches import random_batch
from judge.scenes import random_camera, random_splats
from setpiece.reconstruct.engine import Batch
from setpiece.splats import Splats


def batch(width: int, height: int, *, masked: bool = False, **changes: object) -> Batch:
    mask = None
    if masked:
        mask = np.where(np.random.default_rng(2).random((height, width)) < 0.7, 255, 0).astype(np.uint8)
    return random_batch(width, height, mask=mask, **changes)


def one(splats: Splats, **changes: object) -> Splats:
    """The first Gaussian, with some of its values replaced."""
    single = splats.take(np.arange(1))
    arrays = {
        name: np.array(value, np.float32).reshape(getattr(single, name).shape)
        for name, value in changes.items()
    }
    return replace(single, **arrays)


@pytest.mark.parametrize("sh_degree", [0, 1, 2, 3])
@pytest.mark.parametrize("antialias", [False, True])
def test_all_degrees(isa: str, sh_degree: int, antialias: bool) -> None:
    assert_agrees(random_splats(150, seed=1), batch(70, 45, sh_degree=sh_degree, antialias=antialias), isa)


@pytest.mark.parametrize("size", [(70, 45), (17, 1), (1, 17), (16, 16), (33, 64), (260, 18)])
@pytest.mark.parametrize("masked", [False, True])
def test_odd_sizes_and_masks(isa: str, size: tuple[int, int], masked: bool) -> None:
    assert_agrees(random_splats(120, seed=2), batch(*size, masked=masked), isa, threads=2)


@pytest.mark.parametrize("ssim_weight", [0.0, 0.2, 1.0])
def test_loss_weights(isa: str, ssim_weight: float) -> None:
    assert_agrees(random_splats(80, seed=3), batch(40, 30, ssim_weight=ssim_weight), isa)


def test_wider_than_one_strip_of_the_loss(isa: str) -> None:
    assert_agrees(random_splats(60, seed=4), batch(500, 13, masked=True), isa, threads=2)


def test_more_splats_than_a_chunk_on_one_tile(isa: str) -> None:
    splats = random_splats(400, seed=5, extent=0.15)
    assert_agrees(splats, batch(20, 20), isa)


def test_opaque_splats_stop_early(isa: str) -> None:
    splats = replace(random_splats(300, seed=6, extent=0.3), opacity_logits=np.full(300, 8.0, np.float32))
    assert_agrees(splats, batch(40, 30, antialias=False), isa)


def test_transparent_splats(isa: str) -> None:
    splats = replace(random_splats(100, seed=7), opacity_logits=np.full(100, -4.5, np.float32))
    assert_agrees(splats, batch(40, 30), isa)


def test_no_splats(isa: str) -> None:
    assert_agrees(random_splats(0, seed=1), batch(20, 20), isa)


def test_one_splat(isa: str) -> None:
    assert_agrees(one(random_splats(1, seed=9), means=[0, 0, 0]), batch(40, 30), isa)


def test_nothing_in_view(isa: str) -> None:
    splats = replace(random_splats(40, seed=8), means=np.full((40, 3), 200.0, np.float32))
    assert_agrees(splats, batch(20, 20), isa)


def test_splats_around_and_behind_the_camera(isa: str) -> None:
    camera = random_camera(40, 30, seed=5)
    splats = random_splats(200, seed=10)
    means = splats.means + camera.centre_in_world.astype(np.float32)
    assert_agrees(replace(splats, means=means), batch(40, 30), isa)


def test_off_screen_but_reaching_in(isa: str) -> None:
    camera = random_camera(40, 30, seed=5)
    sideways = camera.cam_from_world[0, :3].astype(np.float32) * 2.6
    splats = random_splats(60, seed=11, extent=0.5)
    assert_agrees(replace(splats, means=splats.means + sideways), batch(40, 30), isa)


def test_huge_and_tiny(isa: str) -> None:
    splats = random_splats(60, seed=12)
    scales = splats.log_scales.copy()
    scales[:20] = np.log(20.0)
    scales[20:40] = np.log(1e-4)
    scales[40:, 0] = np.log(1e-6)
    for antialias in (False, True):
        assert_agrees(replace(splats, log_scales=scales), batch(40, 30, antialias=antialias), isa)


def test_colour_that_turns_close_up(isa: str) -> None:
    """A strong view dependence near the camera: the direction's own gradient moves the mean."""
    camera = random_camera(40, 30, seed=5)
    ahead = camera.world_from_cam[:3] @ [0.02, -0.01, 0.3, 1]
    splats = one(random_splats(1, seed=13), means=ahead, log_scales=[-3.5, -3.0, -4.0], opacity_logits=[1.0])
    splats = replace(splats, sh=np.random.default_rng(1).normal(size=splats.sh.shape).astype(np.float32))
    assert_agrees(splats, batch(40, 30, sh_degree=3), isa)


def test_all_pixels_masked(isa: str) -> None:
    mask = np.zeros((20, 20), np.uint8)
    assert_agrees(random_splats(50, seed=14), replace(batch(20, 20), mask=mask), isa)
