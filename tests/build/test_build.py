"""A folder of photos becomes a set, once, and goes on wherever it was stopped."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import time
from pathlib import Path

import pytest
from running import QUICK, build_until, plain_sentence, setpiece

from setpiece.capture.demo import DemoCapture
from setpiece.setfolder import SetFolder


def facts(folder: Path) -> dict[str, dict[str, float]]:
    run = setpiece("info", folder, "--json")
    assert run.returncode == 0, run.stderr
    found: dict[str, dict[str, float]] = json.loads(run.stdout)
    return found


def test_what_a_set_holds(tiny_set: Path) -> None:
    for name in (
        "set.json",
        "log.txt",
        "report.html",
        "splats/scene.ply",
        "poses/poses.json",
        "capture/frames.json",
    ):
        assert (tiny_set / name).stat().st_size > 0, name
    assert not list(tiny_set.rglob(".setpiece-*")), "nothing half-written stays"


def test_info_has_the_promised_keys(tiny_set: Path) -> None:
    found = facts(tiny_set)
    assert found["frames"]["given"] == found["frames"]["used"] == 12
    assert found["frames"]["posed"] >= 11
    for group, key in (
        ("poses", "seconds"),
        ("training", "seconds"),
        ("training", "splats"),
        ("training", "psnr"),
        ("training", "ssim"),
    ):
        assert found[group][key] > 0, (group, key)
    assert found["scale"]["known"] is False
    assert found["upright"] is True
    assert found["peak_memory_bytes"] > 10**7
    assert "cpu" in str(found["training"]["device"])
    lines = setpiece("info", tiny_set).stdout.strip().splitlines()
    assert 8 <= len(lines) <= 12
    assert "units, not metres" in "\n".join(lines)


def test_a_finished_set_is_not_built_again(tiny_demo: DemoCapture, own_set: Path) -> None:
    scene = (own_set / "splats" / "scene.ply").stat().st_mtime_ns
    run = setpiece("build", tiny_demo.photo_folder, "-o", own_set, *QUICK)
    assert run.returncode == 0, run.stderr
    assert run.stderr.count("done before") == 4
    assert (own_set / "splats" / "scene.ply").stat().st_mtime_ns == scene


def test_other_photos_need_overwrite(tiny_demo: DemoCapture, own_set: Path, tmp_path: Path) -> None:
    fewer = tmp_path / "fewer photos"
    shutil.copytree(tiny_demo.photo_folder, fewer)
    next(iter(sorted(fewer.iterdir()))).unlink()
    sentence = plain_sentence(setpiece("build", fewer, "-o", own_set, *QUICK))
    assert "other photos" in sentence
    assert "--overwrite" in sentence
    assert facts(own_set)["frames"]["given"] == 12, "nothing is lost"
    run = setpiece("build", fewer, "-o", own_set, *QUICK, "--overwrite")
    assert run.returncode == 0, run.stderr
    assert facts(own_set)["frames"]["given"] == 11


@pytest.mark.parametrize(
    "stage", ["Photos    reading", "Poses     finding", "Training  starts", "Scene     writing"]
)
def test_kill_9_in_every_stage(tiny_demo: DemoCapture, tmp_path: Path, stage: str) -> None:
    folder = tmp_path / "set"
    process = build_until(folder / "log.txt", stage, "build", tiny_demo.photo_folder, "-o", folder, *QUICK)
    time.sleep(0.3)
    process.kill()
    process.communicate()
    SetFolder.open(folder)  # whatever happened, it is a set
    run = setpiece("build", tiny_demo.photo_folder, "-o", folder, *QUICK)
    assert run.returncode == 0, run.stderr
    assert not list(folder.rglob(".setpiece-*"))
    assert facts(folder)["training"]["splats"] > 0


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot send these to a child alone")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_being_stopped_saves_and_the_same_command_goes_on(
    tiny_demo: DemoCapture, own_set: Path, number: signal.Signals
) -> None:
    longer = [*QUICK, "--steps", "100000"]
    build = ("build", tiny_demo.photo_folder, "-o", own_set)
    process = build_until(own_set / "log.txt", "Training  starts", *build, *longer)
    time.sleep(3)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert "same command" in errors
    process = build_until(own_set / "log.txt", "Going on from step", *build, *longer)
    process.kill()
    process.communicate()
    step = re.findall(r"Going on from step ([\d,]+)", (own_set / "log.txt").read_text(encoding="utf-8"))[-1]
    assert int(step.replace(",", "")) > 0


def test_a_second_process_is_refused(tiny_demo: DemoCapture, own_set: Path) -> None:
    build = ("build", tiny_demo.photo_folder, "-o", own_set, *QUICK, "--steps", "100000")
    process = build_until(own_set / "log.txt", "Training  starts", *build)
    try:
        assert "another process" in plain_sentence(setpiece(*build))
    finally:
        process.kill()
        process.communicate()


def test_no_gps_and_no_absolute_path_in_a_set(tiny_set: Path, tiny_demo: DemoCapture) -> None:
    for file in [*tiny_set.rglob("*.json"), tiny_set / "log.txt"]:
        text = file.read_text(encoding="utf-8")
        assert str(tiny_demo.folder) not in text, file
        assert str(tiny_set) not in text, file
        assert "gps" not in text.lower(), file
