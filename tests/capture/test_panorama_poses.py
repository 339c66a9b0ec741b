"""Real panoramas are placed as rigs, upright by what the camera wrote, over a floor."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pycolmap
import pytest
from made_photos import copy_photos, pose

from setpiece.capture.estimate import estimate_poses
from setpiece.capture.frames import CapturedFrame, read_frames, write_frames
from setpiece.capture.options import PoseOptions
from setpiece.info import stage_sentence
from setpiece.posed import read_posed_frames
from setpiece.progress import SilentProgress
from setpiece.setfolder import SetFolder


@pytest.fixture(scope="module")
def flat(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[SetFolder, dict[str, object]]:
    """Six of the eleven panoramas of a real flat."""
    photos = tmp_path_factory.mktemp("flat")
    source = shared_data / "openmvg_360_flat_half" / "images"
    for file in copy_photos(source, photos)[1::2]:
        file.unlink()
    return pose(photos, tmp_path_factory.mktemp("flat set") / "set")


def rotation(frame: CapturedFrame) -> np.ndarray:
    assert frame.rig is not None
    w, x, y, z = frame.rig.cam_from_rig
    turn: np.ndarray = pycolmap.Rotation3d(np.array([x, y, z, w])).matrix()
    return turn


def test_all_panoramas_are_placed_as_rigs(flat: tuple[SetFolder, dict[str, object]]) -> None:
    target, result = flat
    assert (result["frames_posed"], result["panoramas"], result["views"]) == (6, 6, 36)
    assert result["mean_error_px"] < 0.6  # type: ignore[operator]
    frames = {f.name: f for f in read_frames(target.capture)}
    stations: dict[str, list[np.ndarray]] = {}
    for posed in read_posed_frames(target.poses).frames:
        assert posed.instant is not None
        own = posed.camera.cam_from_world
        rig = np.concatenate([rotation(frames[posed.name]).T @ own[:3, :3], [posed.camera.centre_in_world]])
        stations.setdefault(posed.instant, []).append(rig)
    for views in stations.values():
        np.testing.assert_allclose(views, [views[0]] * 6, atol=1e-9)  # of float64 rotations
    record = {"result": result, "seconds": 1.0}
    assert "6 panoramas (36 views) posed" in stage_sentence("poses", record)
    cameras = result["cameras"]
    assert isinstance(cameras, list)
    assert len(cameras) == 1  # one line for all views


def test_a_panorama_is_held_out_whole(flat: tuple[SetFolder, dict[str, object]]) -> None:
    frames = read_posed_frames(flat[0].poses).frames
    held = {f.instant for f in frames if f.split == "test"}
    assert len(held) == 1
    assert all(f.split == "test" for f in frames if f.instant in held)


def test_gpano_and_upright_edges_agree_on_up(
    flat: tuple[SetFolder, dict[str, object]], tmp_path: Path
) -> None:
    target, result = flat
    assert result["up_source"] == "gravity"
    first = read_posed_frames(target.poses).frames
    frames = [replace(f, gravity_in_cam=None) for f in read_frames(target.capture)]
    write_frames(target.capture, frames, [])
    again = estimate_poses(target, PoseOptions(threads=2), SilentProgress())
    assert again["up_source"] == "vertical edges"
    second = read_posed_frames(target.poses).frames
    for a, b in zip(first[:6], second[:6], strict=True):
        up, other = a.camera.cam_from_world[:3, 2], b.camera.cam_from_world[:3, 2]
        assert np.degrees(np.arccos(np.clip(up @ other, -1, 1))) < 1.0  # of a camera that was not calibrated
