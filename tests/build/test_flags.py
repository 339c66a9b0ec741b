"""Flags out of their bounds are refused in one sentence before any work."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from setpiece.capture.options import PoseOptions
from setpiece.cli import main
from setpiece.cli.terminal import terminal_progress
from setpiece.errors import SetpieceError
from setpiece.reconstruct.options import TrainOptions


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--steps", "0"),
        ("--steps", "-1"),
        ("--max-splats", "0"),
        ("--max-side", "-1"),
        ("--threads", "0"),
        ("--seed", "-1"),
        ("--held-out-every", "-1"),
        ("--held-out-every", "1"),
    ],
)
def test_a_number_out_of_its_bounds(tmp_path: Path, flag: str, value: str) -> None:
    run = CliRunner().invoke(main, ["build", str(tmp_path), "-o", str(tmp_path / "set"), flag, value])
    assert run.exit_code == 1
    assert run.output.startswith(f"setpiece: {flag[2:]} "), run.output
    assert len(run.output.splitlines()) == 1
    assert not (tmp_path / "set").exists()


def test_the_demo_looks_at_its_flags_first(tmp_path: Path) -> None:
    run = CliRunner().invoke(main, ["demo", "-o", str(tmp_path / "demo"), "--threads", "-3"])
    assert run.exit_code == 1
    assert not (tmp_path / "demo").exists()


def test_a_port_that_cannot_be(tmp_path: Path) -> None:
    run = CliRunner().invoke(main, ["view", str(tmp_path), "--port", "99999"])
    assert run.exit_code == 2
    assert "65535" in run.output


def test_no_gpu_is_said_before_the_photos_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = SetpieceError("there is no GPU.")
    monkeypatch.setattr("setpiece.reconstruct.cuda.available.cuda_problem", lambda: problem)
    (tmp_path / "a.jpg").write_text("no photo")
    arguments = ["build", str(tmp_path), "-o", str(tmp_path / "set"), "--device", "cuda"]
    run = CliRunner().invoke(main, arguments)
    assert run.output == "setpiece: there is no GPU.\n"
    assert not (tmp_path / "set").exists()


def test_the_api_refuses_the_same_values() -> None:
    with pytest.raises(SetpieceError, match="sh-degree must be at least 0 and at most 3, not 4"):
        TrainOptions(sh_degree=4)
    with pytest.raises(SetpieceError, match="ssim-weight"):
        TrainOptions(ssim_weight=float("nan"))
    with pytest.raises(SetpieceError, match="window"):
        PoseOptions(window=0)


@pytest.mark.parametrize(
    "arguments", [["build", "", "-o", "x"], ["build", ".", "-o", ""], ["info", ""], ["view", ""]]
)
def test_an_empty_path(arguments: list[str]) -> None:
    """Such as that of an unset variable: not the current folder."""
    run = CliRunner().invoke(main, arguments)
    assert run.exit_code == 2
    assert "the path is empty" in run.output


@pytest.mark.skipif(sys.platform != "linux", reason="other systems allow no such names")
def test_a_set_whose_name_is_no_unicode_of_a_user_without_a_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", none)
    folder = tmp_path / os.fsdecode(b"f\xfcr Prag")
    folder.mkdir()
    progress = terminal_progress()
    progress.log_into(folder / "log.txt")
    progress.log(f"Report    {folder / 'report.html'}")
    assert "Prag/report.html" in (folder / "log.txt").read_text(encoding="utf-8")
