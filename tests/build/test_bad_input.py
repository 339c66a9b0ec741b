"""Bad input gets one plain sentence, exit code 1, and nothing is lost."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from running import QUICK, plain_sentence, setpiece

from setpiece.capture.demo import DemoCapture


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "Fotos für Prag"
    folder.mkdir()
    return folder


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "a set"


def test_no_folder(tmp_path: Path, output: Path) -> None:
    assert "nowhere" in plain_sentence(setpiece("build", tmp_path / "nowhere", "-o", output))
    assert not output.exists()


def test_an_empty_folder(photos: Path, output: Path) -> None:
    assert "no photos" in plain_sentence(setpiece("build", photos, "-o", output))
    assert not output.exists()


def test_one_photo(photos: Path, output: Path, tiny_demo: DemoCapture) -> None:
    shutil.copy(sorted((tiny_demo.photo_folder).iterdir())[0], photos)
    plain_sentence(setpiece("build", photos, "-o", output))


def test_an_empty_video(photos: Path, output: Path) -> None:
    (photos / "walk.mp4").touch()
    sentence = plain_sentence(setpiece("build", photos / "walk.mp4", "-o", output))
    assert "walk.mp4 cannot be used: the file is empty" in sentence


def test_text_files_named_jpg(photos: Path, output: Path) -> None:
    for name in "abcd":
        (photos / f"{name}.jpg").write_text("not a picture")
    assert ".jpg" in plain_sentence(setpiece("build", photos, "-o", output))


def test_one_text_file_among_photos_is_left_out_with_a_reason(
    photos: Path, output: Path, tiny_demo: DemoCapture
) -> None:
    for photo in (tiny_demo.photo_folder).iterdir():
        shutil.copy(photo, photos)
    (photos / "notes.jpg").write_text("not a picture")
    run = setpiece("build", photos, "-o", output, *QUICK)
    assert run.returncode == 0, run.stderr
    assert "12 of 13 used" in run.stderr
    assert "notes.jpg" in (output / "report.html").read_text(encoding="utf-8")


def test_photos_without_overlap(photos: Path, output: Path) -> None:
    import numpy as np
    from PIL import Image

    rng = np.random.default_rng(0)
    for i in range(8):
        noise = rng.integers(0, 255, (60, 80, 3), dtype=np.uint8)
        Image.fromarray(noise).resize((640, 480), Image.Resampling.BICUBIC).save(photos / f"{i}.jpg")
    sentence = plain_sentence(setpiece("build", photos, "-o", output))
    assert "overlap" in sentence


def test_the_set_is_a_file(tiny_demo: DemoCapture, output: Path) -> None:
    output.write_text("mine")
    assert "is a file" in plain_sentence(setpiece("build", tiny_demo.photo_folder, "-o", output))
    assert output.read_text() == "mine"


def test_view_and_train_of_what_is_no_set(tmp_path: Path) -> None:
    for name in ("view", "train", "info"):
        assert "is not a set" in plain_sentence(setpiece(name, tmp_path))


def test_a_corrupted_checkpoint(own_set: Path) -> None:
    """Training that goes on from damaged checkpoints starts anew and says so."""
    for file in (own_set / "splats" / "checkpoints").iterdir():
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 0xFF
        file.write_bytes(data)
    (own_set / "splats" / "metrics.json").unlink()
    run = setpiece("train", own_set, *QUICK)
    assert run.returncode == 0, run.stderr
    assert "damaged" in run.stderr
    assert "Traceback" not in run.stderr


@pytest.fixture
def full_disk(tiny_set: Path, tmp_path: Path) -> Iterator[Path]:
    """A finished set on a file system with no room left."""
    place = tmp_path / "disk"
    place.mkdir()
    used = sum(f.stat().st_size for f in tiny_set.rglob("*")) // 1024 + 1024
    mount = ["mount", "-t", "tmpfs", "-o", f"size={used}k", "tmpfs", str(place)]
    done = subprocess.run(mount, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"needs the right to mount a small file system: {done.stderr.strip()}")
    shutil.copytree(tiny_set, place / "set")
    try:
        (place / "filler").write_bytes(bytes(shutil.disk_usage(place).free - 4096))
        yield place / "set"
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk(full_disk: Path) -> None:
    before = (full_disk / "splats" / "scene.ply").read_bytes()
    sentence = plain_sentence(setpiece("train", full_disk, *QUICK, "--seed", "7"))
    assert "disk is full" in sentence
    assert (full_disk / "splats" / "scene.ply").read_bytes() == before
    assert setpiece("info", full_disk).returncode == 0
    (full_disk.parent / "filler").unlink()
    run = setpiece("train", full_disk, *QUICK, "--seed", "7")
    assert run.returncode == 0 or "disk is full" in run.stderr


def test_a_read_only_place(tiny_demo: DemoCapture, tmp_path: Path) -> None:
    place = tmp_path / "read only"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "ro,size=1m", "tmpfs", str(place)]
    done = subprocess.run(mount, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"needs the right to mount a file system: {done.stderr.strip()}")
    try:
        sentence = plain_sentence(setpiece("build", tiny_demo.photo_folder, "-o", place / "set"))
    finally:
        subprocess.run(["umount", str(place)], check=True)
    assert "cannot be written" in sentence or "disk is nearly full" in sentence
