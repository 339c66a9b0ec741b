"""Photos to poses: against the truth of the sample capture and of a measured one, and where it must fail."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pycolmap
import pytest
from made_photos import copy_photos, pan, pose
from PIL import Image, ImageFilter

from setpiece.capture.align import pose_errors, similarity
from setpiece.capture.demo import DemoCapture
from setpiece.capture.demo.truth import read_depth
from setpiece.capture.frames import read_frames
from setpiece.errors import PoseError
from setpiece.posed import read_posed_frames
from setpiece.setfolder import SetFolder

Posed = tuple[SetFolder, dict[str, object]]


def test_the_sample_capture_against_its_truth(posed_demo: Posed, tiny_demo: DemoCapture) -> None:
    target, result = posed_demo
    truth = tiny_demo.truth()
    posed = read_posed_frames(target.poses)
    sources = {f.name: f.source for f in read_frames(target.capture)}
    assert result["frames_posed"] == len(posed.frames) == len(truth.photos) == 12
    found = np.array([f.camera.cam_from_world for f in posed.frames])
    wanted = np.array([truth.photos[sources[f.name]].camera.cam_from_world for f in posed.frames])
    errors = pose_errors(found, wanted)
    assert errors.centre.max() < 0.005 * truth.path_extent_m
    assert errors.rotation_deg.max() < 0.2


def test_the_sample_capture_is_upright_on_its_floor(posed_demo: Posed, tiny_demo: DemoCapture) -> None:
    target, result = posed_demo
    truth = tiny_demo.truth()
    sources = {f.name: f.source for f in read_frames(target.capture)}
    frames = read_posed_frames(target.poses).frames
    ours = np.array([f.camera.centre_in_world for f in frames])
    true = np.array([truth.photos[sources[f.name]].camera.centre_in_world for f in frames])
    true_from_ours = similarity(ours, true)
    up = true_from_ours[:3, 2] / np.linalg.norm(true_from_ours[:3, 2])
    assert np.degrees(np.arccos(up[2])) < 0.5
    assert result["floor"] is True
    assert abs((true_from_ours @ [0, 0, 0, 1])[2]) < 0.03  # metres: what is called z = 0 is the floor
    frame = target.document()["frame"]
    assert (frame["upright"], frame["floor"], frame["scale_known"]) == (True, True, False)
    assert frame["unit"] == "units"


def test_undistorted_pictures_show_the_points_where_the_cameras_say(
    posed_demo: Posed, tiny_demo: DemoCapture
) -> None:
    # The truth's depth of a pixel of the photo, taken to the world and into our pinhole picture, must meet
    # the same colour there: distortion, half pixels and scale all enter.
    target, _ = posed_demo
    truth = tiny_demo.truth()
    posed = read_posed_frames(target.poses)
    sources = {f.name: f.source for f in read_frames(target.capture)}
    ours = np.array([f.camera.centre_in_world for f in posed.frames])
    true = np.array([truth.photos[sources[f.name]].camera.centre_in_world for f in posed.frames])
    ours_from_true = np.linalg.inv(similarity(ours, true))
    for f in posed.frames[:3]:
        photo = truth.photos[sources[f.name]]
        depth = read_depth(tiny_demo.truth_folder / "depth" / Path(sources[f.name]).with_suffix(".png").name)
        shown = np.asarray(Image.open(target.path / f.image).convert("L"), np.float64)
        taken = np.asarray(Image.open(target.capture / "frames" / f.name).convert("L"), np.float64)
        assert (f.camera.height, f.camera.width) == shown.shape
        y, x = (v.ravel() for v in np.mgrid[10 : depth.shape[0] - 10 : 3, 10 : depth.shape[1] - 10 : 3])
        y, x = y[depth[y, x] > 0], x[depth[y, x] > 0]
        c = photo.camera
        drawn = np.stack(
            [(x + 0.5 - c.centre_x_px) / c.focal_x_px, (y + 0.5 - c.centre_y_px) / c.focal_y_px], 1
        )
        flat = drawn.copy()
        for _ in range(20):
            flat = drawn / (1 + photo.k1 * (flat**2).sum(axis=1, keepdims=True))
        in_cam = np.concatenate([flat, np.ones((len(flat), 1))], axis=1) * depth[y, x, None]
        in_true = in_cam @ c.world_from_cam[:3, :3].T + c.world_from_cam[:3, 3]
        at = f.camera.project(in_true @ ours_from_true[:3, :3].T + ours_from_true[:3, 3])
        inside = (
            (at[:, 0] > 2)
            & (at[:, 0] < f.camera.width - 2)
            & (at[:, 1] > 2)
            & (at[:, 1] < f.camera.height - 2)
        )
        col, row = np.floor(at[inside, :2]).astype(int).T
        a, b = taken[y[inside], x[inside]], shown[row, col]
        assert np.corrcoef(a, b)[0, 1] > 0.97


def test_what_is_written_beside_the_poses(posed_demo: Posed) -> None:
    target, result = posed_demo
    document = json.loads((target.poses / "poses.json").read_text(encoding="utf-8"))
    world_from_colmap = np.array(document["world_from_colmap"])
    model = pycolmap.Reconstruction(str(target.poses / "sparse"))
    posed = read_posed_frames(target.poses)
    for f in posed.frames:
        image = model.find_image_with_name(f.name)
        moved = world_from_colmap @ np.append(image.projection_center(), 1)
        assert np.allclose(moved[:3], f.camera.centre_in_world, atol=1e-9)
    points = posed.points
    assert result["points"] == len(points.points_in_world) == model.num_points3D()
    assert points.rgb.std() > 5  # coloured by the pictures
    assert points.track_length.min() >= 2
    assert [f.order for f in posed.frames] == sorted(f.order for f in posed.frames)
    assert len(posed.test) == 2  # of twelve, every eighth
    assert not list(target.capture.glob(".poses-work"))
    assert set(result["seconds"]) >= {"features", "matching", "mapping"}  # type: ignore[call-overload]


def test_the_same_photos_give_the_same_poses(
    posed_demo: Posed, tiny_demo: DemoCapture, tmp_path: Path
) -> None:
    again, _ = pose(tiny_demo.photo_folder, tmp_path / "again")
    first, second = (read_posed_frames(t.poses) for t in (posed_demo[0], again))
    for a, b in zip(first.frames, second.frames, strict=True):
        assert np.array_equal(a.camera.cam_from_world, b.camera.cam_from_world)


@pytest.mark.real_data
def test_the_fountain_in_millimetres(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "strecha_fountain-P11_half"
    target, result = pose(folder / "images", tmp_path / "set")
    assert result["frames_posed"] == 11
    posed = read_posed_frames(target.poses)
    reference = {}
    for image in json.loads((folder / "reference_poses.json").read_text())["images"]:
        matrix = np.eye(4)
        matrix[:3, :3] = np.array(image["R_world_to_cam"])
        matrix[:3, 3] = -matrix[:3, :3] @ np.array(image["C"])
        reference[image["name"]] = matrix
    errors = pose_errors(
        np.array([f.camera.cam_from_world for f in posed.frames]),
        np.array([reference[f.name] for f in posed.frames]),
    )
    assert errors.centre_median < 0.005  # metres
    assert float(np.median(errors.rotation_deg)) < 0.1


@pytest.mark.real_data
def test_photos_of_two_places(
    shared_data: Path, tiny_demo: DemoCapture, photos: Path, tmp_path: Path
) -> None:
    copy_photos(tiny_demo.photo_folder, photos)
    other = copy_photos(shared_data / "strecha_fountain-P11_half" / "images", photos, 0, 6)
    _, result = pose(photos, tmp_path / "set")
    assert result["frames_posed"] == 12
    left_out = {x["name"]: x["reason"] for x in result["left_out"]}  # type: ignore[attr-defined]
    assert set(left_out) == {f.name for f in other}
    assert all("group of 6" in reason for reason in left_out.values())
    (warning,) = result["warnings"]  # type: ignore[misc]
    assert "6 photos show another place" in warning


def test_two_photos_of_another_place_are_named_loudly(
    tiny_demo: DemoCapture, photos: Path, tmp_path: Path
) -> None:
    copy_photos(tiny_demo.photo_folder, photos, 0, 8)
    pan(photos, 2, 10)  # two photos of a far wall, 00.jpg and 01.jpg
    _, result = pose(photos, tmp_path / "set")
    assert result["frames_posed"] == 8
    (warning,) = result["warnings"]  # type: ignore[misc]
    assert "2 photos show another place" in warning
    assert "00.jpg, 01.jpg" in warning


def test_a_photo_that_fits_nowhere_is_named(tiny_demo: DemoCapture, photos: Path, tmp_path: Path) -> None:
    copied = copy_photos(tiny_demo.photo_folder, photos, 0, 8)
    with Image.open(copied[0]) as opened:
        opened.filter(ImageFilter.GaussianBlur(12)).save(photos / "zz_blurred.jpg")
    noise = np.random.default_rng(0).integers(0, 255, (360, 480, 3), dtype=np.uint8)
    Image.fromarray(noise).save(photos / "zz_noise.png")
    _, result = pose(photos, tmp_path / "set")
    assert result["frames_posed"] == 8
    left_out = {x["name"]: x["reason"] for x in result["left_out"]}  # type: ignore[attr-defined]
    assert set(left_out) == {"zz_blurred.jpg", "zz_noise.jpg"}
    assert "blurred" in left_out["zz_blurred.jpg"]
    assert "matches no other photo" in left_out["zz_noise.jpg"]


def test_turning_on_the_spot(photos: Path, tmp_path: Path) -> None:
    pan(photos, 8, 10)
    with pytest.raises(PoseError, match="turning on the spot"):
        pose(photos, tmp_path / "set")
    assert not (tmp_path / "set" / "poses").exists()


def test_photos_of_nothing(photos: Path, tmp_path: Path) -> None:
    for i in range(4):
        Image.new("RGB", (640, 480), (40 * i, 90, 90)).save(photos / f"{i}.jpg")
    with pytest.raises(PoseError, match="too little detail"):
        pose(photos, tmp_path / "set")


def test_photos_without_overlap(photos: Path, tmp_path: Path) -> None:
    pan(photos, 4, 80)
    with pytest.raises(PoseError, match="overlap"):
        pose(photos, tmp_path / "set")
