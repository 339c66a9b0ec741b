"""Undistortion moves pixels to where the lens says, half pixels included."""

from __future__ import annotations

import numpy as np
import pycolmap
import pytest

from setpiece.capture.undistort import Undistorter

WIDTH, HEIGHT = 96, 64


def lens(k1: float) -> pycolmap.Camera:
    camera = pycolmap.Camera.create_from_model_name(1, "SIMPLE_RADIAL", 80.0, WIDTH, HEIGHT)
    camera.params = [80.0, WIDTH / 2, HEIGHT / 2, k1]
    return camera


def ramp() -> np.ndarray:
    """Each pixel shows twice the x and the y of its own centre, in pixels: whole numbers."""
    x, y = np.meshgrid(np.arange(WIDTH) + 0.5, np.arange(HEIGHT) + 0.5)
    return np.stack([2 * x, 2 * y, 0 * x], axis=-1).astype(np.uint8)


@pytest.mark.parametrize("k1", [0.0, 0.08, -0.08])
@pytest.mark.parametrize("longest_side", [1000, 48])
def test_every_pixel_shows_the_place_its_ray_passes(k1: float, longest_side: int) -> None:
    camera = lens(k1)
    undistorter = Undistorter.of(camera, longest_side)
    pinhole, shown = undistorter.pinhole, undistorter.picture(ramp()).astype(np.float64)
    assert shown.shape == (pinhole.height, pinhole.width, 3)
    column, row = np.meshgrid(np.arange(4, pinhole.width - 4), np.arange(4, pinhole.height - 4))
    rays = np.stack(
        [
            (column + 0.5 - pinhole.centre_x_px) / pinhole.focal_x_px,
            (row + 0.5 - pinhole.centre_y_px) / pinhole.focal_y_px,
            np.ones(column.shape),
        ],
        axis=-1,
    )
    place = np.asarray(camera.img_from_cam(rays.reshape(-1, 3))).reshape(*column.shape, 2)
    off_px = shown[row, column, :2] / 2 - place
    # Levels are half a pixel apart; a missing half pixel would be an offset of all.
    assert np.abs(off_px).max() < 0.6
    assert np.abs(off_px.mean(axis=(0, 1))).max() < 0.1
