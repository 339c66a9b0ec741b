"""The training stage with the CPU engine: stopped and killed trainings end like whole ones, bit for bit."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch")  # the tiny set is rendered by the judge

from judge.sets import make_tiny_set
from setpiece.reconstruct import forecast
from setpiece.reconstruct import train as stage
from setpiece.reconstruct.checkpoint import Checkpoint, folder_of, read_splats, running
from setpiece.reconstruct.engine import Engine
from setpiece.reconstruct.options import TrainOptions
from setpiece.setfolder import SetFolder
from setpiece.splats import Splats

OPTIONS = TrainOptions(steps=300, max_splats=120, sh_degree=2, threads=2, device="cpu")


def test_it_trains_and_repeats(tmp_path: Path) -> None:
    one, two = make_tiny_set(tmp_path / "one"), make_tiny_set(tmp_path / "two")
    result = stage.train(one, OPTIONS)
    assert result["psnr"] > 23
    assert result["device"].startswith("cpu ")
    stage.train(two, OPTIONS)
    assert same(read_splats(one), read_splats(two))


def test_ctrl_c_then_the_same_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, stopped = make_tiny_set(tmp_path / "whole"), make_tiny_set(tmp_path / "stopped")
    stage.train(whole, OPTIONS)
    make = stage.make_engine
    monkeypatch.setattr(forecast, "FEWEST_STEPS", 1000)  # its trial steps are none of those counted here

    def make_interrupted(*given: object) -> Engine:
        engine = make(*given)
        step, steps = engine.step, iter(range(1000))

        def counted(batch: object) -> object:
            if next(steps) == 150:
                signal.raise_signal(signal.SIGINT)
            return step(batch)

        monkeypatch.setattr(engine, "step", counted)
        return engine

    monkeypatch.setattr(stage, "make_engine", make_interrupted)
    with pytest.raises(KeyboardInterrupt):
        stage.train(stopped, OPTIONS)
    monkeypatch.setattr(stage, "make_engine", make)
    assert stage.train(stopped, OPTIONS)["resumed_from_step"] == 151
    assert same(read_splats(whole), read_splats(stopped))


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is not for Windows")
def test_a_killed_process_loses_nothing_but_time(tmp_path: Path) -> None:
    whole, killed = make_tiny_set(tmp_path / "whole"), make_tiny_set(tmp_path / "killed")
    options = replace(OPTIONS, steps=800)
    stage.train(whole, options)
    code = (
        "import sys; from pathlib import Path\n"
        "from setpiece.reconstruct.options import TrainOptions\n"
        "from setpiece.reconstruct.train import train\n"
        "from setpiece.setfolder import SetFolder\n"
        "train(SetFolder.open(Path(sys.argv[1])), TrainOptions(steps=800, max_splats=120, sh_degree=2,\n"
        "      threads=2, device='cpu', checkpoint_seconds=0.01))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(killed.path)])
    while len(running(folder_of(killed))) < 2 and process.poll() is None:
        time.sleep(0.005)
    process.kill()
    process.wait()
    assert process.returncode == -signal.SIGKILL, "it ended before it could be killed"
    with killed.lock():  # as the command line does; removes what was half-written
        result = stage.train(SetFolder.open(killed.path), options)
    assert result["resumed_from_step"] > 0
    assert same(read_splats(whole), read_splats(killed))


def same(a: Splats, b: Splats) -> bool:
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in vars(a))


def test_something_that_moves_is_masked_and_a_stop_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = replace(OPTIONS, checkpoint_seconds=0.0)
    sets = [_with_a_visitor(tmp_path / name) for name in ("whole", "stopped", "kept")]
    result = stage.train(sets[0], options)
    assert result["moving_frames"] >= 1
    masks = sorted(p.name for p in (sets[0].splats / "moving").iterdir())
    assert set(masks) <= {"photo 03é.png.png", "photo 06é.png.png"}
    monkeypatch.setattr(stage, "MOST_CHECKPOINT_SECONDS", 0.0)
    real, calls = stage.write_checkpoint, iter(range(10_000))

    def stopping(folder: Path, checkpoint: Checkpoint) -> None:
        real(folder, checkpoint)
        if next(calls) == 199:
            raise RuntimeError("stopped")

    monkeypatch.setattr(stage, "write_checkpoint", stopping)
    with pytest.raises(RuntimeError, match="stopped"):
        stage.train(sets[1], options)
    again = stage.train(sets[1], options)
    assert again["resumed_from_step"] == 200
    assert same(read_splats(sets[0]), read_splats(sets[1]))
    assert sorted(p.name for p in (sets[1].splats / "moving").iterdir()) == masks
    assert stage.train(sets[2], replace(options, keep_moving=True))["moving_frames"] == 0


def _with_a_visitor(folder: Path) -> SetFolder:
    """The tiny set with something red in two of its photos."""
    target = make_tiny_set(folder)
    for name, left in (("photo 03é.png", 8), ("photo 06é.png", 20)):
        file = target.poses / "images" / name
        picture = cv2.imdecode(np.fromfile(file, np.uint8), cv2.IMREAD_COLOR)
        picture[6:24, left : left + 9] = (40, 10, 250)
        file.write_bytes(cv2.imencode(".png", picture)[1].tobytes())
    return target
