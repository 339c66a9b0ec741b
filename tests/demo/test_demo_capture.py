"""The sample capture: files, tags, and pictures that agree with the truth beside them."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps

from setpiece.capture.demo import DemoCapture, DemoOptions, make_demo
from setpiece.capture.demo.panorama import panorama_directions, panorama_positions
from setpiece.capture.demo.truth import TruePhoto, project_distorted, read_depth
from setpiece.errors import CaptureError


def upright(path: Path) -> NDArray[np.uint8]:
    """The photo as it is meant to be seen."""
    with Image.open(path) as image:
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))


def world_points(
    photo: TruePhoto, depth: NDArray[np.float32], at_px: NDArray[np.float64]
) -> NDArray[np.float64]:
    """World points [N, 3] that the photo shows at whole-pixel positions [N, 2] (column, row)."""
    camera = photo.camera
    drawn = (at_px + 0.5 - [camera.centre_x_px, camera.centre_y_px]) / camera.focal_x_px
    pinhole = drawn.copy()
    for _ in range(20):  # fixed point iteration: not the Newton steps that made the photo
        pinhole = drawn / (1 + photo.k1 * (pinhole**2).sum(axis=1, keepdims=True))
    z = depth[at_px[:, 1].astype(int), at_px[:, 0].astype(int)].astype(np.float64)
    in_camera = np.concatenate([pinhole, np.ones((len(at_px), 1))], axis=1) * z[:, None]
    pose = camera.world_from_cam
    return in_camera @ pose[:3, :3].T + pose[:3, 3]


def depth_of(demo: DemoCapture, path: Path) -> NDArray[np.float32]:
    return read_depth(demo.truth_folder / "depth" / f"{path.stem}.png")


def read_mesh(path: Path) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Vertices and faces, by a reader that trusts only the header."""
    data = path.read_bytes()
    head, body = data.split(b"end_header\n", 1)
    count = {
        line.split()[1]: int(line.split()[2])
        for line in head.decode().splitlines()
        if line.startswith("element")
    }
    vertex = np.dtype([("p", "<f4", 3), ("c", "u1", 3)])
    face = np.dtype([("n", "u1"), ("i", "<i4", 3)])
    vertices = np.frombuffer(body, vertex, count["vertex"])
    faces = np.frombuffer(body, face, count["face"], vertices.nbytes)
    assert len(body) == vertices.nbytes + faces.nbytes
    assert (faces["n"] == 3).all()
    return vertices["p"], faces["i"]


def test_photos_carry_the_tags_of_a_phone(tiny_demo: DemoCapture) -> None:
    times = []
    for path in tiny_demo.photos:
        with Image.open(path) as image:
            exif = image.getexif()
        tags = exif.get_ifd(ExifTags.IFD.Exif)
        assert exif[ExifTags.Base.Make] == "Setpiece"
        assert exif[ExifTags.Base.Model] == "Demo Phone"
        assert not exif.get_ifd(ExifTags.IFD.GPSInfo)
        assert tags[ExifTags.Base.FocalLengthIn35mmFilm] == 26
        assert float(tags[ExifTags.Base.FocalLength]) == pytest.approx(4.25)
        assert tags[ExifTags.Base.ISOSpeedRatings] == 100
        assert 1 / 80 < float(tags[ExifTags.Base.ExposureTime]) < 1 / 45
        assert "Demo Phone" in tags[ExifTags.Base.LensModel]
        times.append(tags[ExifTags.Base.DateTimeOriginal])
    assert times == sorted(set(times))


def test_orientation_agrees_with_the_true_camera(tiny_demo: DemoCapture) -> None:
    truth, orientations = tiny_demo.truth(), set()
    for path in tiny_demo.photos:
        camera = truth.photos[path.name].camera
        with Image.open(path) as image:
            orientation = image.getexif()[ExifTags.Base.Orientation]
            assert image.width > image.height  # the sensor always lies
        assert upright(path).shape == (camera.height, camera.width, 3)
        assert (camera.height > camera.width) == (orientation == 6)
        assert camera.cam_from_world[1, 2] < -0.7  # the picture's down is the world's -z
        orientations.add(orientation)
    assert orientations == {1, 6}


def test_focal_length_agrees_with_the_35_mm_equivalent(tiny_demo: DemoCapture) -> None:
    for photo in tiny_demo.truth().photos.values():
        diagonal = np.hypot(photo.camera.width, photo.camera.height)
        assert photo.camera.focal_x_px == pytest.approx(26 * diagonal / np.hypot(36, 24), rel=1e-4)


def test_depth_and_colour_agree_between_photos(tiny_demo: DemoCapture) -> None:
    """A point of one photo is where the truth says in the next, at that depth and in that colour."""
    truth = tiny_demo.truth()
    compared = 0
    for a, b in [(0, 1), (1, 2), (3, 4), (7, 8), (9, 10), (2, 9)]:
        path_a, path_b = tiny_demo.photos[a], tiny_demo.photos[b]
        photo_a, photo_b = truth.photos[path_a.name], truth.photos[path_b.name]
        depth_a, depth_b = depth_of(tiny_demo, path_a), depth_of(tiny_demo, path_b)
        rows, columns = np.mgrid[2 : depth_a.shape[0] - 2 : 5, 2 : depth_a.shape[1] - 2 : 5]
        at = np.stack([columns.ravel(), rows.ravel()], axis=1).astype(np.float64)
        at = at[depth_a[at[:, 1].astype(int), at[:, 0].astype(int)] > 0]
        seen = project_distorted(photo_b, world_points(photo_a, depth_a, at))
        inside = (seen[:, 2] > 0.1) & (seen[:, 0] > 3) & (seen[:, 1] > 3)
        inside &= (seen[:, 0] < photo_b.camera.width - 3) & (seen[:, 1] < photo_b.camera.height - 3)
        at, seen = at[inside], seen[inside]
        column, row = seen[:, 0].astype(int), seen[:, 1].astype(int)
        around = np.stack([depth_b[row + i, column + j] for i in (-1, 0, 1) for j in (-1, 0, 1)])
        smooth = (around.max(axis=0) - around.min(axis=0)) < 0.03 * around.max(axis=0)
        visible = smooth & (seen[:, 2] < 1.02 * around.max(axis=0))
        # Depth changes within a pixel, up to half of its change to the neighbours; quantised to 0.2 mm.
        error = np.abs(seen[:, 2] - depth_b[row, column])[visible]
        slack = 0.5 * (around.max(axis=0) - around.min(axis=0))[visible] + 0.0008
        assert (error <= slack).mean() > 0.97  # the rest hides within 2 % behind a thin thing

        blurred_a, blurred_b = (cv2.GaussianBlur(upright(p), (0, 0), 1.5) for p in (path_a, path_b))
        colour_a = blurred_a[at[:, 1].astype(int), at[:, 0].astype(int)][visible].astype(float)
        colour_b = blurred_b[row, column][visible].astype(float)
        assert np.median(np.abs(colour_a - colour_b)) < 6  # of 255: exposures differ by up to 0.2 EV
        assert np.corrcoef(colour_a.ravel(), colour_b.ravel())[0, 1] > 0.9
        compared += int(visible.sum())
    assert compared > 10_000


def test_mesh_is_upright_in_metres_and_agrees_with_depth(tiny_demo: DemoCapture) -> None:
    vertices, faces = read_mesh(tiny_demo.truth_folder / "mesh.ply")
    scene = json.loads((tiny_demo.truth_folder / "scene.json").read_text())
    assert scene["unit"] == "m"
    assert scene["up"] == "z"
    assert faces.min() == 0
    assert faces.max() < len(vertices)
    corners = vertices[faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]) / 2
    area = np.linalg.norm(normals, axis=1)
    up = normals[:, 2] > 0.99 * np.maximum(area, 1e-12)
    floor = up & (np.abs(corners[..., 2]).max(axis=1) < 1e-6)
    assert area[floor].sum() == pytest.approx(6.0 * 4.8, rel=1e-5)
    heights = corners[up][:, :, 2].mean(axis=1)
    top = area[up][np.abs(heights - 0.75) < 1e-4].sum()
    assert top == pytest.approx(1.5 * 0.8, rel=1e-4)  # the table

    photo = tiny_demo.truth().photos[tiny_demo.photos[0].name]
    depth = depth_of(tiny_demo, tiny_demo.photos[0])
    at = np.argwhere(depth > 0)[::997, ::-1].astype(np.float64)
    points = world_points(photo, depth, at)
    room = (np.abs(points[:, 0]) < 3.2) & (np.abs(points[:, 1]) < 2.45)
    assert room.mean() > 0.9
    assert points[room, 2].min() > -0.002
    assert points[room, 2].max() < 2.802


def test_panoramas_say_what_they_are_and_face_as_the_truth_says(tiny_demo: DemoCapture) -> None:
    truth = tiny_demo.truth()
    photo_path = tiny_demo.photos[3]
    photo, depth = truth.photos[photo_path.name], depth_of(tiny_demo, photo_path)
    flat = cv2.GaussianBlur(upright(photo_path), (0, 0), 2.5)
    at = np.argwhere(depth > 0)[::211, ::-1].astype(np.float64)
    points = world_points(photo, depth, at)
    for path in tiny_demo.panoramas:
        data = path.read_bytes()
        for text in (
            b'ProjectionType="equirectangular"',
            b'FullPanoWidthPixels="512"',
            b'PosePitchDegrees="0.0"',
        ):
            assert text in data
        sphere = cv2.GaussianBlur(upright(path), (0, 0), 1.5)
        assert sphere.shape == (256, 512, 3)
        cam_from_world = truth.panoramas[path.name]
        directions = points @ cam_from_world[:3, :3].T + cam_from_world[:3, 3]
        seen = panorama_positions(directions, 512)
        colour = sphere[seen[:, 1].astype(int).clip(0, 255), seen[:, 0].astype(int) % 512].astype(float)
        expected = flat[at[:, 1].astype(int), at[:, 0].astype(int)].astype(float)
        # Some points are hidden from the other place; a wrong orientation gives no correlation at all.
        assert np.corrcoef(colour.ravel(), expected.ravel())[0, 1] > 0.7
        assert np.median(np.abs(colour - expected)) < 25  # of 255; exposed and blurred differently


def test_panorama_positions_undo_directions() -> None:
    at = np.random.default_rng(1).uniform([0, 2], [512, 254], (200, 2))
    np.testing.assert_allclose(panorama_positions(panorama_directions(at, 512), 512), at, atol=1e-9)


def test_photos_overlap_and_show_depth(tiny_demo: DemoCapture) -> None:
    """Neighbours stand apart, and every photo looks into the set."""
    cameras = [truth.camera for truth in tiny_demo.truth().photos.values()]
    centres = np.array([c.centre_in_world for c in cameras])
    assert (np.abs(centres[:, 0]) < 2.9).all()
    assert (np.abs(centres[:, 1]) < 2.3).all()
    assert ((centres[:, 2] > 0.9) & (centres[:, 2] < 1.75)).all()
    assert tiny_demo.truth().path_extent_m > 3


def test_same_options_same_bytes(tmp_path: Path) -> None:
    options = dataclasses.replace(
        DemoOptions.tiny(), photos=2, width=160, panoramas=1, panorama_width=128, texel_scale=6.0
    )
    one = make_demo(tmp_path / "one", options)
    two = make_demo(tmp_path / "two with space ü", dataclasses.replace(options, threads=1))
    names = sorted(p.relative_to(one.folder) for p in one.folder.rglob("*") if p.is_file())
    assert len(names) == 2 + 1 + 2 + 3 + 1
    for name in names:
        assert (one.folder / name).read_bytes() == (two.folder / name).read_bytes(), name

    stamps = {p: p.stat().st_mtime_ns for p in one.photos}
    assert make_demo(one.folder, options) == one  # complete: not made again
    assert stamps == {p: p.stat().st_mtime_ns for p in one.photos}
    other = make_demo(one.folder, dataclasses.replace(options, photos=1))
    assert len(list(other.photo_folder.iterdir())) == 1


def test_what_is_not_ours_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "holiday.jpg").write_bytes(b"mine")
    with pytest.raises(CaptureError, match="not empty"):
        make_demo(tmp_path, DemoOptions.tiny())
    assert (tmp_path / "photos" / "holiday.jpg").read_bytes() == b"mine"
    with pytest.raises(CaptureError, match="at least one photo"):
        DemoOptions(photos=0)
