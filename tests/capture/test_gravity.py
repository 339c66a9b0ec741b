"""Gravity in Apple's maker notes: the bytes, the signs, and the picture's orientation."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from setpiece.capture.frames import read_frames
from setpiece.capture.gravity import apple_acceleration, gravity_in_cam, upright_from_stored
from setpiece.capture.ingest import ingest
from setpiece.capture.options import CaptureOptions
from setpiece.capture.sources import find_sources
from setpiece.progress import SilentProgress
from setpiece.setfolder import SetFolder

# How the phone is held: what its accelerometer says, the orientation it writes, and where gravity must point
# in the upright picture of the back camera (x right, y down, z forward).
HELD = {
    "portrait, level": ((0.0, -1.0, 0.0), 6, (0.0, 1.0, 0.0)),
    "landscape, top to the left": ((-1.0, 0.0, 0.0), 1, (0.0, 1.0, 0.0)),
    "landscape, top to the right": ((1.0, 0.0, 0.0), 3, (0.0, 1.0, 0.0)),
    "portrait, upside down": ((0.0, 1.0, 0.0), 8, (0.0, 1.0, 0.0)),
    "portrait, looking straight down": ((0.0, 0.0, -1.0), 6, (0.0, 0.0, 1.0)),
    "portrait, looking up 30 degrees": ((0.0, -np.sqrt(0.75), 0.5), 6, (0.0, np.sqrt(0.75), -0.5)),
    "portrait, rolled so that its left side is lower": (
        (-0.6, -0.8, 0.0),
        6,
        (-0.6, 0.8, 0.0),
    ),
}


def maker_note(acceleration: tuple[float, float, float], order: str = ">") -> bytes:
    """Apple's note with a version tag and the acceleration, as phones write it."""
    mark = b"MM" if order == ">" else b"II"
    entries = struct.pack(order + "H", 2)
    entries += struct.pack(order + "HHII", 0x0001, 9, 1, 14)
    start = len(b"Apple iOS\0\0\x01") + 2 + 2 + 2 * 12 + 4
    entries += struct.pack(order + "HHII", 0x0008, 10, 3, start)
    entries += struct.pack(order + "I", 0)
    values = [part for a in acceleration for part in (round(a * 10**6), 10**6)]
    return b"Apple iOS\0\0\x01" + mark + entries + struct.pack(order + "6i", *values)


@pytest.mark.parametrize("how", HELD)
def test_gravity_points_down_in_the_upright_picture(how: str) -> None:
    acceleration, orientation, expected = HELD[how]
    assert gravity_in_cam(acceleration, orientation) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("order", [">", "<"])
def test_the_note_is_read_in_both_byte_orders(order: str) -> None:
    assert apple_acceleration(maker_note((0.1, -0.9, 0.25), order)) == pytest.approx((0.1, -0.9, 0.25))


@pytest.mark.parametrize(
    "note", [b"", b"Nikon\0", maker_note((0, -1, 0))[:-4], b"Apple iOS\0\0\x01MM\xff\xff"]
)
def test_damaged_or_foreign_notes_say_nothing(note: bytes) -> None:
    assert apple_acceleration(note) is None


def test_a_shaken_phone_says_nothing() -> None:
    assert gravity_in_cam((0.5, -1.5, 0.2), 6) is None


def test_orientations_move_directions_as_pillow_moves_pixels() -> None:
    stored = np.arange(6).reshape(2, 3)  # a row to the right, a column down
    transposes = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}
    for orientation, method in transposes.items():
        upright = np.asarray(Image.fromarray(stored.astype(np.uint8)).transpose(Image.Transpose(method)))
        place = {int(v): np.array([c, r]) for (r, c), v in np.ndenumerate(upright)}
        turn = upright_from_stored(orientation)[:2, :2]
        assert np.array_equal(turn @ [1, 0], place[1] - place[0]), orientation
        assert np.array_equal(turn @ [0, 1], place[3] - place[0]), orientation


def test_through_a_photo_file(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    rng = np.random.default_rng(0)
    for i, how in enumerate(HELD):
        acceleration, orientation, _ = HELD[how]
        tags = Image.Exif()
        tags[ExifTags.Base.Orientation] = orientation
        tags.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.MakerNote] = maker_note(acceleration)
        noise = rng.integers(0, 255, (300, 400, 3), dtype=np.uint8)
        Image.fromarray(noise).save(photos / f"{i}.jpg", exif=tags)
    target = SetFolder.create(tmp_path / "set")
    ingest(target, find_sources(photos), CaptureOptions(), SilentProgress())
    for frame, (_, _, expected) in zip(read_frames(target.capture), HELD.values(), strict=True):
        assert frame.gravity_in_cam == pytest.approx(expected, abs=1e-5)
