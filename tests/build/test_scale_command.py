"""`setpiece scale`: a finished set grows to its true size as a whole, and nothing is made again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from running import QUICK, build_until, plain_sentence, setpiece

from setpiece.capture.demo import DemoCapture
from setpiece.export.ply import read_ply
from setpiece.posed import read_posed_frames
from setpiece.reconstruct.checkpoint import read_splats
from setpiece.setfolder import SetFolder
from setpiece.transaction import DECIDED

HEIGHT = ("--camera-height", "3.3")  # twice what it was, so that everything doubles nearly


def lengths(folder: Path) -> dict[str, float]:
    """A length in each file that has lengths."""
    target = SetFolder.open(folder)
    posed = read_posed_frames(target.poses)
    centres = np.array([f.camera.centre_in_world for f in posed.frames])
    ply, trained = read_ply(folder / "splats" / "scene.ply"), read_splats(target)
    document = json.loads((folder / "poses" / "poses.json").read_text())
    return {
        "centres": float(np.linalg.norm(centres[0] - centres[-1])),
        "points": float(np.linalg.norm(posed.points.points_in_world.astype(np.float64), axis=1).mean()),
        "similarity": float(np.cbrt(np.linalg.det(np.array(document["world_from_colmap"])[:3, :3]))),
        "means": float(np.linalg.norm(ply.means.astype(np.float64), axis=1).mean()),
        "scales": float(np.exp(ply.log_scales.astype(np.float64).mean())),
        "trained means": float(np.linalg.norm(trained.means.astype(np.float64), axis=1).mean()),
        "trained scales": float(np.exp(trained.log_scales.astype(np.float64).mean())),
    }


def test_everything_grows_together_and_stays_done(own_set: Path, tiny_demo: DemoCapture) -> None:
    before = lengths(own_set)
    run = setpiece("scale", own_set, *HEIGHT)
    assert run.returncode == 0, run.stderr
    assert "Scale     metres, ±" in run.stdout
    assert "nothing was trained again" in run.stdout
    after = lengths(own_set)
    factors = {name: after[name] / before[name] for name in before}
    assert factors["centres"] == pytest.approx(2.2, rel=1e-6)
    for name, factor in factors.items():
        assert factor == pytest.approx(factors["centres"], rel=1e-5), name
    frame = SetFolder.open(own_set).document()["frame"]
    assert (frame["scale_known"], frame["unit"], frame["scale_source"]) == (True, "m", "camera height")
    assert 0.005 < frame["scale_error"] < 0.3
    assert "metres, ±" in setpiece("info", own_set).stdout
    page = (own_set / "report.html").read_text(encoding="utf-8")
    assert "scale: metres, ±" in page
    assert " units</text>" not in page
    again = setpiece("build", tiny_demo.photo_folder, "-o", own_set, *QUICK)
    assert again.returncode == 0, again.stderr
    assert again.stderr.count("done before") == 4
    assert lengths(own_set) == after


def test_it_can_be_forgotten(own_set: Path) -> None:
    assert "unknown" in setpiece("scale", own_set).stdout
    setpiece("scale", own_set, *HEIGHT)
    facts = json.loads(setpiece("scale", own_set, "--json").stdout)
    assert facts["known"] is True
    assert facts["factor"] == 1
    assert [s["source"] for s in facts["sources"]] == ["camera height"]
    assert "unknown" in setpiece("scale", own_set, "--forget").stdout
    assert SetFolder.open(own_set).document()["frame"]["unit"] == "units"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--distance", "2"), "needs --distance METRES, --from PHOTO:X,Y and --to PHOTO:X,Y"),
        (("--from", "IMG_0001.jpg:1,2"), "needs --distance METRES"),
        (("--distance", "2", "--from", "a", "--to", "b"), "'a' is no place in a photo"),
        (("--distance", "2", "--from", "a.jpg:1,2", "--to", "a.jpg:1,2"), "no photo called a.jpg has a pose"),
    ],
)
def test_bad_input_changes_nothing(own_set: Path, arguments: tuple[str, ...], message: str) -> None:
    before = (own_set / "set.json").read_bytes()
    assert message in plain_sentence(setpiece("scale", own_set, *arguments))
    assert (own_set / "set.json").read_bytes() == before
    assert not (own_set / "scale.json").exists()


def test_a_set_without_poses(tmp_path: Path) -> None:
    SetFolder.create(tmp_path / "set")
    assert "has no camera poses yet" in plain_sentence(setpiece("scale", tmp_path / "set", *HEIGHT))


def test_killed_after_it_was_decided(own_set: Path) -> None:
    before = lengths(own_set)
    code = (
        "from pathlib import Path; import os, signal, setpiece.transaction as t;"
        "from setpiece.scaling import scale_set; from setpiece.setfolder import SetFolder;"
        "t.finish_change = lambda folder: os.kill(os.getpid(), signal.SIGKILL);"
        f"scale_set(SetFolder.open(Path({str(own_set)!r})), camera_height_m=3.3)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == -signal.SIGKILL
    assert (own_set / DECIDED).is_dir()
    after = lengths(own_set)  # opening it moves the files
    assert not (own_set / DECIDED).exists()
    for name in before:
        assert after[name] / before[name] == pytest.approx(2.2, rel=1e-5), name


def test_a_training_under_way_goes_on_at_the_new_size(tiny_demo: DemoCapture, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    more = ("--steps", "3000", "--max-splats", "4000", "--max-side", "480")
    arguments = ("build", tiny_demo.photo_folder, "-o", folder, *more)
    process = build_until(folder / "log.txt", "Training  starts", *arguments)
    time.sleep(4)
    process.send_signal(signal.SIGINT)
    process.communicate()
    saved = list((folder / "splats" / "checkpoints").glob("step-*"))
    if not saved:
        pytest.skip("it was too fast to be stopped on the way, or too slow to begin")
    assert setpiece("scale", folder, *HEIGHT).returncode == 0
    process = build_until(folder / "log.txt", "Going on from step", *arguments)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
