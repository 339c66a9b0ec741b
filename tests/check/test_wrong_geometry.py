"""Places that only look alike, fronts that repeat and mirrored photos are not taken for one sound place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_captures import copied

from setpiece.capture.check.check import Checked
from setpiece.capture.check.shutter import shutter
from setpiece.capture.consistency import agreement
from setpiece.capture.estimate import estimate_poses
from setpiece.capture.features import FeatureSettings, extract
from setpiece.capture.glued import missing, optics_of, places
from setpiece.capture.ingest import ingest
from setpiece.capture.mirrored import mirrored_features
from setpiece.capture.model import Model
from setpiece.capture.options import CaptureOptions, PoseOptions
from setpiece.capture.reconstruction import scene_of
from setpiece.capture.sources import find_sources
from setpiece.errors import PoseError
from setpiece.posed import read_posed_frames
from setpiece.progress import SilentProgress
from setpiece.setfolder import SetFolder

Check = Callable[[Path], Checked]


def pose(photos: Path, place: Path) -> tuple[SetFolder, dict[str, Any]]:
    target = SetFolder.create(place)
    ingest(target, find_sources(photos), CaptureOptions(), SilentProgress())
    return target, estimate_poses(target, PoseOptions(threads=2, max_features=2048), SilentProgress())


@pytest.fixture(scope="module")
def two_rooms(good: Path, double_photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos 1 to 20 of one room and 21 to 40 of its double."""
    folder = tmp_path_factory.mktemp("rooms") / "photos"
    copied(good, folder)
    copied(double_photos, folder)
    return folder


def test_a_room_and_its_double_are_torn_apart(two_rooms: Path, tmp_path: Path) -> None:
    target, result = pose(two_rooms, tmp_path / "set")
    names = [f.name for f in read_posed_frames(target.poses).frames]
    numbers = {int(n[4:8]) for n in names}
    assert numbers in (set(range(1, 21)), set(range(21, 41)))
    assert "do not fit together" in result["warnings"][0]
    assert result["agreement"] > 0.98
    assert len(result["left_out"]) == 20


def test_the_check_names_the_double(two_rooms: Path, checked: Check) -> None:
    found = checked(two_rooms).reshoot
    assert found[0].kind == "double"
    numbers = {int(Path(p).stem[-4:]) for p in found[0].photos}
    assert numbers in (set(range(1, 21)), set(range(21, 41)))


def test_a_front_that_repeats_itself_is_refused(facade_photos: Path, tmp_path: Path) -> None:
    with pytest.raises(PoseError, match=r"do not fit together.*only once"):
        pose(facade_photos, tmp_path / "set")


def test_mirrored_photos_are_left_out(damaged: Callable[[str], Path], tmp_path: Path) -> None:
    target, result = pose(damaged("mirrored"), tmp_path / "set")
    numbers = {int(f.name[4:8]) for f in read_posed_frames(target.poses).frames}
    assert numbers == set(range(1, 21)) - {4, 9, 14, 19}
    assert "mirrored" in " ".join(result["warnings"])


def test_a_good_capture_is_left_alone(good: Path, tmp_path: Path) -> None:
    _, result = pose(good, tmp_path / "set")
    assert result["warnings"] == []
    assert result["frames_posed"] == 20
    assert result["agreement"] > 0.98


@pytest.mark.parametrize(
    "capture",
    ["fox/images", "strecha_fountain-P11_half/images", "opensfm_lund/images"],
    ids=["fox", "fountain", "lund"],
)
def test_no_false_alarm(capture: str, shared_data: Path, checked: Check) -> None:
    look = checked(shared_data / capture).look
    model = look.model
    assert model is not None
    assert len(places(model, optics_of(look.found.largest, model.frames))) == 1


def test_missing_is_nothing_between_cameras_of_one_place(good: Path, checked: Check) -> None:
    look = checked(good).look
    assert look.model is not None
    found = missing(look.model, optics_of(look.found.largest, look.model.frames))
    assert len(found.pairs) > 50
    assert found.share.max() < 0.06


def test_agreement_falls_when_a_camera_is_moved(good: Path, checked: Check) -> None:
    look = checked(good).look
    scene = scene_of(look.found.largest)
    keypoints = [f.keypoints for f in look.matched.features]
    before = agreement(scene, keypoints, look.matched.geometries)
    assert before.share > 0.98
    assert not before.contradicted
    scene = replace(scene, poses=scene.poses.copy())
    scene.poses[5, :3, 3] += 0.3 * Model.of(look.found.largest).median_depth
    after = agreement(scene, keypoints, look.matched.geometries)
    assert after.share < before.share
    assert all(5 in p.pair for p in after.contradicted)
    assert after.contradicted


def test_a_fast_camera_is_noted(good: Path, checked: Check) -> None:
    look = checked(good).look
    slow, fast = (
        replace(look, frames=[replace(f, clip="a.mp4", clip_time_s=s * f.order) for f in look.frames])
        for s in (1.0, 0.05)
    )
    assert not shutter(slow)
    assert "lean by up to" in shutter(fast)[0].sentence
    assert not shutter(look)


def test_mirrored_features_are_those_of_the_mirrored_picture(good: Path, tmp_path: Path) -> None:
    from PIL import Image

    with Image.open(sorted(good.iterdir())[0]) as photo:
        photo.convert("L").save(tmp_path / "a.png")
        photo.convert("L").transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(tmp_path / "b.png")
    settings = FeatureSettings(1280, 400)
    first, second = (extract(tmp_path / n, settings) for n in ("a.png", "b.png"))
    turned = mirrored_features(first, 640)
    gap = np.abs(turned.keypoints[:, None, :2] - second.keypoints[None, :, :2]).max(axis=2)
    nearest = gap.argmin(axis=1)
    same = gap.min(axis=1) < 0.05
    assert same.mean() > 0.6
    a = turned.descriptors[same].astype(float)
    b = second.descriptors[nearest[same]].astype(float)
    cosine = (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    assert np.median(cosine) > 0.999
