"""Masks and transparency: whose they are, which way up, and that nothing is found where they ignore."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from made_photos import copy_photos, pose
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps
from test_frames import PLAIN

from setpiece.capture.defaults import colmap_matches
from setpiece.capture.demo import DemoCapture
from setpiece.capture.features import FeatureSettings, extract, extract_all, extract_slowly
from setpiece.capture.frames import CapturedFrame, read_frames
from setpiece.capture.ingest import ingest as ingest_capture
from setpiece.capture.mask import colmap_masks, inner, load_mask, read_mask, write_mask
from setpiece.capture.mask_files import match_masks
from setpiece.capture.options import CaptureOptions
from setpiece.capture.sources import find_sources
from setpiece.posed import read_posed_frames
from setpiece.progress import SilentProgress
from setpiece.setfolder import SetFolder

SIZE = (480, 320)


def photo(path: Path, seed: int, orientation: int = 1, mode: str = "RGB") -> Image.Image:
    """A photo of noise, [320, 480] as it is stored."""
    noise = np.random.default_rng(seed).integers(0, 255, (40, 60, 3), dtype=np.uint8)
    picture = Image.fromarray(noise).resize(SIZE, Image.Resampling.BICUBIC).convert(mode)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".jpg":
        picture.save(path, quality=95, exif=exif)
    return picture


def mask(path: Path, box: tuple[int, int, int, int], size: tuple[int, int] = SIZE) -> NDArray[np.uint8]:
    """A mask that ignores the box left, top, right, bottom."""
    pixels = np.full((size[1], size[0]), 255, np.uint8)
    pixels[box[1] : box[3], box[0] : box[2]] = 0
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return pixels


def ingest(photos: Path) -> tuple[dict[str, object], dict[str, CapturedFrame], SetFolder]:
    target = SetFolder.create(photos.parent / "set")
    result = ingest_capture(target, find_sources(photos), CaptureOptions(), SilentProgress())
    return result, {f.source: f for f in read_frames(target.capture)}, target


def written(target: SetFolder, frame: CapturedFrame) -> NDArray[np.bool_]:
    assert frame.mask is not None
    return load_mask(target.capture / "masks" / frame.mask)


def test_names() -> None:
    photos = ["a/one.jpg", "a/two.jpg", "b/two.jpg", "three.JPG", "four.heic", "five.jpg", "six.jpg"]
    masks = [
        "masks/a/one.jpg.png",  # COLMAP's
        "masks/five.jpg.png",
        "masks/two.png",  # of which?
        "masks/three.mask.png",
        "four.mask.png",
        "masks/five.png",  # a second one
        "masks/seven.jpg.png",
        "a/masks/two.jpg.png",
    ]
    found, warnings = match_masks(masks, photos)
    assert found == {
        "a/one.jpg": "masks/a/one.jpg.png",
        "five.jpg": "masks/five.jpg.png",
        "three.JPG": "masks/three.mask.png",
        "four.heic": "four.mask.png",
        "a/two.jpg": "a/masks/two.jpg.png",
    }
    text = "\n".join(warnings)
    assert len(warnings) == 3
    assert "masks/two.png may be the mask of a/two.jpg, b/two.jpg" in text
    assert "1 mask is for no photo of the capture: masks/seven.jpg.png" in text
    assert "masks/five.png (five.jpg has masks/five.jpg.png)" in text


def test_folders_in_front_may_be_missing() -> None:
    found, warnings = match_masks(["masks/p.jpg.png"], ["images/p.jpg"])  # image_path and mask_path of COLMAP
    assert found == {"images/p.jpg": "masks/p.jpg.png"}
    assert not warnings


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_mask_is_turned_like_its_photo(tmp_path: Path, orientation: int) -> None:
    box = (30, 50, 200, 130)
    stored = mask(tmp_path / "m.png", box)
    tags = Image.Exif()
    tags[ExifTags.Base.Orientation] = orientation
    picture = Image.fromarray(stored)
    picture.info["exif"] = tags.tobytes()
    reloaded = tmp_path / "with-exif.png"
    picture.save(reloaded, exif=tags)
    with Image.open(reloaded) as opened:
        expected = np.asarray(ImageOps.exif_transpose(opened)) > 0
    size = (expected.shape[1], expected.shape[0])
    found = read_mask(tmp_path / "m.png", SIZE, orientation, size)
    np.testing.assert_array_equal(found, expected)
    if orientation >= 5:  # an upright mask stays as it is
        Image.fromarray(np.where(expected, 255, 0).astype(np.uint8)).save(tmp_path / "upright.png")
        np.testing.assert_array_equal(read_mask(tmp_path / "upright.png", SIZE, orientation, size), expected)


def test_a_smaller_mask_and_other_kinds(tmp_path: Path) -> None:
    mask(tmp_path / "small.png", (0, 0, 120, 160), (240, 160))
    found = read_mask(tmp_path / "small.png", SIZE, 1, SIZE)
    assert found is not None
    assert 0.49 < found.mean() < 0.51
    halves = np.zeros((320, 480), np.uint8)
    halves[:, 240:] = 1  # 0 and 1, as segmentations are written
    Image.fromarray(halves).save(tmp_path / "ones.png")
    Image.fromarray(halves * 255).save(tmp_path / "lossy.jpg", quality=60)
    Image.fromarray(halves.astype(bool)).save(tmp_path / "bits.png")
    Image.fromarray(np.stack([halves * 0, halves * 0, halves * 200], -1)).save(tmp_path / "blue.png")
    for name in ("ones.png", "lossy.jpg", "bits.png", "blue.png"):
        read = read_mask(tmp_path / name, SIZE, 1, SIZE)
        assert read is not None
        assert (read != (halves > 0)).mean() < 0.01, name
    mask(tmp_path / "white.png", (0, 0, 0, 0))
    assert read_mask(tmp_path / "white.png", SIZE, 1, SIZE) is None


def test_contradictions_are_said_and_the_rest_is_used(photos: Path) -> None:
    for i, name in enumerate(("good", "small", "black", "damaged", "turned")):
        photo(photos / f"{name}.jpg", i, 6 if name == "turned" else 1)
    clear = photo(photos / "clear.png", 7, mode="RGBA")
    alpha = np.full((320, 480), 255, np.uint8)
    alpha[:100] = 0
    clear.putalpha(Image.fromarray(alpha))
    clear.save(photos / "clear.png")
    photo(photos / "gone.webp", 8, mode="RGB").save(photos / "gone.webp", lossless=True)
    nothing = photo(photos / "nothing.png", 9, mode="RGBA")
    nothing.putalpha(0)
    nothing.save(photos / "nothing.png")
    mask(photos / "masks" / "good.jpg.png", (0, 0, 240, 320))
    mask(photos / "masks" / "small.jpg.png", (0, 0, 20, 20), (300, 300))
    mask(photos / "masks" / "black.jpg.png", (0, 0, 480, 320))
    (photos / "masks" / "damaged.jpg.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    mask(photos / "masks" / "turned.jpg.png", (0, 0, 240, 320))
    mask(photos / "masks" / "clear.png.png", (0, 0, 480, 200))
    mask(photos / "masks" / "other.jpg.png", (0, 0, 9, 9))
    result, frames, target = ingest(photos)
    warnings = result["warnings"]
    assert isinstance(warnings, list)
    text = "\n".join(warnings)
    assert len(warnings) == 5
    assert "masks/small.jpg.png: it is not used: it is 300x300 pixels, the photo 480x320." in text
    assert "masks/black.jpg.png: it is not used: it is all black, and 0 means ignore." in text
    assert "masks/damaged.jpg.png: it is not used: it is no readable picture" in text
    assert "masks/clear.png.png: the photo is transparent in places, too" in text
    assert "masks/other.jpg.png" in text
    assert result["masked"] == 3
    assert {s for s, f in frames.items() if f.mask} == {"good.jpg", "turned.jpg", "clear.png"}
    assert result["left_out"] == [{"name": "nothing.png", "reason": "all of it is transparent"}]
    assert written(target, frames["good.jpg"])[:, 240:].all()
    assert not written(target, frames["good.jpg"])[:, :240].any()
    turned = written(target, frames["turned.jpg"])
    assert turned.shape == (480, 320)
    assert turned[240:].all()
    assert not turned[:240].any()  # what was on the left is on top now
    assert not written(target, frames["clear.png"])[:200].any()
    assert written(target, frames["clear.png"])[200:].all()


def test_no_feature_lies_on_what_is_ignored(tmp_path: Path) -> None:
    picture = tmp_path / "p.jpg"
    noise = np.random.default_rng(1).integers(0, 255, (120, 160), dtype=np.uint8)
    Image.fromarray(cv2.resize(noise, (640, 480), interpolation=cv2.INTER_CUBIC)).save(picture, quality=95)
    counts = np.ones((480, 640), bool)
    counts[:, :400] = False
    settings = FeatureSettings(640, 60)
    for found in (extract(picture, settings, None, counts), extract_slowly(picture, settings, counts)):
        assert found.count == 60  # the strongest of what counts, not what is left of the strongest
        assert found.keypoints[:, 0].min() >= 399.5
    small = np.ascontiguousarray(counts[::4, ::4])
    np.testing.assert_array_equal(
        extract(picture, settings, None, small).keypoints, extract(picture, settings, None, counts).keypoints
    )
    write_mask(tmp_path / "m.png", counts)
    [cached] = extract_all(
        [picture], settings, tmp_path / "cache", 1, SilentProgress(), None, [tmp_path / "m.png"]
    )
    assert cached.keypoints[:, 0].min() >= 400
    [free] = extract_all([picture], settings, tmp_path / "cache", 1, SilentProgress())
    assert free.keypoints[:, 0].min() < 100  # not the masked one's from the cache
    assert not inner(counts)[:, :401].any()
    assert inner(counts)[:, 404:].all()


def test_colmap_honours_them_too(tmp_path: Path) -> None:
    (tmp_path / "frames").mkdir()
    (tmp_path / "masks").mkdir()
    for i in range(2):
        photo(tmp_path / "frames" / f"{i}.jpg", i)
    counts = np.ones((320, 480), bool)
    counts[:, 200:] = False
    write_mask(tmp_path / "masks" / "0.jpg.png", counts)
    plain = replace(PLAIN, width=SIZE[0], height=SIZE[1])
    frames = [replace(plain, name="0.jpg", mask="0.jpg.png"), replace(plain, name="1.jpg")]
    masks = colmap_masks(frames, tmp_path / "frames", tmp_path)
    features, _, _ = colmap_matches(tmp_path / "frames", ["0.jpg", "1.jpg"], tmp_path, 0, 2, masks)
    assert features[0].keypoints[:, 0].max() <= 200
    assert features[1].keypoints[:, 0].max() > 300


def test_masks_reach_the_posed_frames(tiny_demo: DemoCapture, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for k, file in enumerate(copy_photos(tiny_demo.photo_folder, photos)):
        with Image.open(file) as opened:
            size = opened.size
        if k % 2 == 0:
            mask(photos / "masks" / f"{file.name}.png", (0, 0, size[0] // 4, size[1]), size)
    target, _ = pose(photos, tmp_path / "set")
    frames = {f.name: f for f in read_frames(target.capture)}
    posed = read_posed_frames(target.poses)
    assert any(f.mask for f in posed.frames)
    for frame in posed.frames:
        assert (frame.mask is not None) == (frames[frame.name].mask is not None)
        if frame.mask:
            assert frame.mask == f"poses/masks/{frame.name}.png"
            counts = load_mask(target.path / frame.mask)
            assert counts.shape == (frame.camera.height, frame.camera.width)
            assert 0.7 < counts.mean() < 0.8
