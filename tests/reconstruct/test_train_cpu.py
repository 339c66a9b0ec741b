"""The training stage with the CPU engine: stopped and killed trainings end like whole ones, bit for bit."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")  # the tiny set is rendered by the judge

from judge.sets import make_tiny_set
from setpiece.reconstruct import forecast
from setpiece.reconstruct import train as stage
from setpiece.reconstruct.checkpoint import folder_of, read_splats, running
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
