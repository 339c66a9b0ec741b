"""Files that hold a depth map, or more pictures than one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from setpiece.capture.frames import read_frames
from setpiece.capture.ingest import ingest
from setpiece.capture.options import CaptureOptions
from setpiece.capture.sources import find_sources
from setpiece.progress import SilentProgress
from setpiece.setfolder import SetFolder


def picture(seed: int) -> Image.Image:
    coarse = np.random.default_rng(seed).integers(0, 255, (20, 30, 3), np.uint8)
    return Image.fromarray(coarse).resize((480, 320), Image.Resampling.BICUBIC)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    (folder / "depth").mkdir(parents=True)
    for i in range(3):
        picture(i).save(folder / f"{i}.jpg")
    return folder


def test_depth_maps_are_left_out_by_name(photos: Path) -> None:
    metres = np.random.default_rng(0).integers(300, 5000, (320, 480)).astype(np.uint16)
    Image.fromarray(metres).save(photos / "depth" / "0.png")
    Image.fromarray((metres >> 8).astype(np.uint8)).save(photos / "frame_0_Depth.png")
    Image.fromarray(metres[::-1] * 9).save(photos / "scan.png")  # a grey photo of 16 bits is one
    picture(9).save(photos / "in-depth.jpg")  # so is a colour photo, whatever its name
    target = SetFolder.create(photos.parent / "set")
    result = ingest(target, find_sources(photos), CaptureOptions(), SilentProgress())
    left_out = {x["name"]: x["reason"] for x in result["left_out"]}
    assert left_out == dict.fromkeys(("depth/0.png", "frame_0_Depth.png"), "it is a depth map, not a photo")
    assert {f.source for f in read_frames(target.capture)} >= {"scan.png", "in-depth.jpg"}


def test_of_a_burst_the_main_picture_is_used(photos: Path) -> None:
    burst = pillow_heif.HeifFile()
    for seed in (7, 8, 9):
        burst.add_from_pillow(picture(seed))
    burst.save(photos / "burst.heic", primary_index=1, quality=90)
    target = SetFolder.create(photos.parent / "set")
    result = ingest(target, find_sources(photos), CaptureOptions(), SilentProgress())
    (note,) = result["notes"]
    assert "hold several" in note
    assert "burst.heic" in note
    (frame,) = (f for f in read_frames(target.capture) if f.source == "burst.heic")
    with Image.open(target.capture / "frames" / frame.name) as shown:
        difference = np.abs(np.asarray(shown, float) - np.asarray(picture(8), float)).mean()
    assert difference < 8  # grey levels that two lossy codings change; another picture is 70 away
