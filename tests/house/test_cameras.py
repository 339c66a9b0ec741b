"""The laws of cameras and transforms (docs/conventions.md)."""

from __future__ import annotations

import json

import numpy as np
import pytest

from setpiece.cameras import Camera


@pytest.fixture
def camera() -> Camera:
    rng = np.random.default_rng(5)
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    cam_from_world = np.eye(4)
    cam_from_world[:3, :3] = rotation * np.sign(np.linalg.det(rotation))
    cam_from_world[:3, 3] = [0.3, -0.2, 4.0]
    return Camera(640, 480, 500.0, 510.0, 321.0, 239.0, cam_from_world)


def test_inverse(camera: Camera) -> None:
    np.testing.assert_allclose(camera.world_from_cam @ camera.cam_from_world, np.eye(4), atol=1e-12)
    np.testing.assert_allclose(camera.cam_from_world @ [*camera.centre_in_world, 1], [0, 0, 0, 1], atol=1e-12)


def test_axes_are_x_right_y_down_z_forward() -> None:
    camera = Camera(100, 100, 100.0, 100.0, 50.0, 50.0, np.eye(4))
    x_px, y_px, depth = camera.project(np.array([[1.0, 2.0, 10.0]]))[0]
    assert (x_px, y_px, depth) == (60.0, 70.0, 10.0)


def test_the_first_pixel_centre_is_at_one_half() -> None:
    """Halving an image keeps the left edge at 0, so the centre of the first pixel stays at 0.5."""
    camera = Camera(100, 100, 100.0, 100.0, 50.0, 50.0, np.eye(4))
    half = camera.resized(50, 50)
    points = np.random.default_rng(0).normal(size=(20, 3)) + [0, 0, 5]
    np.testing.assert_allclose(half.project(points)[:, :2], camera.project(points)[:, :2] / 2, rtol=1e-12)


def test_moving_the_world_moves_nothing_in_the_picture(camera: Camera) -> None:
    angle, scale = 0.7, 3.0
    new_from_old = np.eye(4)
    new_from_old[:3, :3] = scale * np.array(
        [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
    )
    new_from_old[:3, 3] = [1.0, -2.0, 0.5]
    points = np.random.default_rng(1).normal(size=(20, 3))
    moved = points @ new_from_old[:3, :3].T + new_from_old[:3, 3]
    before, after = camera.project(points), camera.transformed(new_from_old).project(moved)
    np.testing.assert_allclose(after[:, :2], before[:, :2], rtol=1e-9)
    np.testing.assert_allclose(after[:, 2], scale * before[:, 2], rtol=1e-9)


def test_json_round_trip(camera: Camera) -> None:
    again = Camera.from_json(json.loads(json.dumps(camera.to_json())))
    np.testing.assert_array_equal(again.cam_from_world, camera.cam_from_world)
    assert again.to_json() == camera.to_json()
