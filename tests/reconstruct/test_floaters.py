"""Gaussians right before a camera are taken away."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from judge.sets import make_tiny_set
from setpiece.posed import read_posed_frames
from setpiece.reconstruct.floaters import TOO_NEAR, Surroundings, distances_to_nearest, floaters


def test_distances_are_those_of_the_slow_way() -> None:
    rng = np.random.default_rng(0)
    points = (1000 + rng.normal(size=(70_001, 3))).astype(np.float32)
    centres = (1000 + rng.normal(size=(7, 3))).astype(np.float32)
    slowly = np.linalg.norm(points[:500, None].astype(float) - centres[None].astype(float), axis=-1).min(1)
    found = distances_to_nearest(points, centres)
    assert len(found) == len(points)
    # float32 places at 1000 are 6e-5 apart; the square root makes more of it near 0
    np.testing.assert_allclose(found[:500], slowly, atol=5e-3)


def test_what_is_nearer_than_anything_known_floats(tmp_path: Path) -> None:
    posed = read_posed_frames(make_tiny_set(tmp_path / "set").poses)
    around = Surroundings.of(posed.points, posed.train)
    centres = np.array([f.camera.centre_in_world for f in posed.train])
    away = np.linalg.norm(posed.points.points_in_world[:, None] - centres[None], axis=-1)
    assert around.nearest == pytest.approx(away.min(), rel=0.05)  # of so few points it is nearly the smallest
    centre = posed.train[0].camera.centre_in_world
    forward = posed.train[0].camera.cam_from_world[2, :3]
    ahead = np.array([0.05, 0.9 * TOO_NEAR, 1.1 * TOO_NEAR, 1.0]) * around.nearest
    means = (centre + ahead[:, None] * forward).astype(np.float32)
    assert floaters(around, means).tolist() == [True, True, False, False]
    means[1] = np.nan  # other guards look after it
    assert floaters(around, means).tolist() == [True, False, False, False]
    assert not floaters(around, posed.points.points_in_world.astype(np.float32)).any()


def test_without_points_nothing_is_known(tmp_path: Path) -> None:
    posed = read_posed_frames(make_tiny_set(tmp_path / "set").poses)
    nowhere = replace(posed.points, points_in_world=np.full_like(posed.points.points_in_world, np.nan))
    around = Surroundings.of(nowhere, posed.train)
    assert not floaters(around, np.zeros((3, 3), np.float32)).any()
