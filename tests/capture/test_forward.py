"""A walk along the view: which pairs show it, and a street that mappers break at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pycolmap
import pytest
from made_photos import pose

from setpiece.capture.colmap import Lens
from setpiece.capture.forward import forward_share
from setpiece.posed import read_posed_frames


def geometry(translation: list[float]) -> pycolmap.TwoViewGeometry:
    """F of two cameras without rotation, focal length 500 and principal point (320, 240)."""
    x, y, z = translation
    essential = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    inverse = np.linalg.inv(np.array([[500, 0, 320], [0, 500, 240], [0, 0, 1]]))
    found = pycolmap.TwoViewGeometry()
    found.config = pycolmap.TwoViewGeometryConfiguration.UNCALIBRATED
    found.F = inverse.T @ essential @ inverse
    return found


def test_epipoles_tell_walking_ahead_from_walking_past() -> None:
    lenses = [Lens(640, 480, 500, "")]
    ahead, past = geometry([0.1, 0, -1]), geometry([1, 0, -0.1])
    flat = geometry([0, 0, -1])
    flat.config = pycolmap.TwoViewGeometryConfiguration.PLANAR_OR_PANORAMIC
    assert forward_share({(0, 1): ahead, (1, 2): ahead}, lenses, [0, 0, 0]) == 1
    assert forward_share({(0, 1): past, (1, 2): ahead}, lenses, [0, 0, 0]) == 0.5
    assert forward_share({(0, 1): past, (1, 2): flat}, lenses, [0, 0, 0]) == 0
    assert forward_share({}, lenses, []) == 0


@pytest.mark.real_data
def test_a_street_becomes_one_walk(shared_data: Path, tmp_path: Path) -> None:
    target, result = pose(shared_data / "opensfm_lund" / "images", tmp_path / "set")
    assert result["frames_posed"] == 29
    frames = read_posed_frames(target.poses).frames
    world_from_cam = np.array([f.camera.world_from_cam for f in frames])
    steps = np.diff(world_from_cam[:, :3, 3], axis=0)
    lengths = np.linalg.norm(steps, axis=1)
    assert lengths.max() < 6 * np.median(lengths)
    ahead = np.einsum("nk,nk->n", steps, world_from_cam[:-1, :3, 2]) / lengths
    assert np.degrees(np.arccos(ahead)).max() < 45  # everyone walks where they look
    turns = np.einsum("nki,nki->n", world_from_cam[1:, :3, :3], world_from_cam[:-1, :3, :3])
    turned = np.degrees(np.arccos(np.clip((turns - 1) / 2, -1, 1)))
    assert turned.max() < 25  # the street bends by some 16 degrees behind the 24th photo
    assert 8 < turned[23] < 25
