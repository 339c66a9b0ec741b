"""Files of a set that something damaged: the next build makes them again, and reads none of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from running import QUICK, plain_sentence, setpiece

from setpiece.capture.demo import DemoCapture


@pytest.mark.parametrize("damaged", ["capture/frames.json", "splats/metrics.json"])
def test_a_damaged_file_is_made_again(tiny_demo: DemoCapture, own_set: Path, damaged: str) -> None:
    whole = (own_set / damaged).read_bytes()
    (own_set / damaged).write_bytes(whole[: len(whole) // 2])
    run = setpiece("build", tiny_demo.photo_folder, "-o", own_set, *QUICK)
    assert run.returncode == 0, run.stderr
    assert len((own_set / damaged).read_bytes()) > len(whole) // 2


def test_a_damaged_file_that_training_cannot_make(own_set: Path) -> None:
    (own_set / "capture" / "frames.json").write_bytes(b"{")
    sentence = plain_sentence(setpiece("train", own_set, *QUICK))
    assert "frames.json" in sentence
    assert "setpiece build" in sentence


def test_a_scene_that_the_user_changed_stays(tiny_demo: DemoCapture, own_set: Path) -> None:
    (own_set / "splats" / "scene.ply").write_bytes(b"cleaned by hand")
    run = setpiece("build", tiny_demo.photo_folder, "-o", own_set, *QUICK)
    assert run.returncode == 0, run.stderr
    assert (own_set / "splats" / "scene.ply").read_bytes() == b"cleaned by hand"
