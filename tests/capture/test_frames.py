"""What is known of a frame survives the file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from setpiece.capture.frames import CapturedFrame, Place, PosePrior, RigView, read_frames, write_frames
from setpiece.errors import SetFolderError

PLAIN = CapturedFrame(
    name="a.jpg",
    source="day 1/a.heic",
    order=0,
    width=40,
    height=30,
    time=None,
    focal_px=33.5,
    focal_source="intrinsics",
    make="Apple",
    model=None,
    lens="",
    exposure_s=0.01,
    iso=50,
    f_number=1.8,
    sharpness=0.5,
    brightness=0.4,
    gravity_in_cam=(0.0, 1.0, 0.0),
)
POSE = ((1.0, 0.0, 0.0, 0.5), (0.0, 1.0, 0.0, -2.0), (0.0, 0.0, 1.0, 3.0))
RICH = replace(
    PLAIN,
    name="b.jpg",
    order=1,
    gravity_in_cam=None,
    clip="walk.mp4",
    clip_time_s=12.25,
    mask="b.png",
    rig=RigView("pano 3", 5, (0.5, 0.5, -0.5, 0.5)),
    prior=PosePrior(POSE, "transforms.json", metric=True, z_up=False, optics=(33.0, 20.0, 15.0, 0.01, 0.0)),
    place=Place(1.5, -2.5, None, None),
    taken_width=80,
)


def test_read_of_write_is_the_same(tmp_path: Path) -> None:
    write_frames(tmp_path, [PLAIN, RICH], [])
    assert read_frames(tmp_path) == [PLAIN, RICH]


def test_an_older_file_is_refused_with_advice(tmp_path: Path) -> None:
    (tmp_path / "frames.json").write_text('{"schema": 1, "frames": []}')
    with pytest.raises(SetFolderError, match="read the photos again"):
        read_frames(tmp_path)
