"""Printed markers: the page, finding it, and the scale that it tells."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pycolmap
import pytest
from click.testing import CliRunner
from test_frames import PLAIN

from setpiece.capture.scale.marker import Sighting, scale_from_markers, squares_of
from setpiece.capture.scale.posed_photos import PosedPhoto
from setpiece.capture.scale.sheet import Paper, marker_pdf, tag_cells
from setpiece.capture.scale.tags import CELLS, Tag, find_tags
from setpiece.cli import main
from setpiece.errors import SetpieceError

SIDE = 0.32  # units of COLMAP's world: a unit is half a metre, since the print has 160 mm
PRINTED = 160.0


def photo_at(number: int, x: float, y: float, distance: float) -> PosedPhoto:
    """A photo of the origin, where the marker lies in the plane z = 0, from its -z side."""
    centre = np.array([x, y, -distance])
    forward = -centre / np.linalg.norm(centre)
    right = np.cross([0, 1, 0], forward)
    right /= np.linalg.norm(right)
    turn = np.stack([right, np.cross(forward, right), forward])
    camera = pycolmap.Camera(model="SIMPLE_RADIAL", width=1600, height=1200, params=[1300, 800, 600, 0.02])
    frame = replace(PLAIN, name=f"{number}.jpg", width=1600, height=1200)
    return PosedPhoto(number, frame, camera, np.c_[turn, -turn @ centre])


PHOTOS = [photo_at(i, 1.2 * np.cos(i), 0.9 * np.sin(i), 2.0 + 0.4 * (i % 4)) for i in range(8)]
SQUARE = SIDE * np.array([[-0.5, -0.5, 0], [0.5, -0.5, 0], [0.5, 0.5, 0], [-0.5, 0.5, 0]])


def seen(photo: PosedPhoto, points: np.ndarray) -> np.ndarray:
    pose = photo.cam_from_colmap
    return np.asarray(photo.camera.img_from_cam(points @ pose[:, :3].T + pose[:, 3]))


def tag(photo: PosedPhoto, square: np.ndarray, number: int = 3, noise: float = 0.0, seed: int = 0) -> Tag:
    rng = np.random.default_rng((seed, photo.frame_number))
    return Tag(number, seen(photo, square) + noise * rng.normal(size=(4, 2)), True)


def test_the_side_of_a_square_tells_the_scale() -> None:
    found, notes = scale_from_markers(PHOTOS, [[tag(p, SQUARE)] for p in PHOTOS], PRINTED)
    assert found is not None
    assert found.metres_per_unit == pytest.approx(0.5, rel=1e-6)
    assert 0.002 < found.error < 0.004  # of the paper, mostly
    assert found.detail == "number 3 in 8 photos, 160 mm"
    assert notes == []


def test_stated_errors_are_those_that_are_seen() -> None:
    off, stated = [], []
    for seed in range(40):
        tags = [tag(p, SQUARE, noise=0.3, seed=seed) for p in PHOTOS]
        (square,) = squares_of([_sighting(p, t) for p, t in zip(PHOTOS, tags, strict=True)])
        off.append(square.side / SIDE - 1)
        stated.append(square.error)
    assert 0.5 < np.std(off) / np.mean(stated) < 1.2  # the errors also allow for moved edges


def _sighting(photo: PosedPhoto, found: Tag) -> Sighting:
    return Sighting(photo, photo.flat(found.corners), np.zeros((4, 2)), 0.3)


def test_edges_that_all_moved_outwards_are_told_from_a_larger_square() -> None:
    near_and_far = [photo_at(i, 1.2 * np.cos(i), 0.9 * np.sin(i), 0.8 + 1.2 * (i % 4)) for i in range(12)]
    tags = []
    for photo in near_and_far:
        corners = tag(photo, SQUARE).corners
        middle = corners.mean(axis=0)
        side = np.linalg.norm(corners[0] - corners[1])
        tags.append([Tag(0, middle + (corners - middle) * (1 + 2 * 0.3 / side), True)])
    found, _ = scale_from_markers(near_and_far, tags, PRINTED)
    assert found is not None
    assert found.metres_per_unit == pytest.approx(0.5, rel=0.002)


def test_the_same_number_printed_twice_and_a_wrong_corner() -> None:
    other = SQUARE @ cv2.Rodrigues(np.array([0.0, 0.0, 0.7]))[0].T + (0.9, 0.2, 0.1)
    tags = [[tag(p, SQUARE if i % 2 else other)] for i, p in enumerate(PHOTOS)]
    tags[1] = [Tag(3, tags[1][0].corners + (40, 0), True)]
    found, _ = scale_from_markers(PHOTOS, tags, PRINTED)
    assert found is not None
    assert found.metres_per_unit == pytest.approx(0.5, rel=1e-4)
    assert "7 photos" in found.detail


def test_markers_of_different_size_contradict_each_other() -> None:
    larger = SQUARE * 1.1 + (0.8, 0, 0)
    tags = [[tag(p, SQUARE, 0), tag(p, larger, 1)] for p in PHOTOS]
    found, notes = scale_from_markers(PHOTOS, tags, PRINTED)
    assert found is not None
    assert "marker 0" in notes[0]
    assert "marker 1" in notes[0]
    assert found.error > 0.02


def test_a_marker_that_is_hardly_seen_says_nothing() -> None:
    tags = [[tag(PHOTOS[0], SQUARE)], *([] for _ in PHOTOS[1:])]
    found, notes = scale_from_markers(PHOTOS, tags, PRINTED)
    assert found is None
    assert "show it in several photos" in notes[0]


def drawn(path: Path, photo: PosedPhoto, number: int) -> np.ndarray:
    """Draw the marker with its white edge on grey, as `photo` sees it but without distortion; its corners."""
    pinhole = pycolmap.Camera(model="PINHOLE", width=1600, height=1200, params=[1300, 1300, 800, 600])
    flat = replace(photo, camera=pinhole)
    corners = seen(flat, SQUARE)
    finer = 4
    cells = np.pad(np.where(tag_cells(number), 0.03, 0.8), 1, constant_values=0.8).astype(np.float32)
    cells = cv2.resize(cells, None, fx=40, fy=40, interpolation=cv2.INTER_NEAREST)
    inner = np.array([[1, 1], [CELLS + 1, 1], [CELLS + 1, CELLS + 1], [1, CELLS + 1]], np.float32) * 40 - 0.5
    to = cv2.getPerspectiveTransform(inner, (corners * finer - 0.5).astype(np.float32))
    light = np.full((1200 * finer, 1600 * finer), 0.3, np.float32)
    cv2.warpPerspective(
        cells, to, (1600 * finer, 1200 * finer), light, cv2.INTER_LINEAR, cv2.BORDER_TRANSPARENT
    )
    light = cv2.resize(light, (1600, 1200), interpolation=cv2.INTER_AREA)
    light = cv2.GaussianBlur(light, (0, 0), 0.8)
    light += np.random.default_rng(photo.frame_number).normal(0, 0.004, light.shape).astype(np.float32)
    cv2.imwrite(str(path), np.rint(255 * np.clip(light, 0, 1) ** (1 / 2.2)).astype(np.uint8))
    return corners


@pytest.mark.parametrize("number", [0, 29])
def test_corners_are_found_to_a_tenth_of_a_pixel(tmp_path: Path, number: int) -> None:
    for photo in PHOTOS[:4]:
        corners = drawn(tmp_path / "photo.png", photo, number)
        (found,) = find_tags(tmp_path / "photo.png")
        assert (found.number, found.sharp) == (number, True)
        assert np.abs(found.corners - corners).max() < 0.15
        assert np.abs((found.corners - corners).mean(axis=0)).max() < 0.05


def test_nothing_is_found_where_nothing_is(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (300, 400), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "noise.png"), cv2.resize(noise, (1600, 1200), interpolation=cv2.INTER_NEAREST))
    assert find_tags(tmp_path / "noise.png") == []
    drawn(tmp_path / "photo.png", PHOTOS[0], 31)  # somebody else's
    assert find_tags(tmp_path / "photo.png") == []


@pytest.mark.parametrize("paper", Paper)
def test_the_page_is_exact_in_millimetres(paper: Paper, tmp_path: Path) -> None:
    pdfium = pytest.importorskip("pypdfium2")
    document = pdfium.PdfDocument(marker_pdf([0, 7], paper))
    assert len(document) == 2
    per_mm = 12
    for page, number in zip(document, (0, 7), strict=True):
        assert np.allclose(np.array(page.get_size()) / 72 * 25.4, paper.size_mm, atol=0.01)
        shown = np.squeeze(page.render(scale=per_mm * 25.4 / 72, grayscale=True).to_numpy())
        cv2.imwrite(str(tmp_path / "page.png"), shown)
        (found,) = find_tags(tmp_path / "page.png")
        assert found.number == number
        sides = np.linalg.norm(found.corners - np.roll(found.corners, -1, axis=0), axis=1)
        assert np.allclose(sides / per_mm, 160.0, atol=1.5 / per_mm)  # pdfium widens by a pixel
        text = page.get_textpage().get_text_range()
        assert "This line is 100 mm long" in text
        assert f"Setpiece marker {number}" in text
        below = shown[round(found.corners[:, 1].max()) + 5 * per_mm :]
        ruler = below[(below < 250).sum(axis=1).argmax()] < 250
        assert ruler.sum() / per_mm == pytest.approx(100, abs=0.5)


def test_numbers_that_are_not_ours() -> None:
    with pytest.raises(SetpieceError, match="0 to 29"):
        marker_pdf([30], Paper.A4)


def test_the_command(tmp_path: Path) -> None:
    output = tmp_path / "m.pdf"
    run = CliRunner().invoke(main, ["marker", "-o", str(output), "--ids", "0-2,5"])
    assert run.exit_code == 0, run.output
    assert "4 pages" in run.output
    assert output.read_bytes().startswith(b"%PDF-1.4")
    again = CliRunner().invoke(main, ["marker", "-o", str(output)])
    assert again.exit_code == 1
    assert "is there already" in again.output
    wrong = CliRunner().invoke(main, ["marker", "-o", str(tmp_path / "n"), "--ids", "x"])
    assert "names no markers" in wrong.output
