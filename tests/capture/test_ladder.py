"""The attempts at finding poses: what is looked at again, and COLMAP's defaults as the last of them."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_photos import copy_photos, pose

from setpiece.capture import ladder, matched
from setpiece.capture.align import pose_errors
from setpiece.capture.connected import connected
from setpiece.capture.demo import DemoCapture
from setpiece.capture.features import Features
from setpiece.capture.frames import read_frames
from setpiece.capture.mapping import Method
from setpiece.posed import read_posed_frames

NOTHING = Features(np.zeros((0, 4), np.float32), np.zeros((0, 128), np.uint8))


def test_groups_of_frames() -> None:
    assert connected([(0, 1), (1, 4), (2, 3), (5, 9)], range(6)) == [{0, 1, 4}, {2, 3}, {5}]
    assert connected([], []) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends processes without a signal")
def test_a_request_to_end_prints_no_stack_dump() -> None:
    code = "import os, signal, setpiece.capture.estimate; os.kill(os.getpid(), signal.SIGTERM)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (ended.returncode, ended.stderr) == (-signal.SIGTERM, b"")


def attempt(placed: set[int], pairs: list[tuple[int, int]], count: int) -> ladder.Attempt:
    found = matched.Matched([NOTHING] * count, dict.fromkeys(pairs), Path(), len(pairs), "preview")
    return ladder.Attempt(Method.SKELETON, found, None, [placed])


def test_what_is_looked_at_again() -> None:
    one_left = attempt(set(range(20)) - {9}, [(3, 9), (0, 1), (18, 19)], 20)
    assert ladder._left_over(one_left) == {9}
    assert matched.worth_a_closer_look(one_left.matched, {9}, 2) == [3, 7, 8, 9, 10, 11]
    assert ladder._left_over(attempt({0, 1, 2}, [(0, 1)], 20)) == set(range(20))


def test_colmaps_defaults_come_last(
    tiny_demo: DemoCapture, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy_photos(tiny_demo.photo_folder, photos, 0, 7)
    tried: list[Method] = []
    honest = ladder.attempt

    def unlucky(*given: Any) -> ladder.Attempt:
        *_, matches, method = given
        tried.append(method)
        return honest(*given) if method is Method.DEFAULTS else ladder.Attempt(method, matches, None, [])

    monkeypatch.setattr(ladder, "attempt", unlucky)
    target, result = pose(photos, tmp_path / "set")
    assert tried.index(Method.DEFAULTS) == len(tried) - 1 == 5
    assert (result["method"], result["frames_posed"]) == ("defaults", 7)
    assert result["pairs"]["chosen_by"] == "exhaustive"  # type: ignore[index]
    truth = tiny_demo.truth()
    sources = {f.name: f.source for f in read_frames(target.capture)}
    frames = read_posed_frames(target.poses).frames
    found = np.array([f.camera.cam_from_world for f in frames])
    wanted = np.array([truth.photos[sources[f.name]].camera.cam_from_world for f in frames])
    errors = pose_errors(found, wanted)
    assert errors.centre.max() < 0.01 * truth.path_extent_m
    assert errors.rotation_deg.max() < 0.3
