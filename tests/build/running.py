"""Ways to run the real command in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

QUICK = ["--steps", "240", "--max-splats", "4000", "--max-side", "240"]  # a build of the tiny demo in seconds


def setpiece(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    return subprocess.run(command(*arguments), capture_output=True, text=True, cwd=cwd, env=environment())


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-c", "from setpiece.cli import main; main()", *map(str, arguments)]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONWARNINGS": "default", "COLUMNS": "200"}


def build_until(log: Path, text: str, *arguments: str | Path) -> subprocess.Popen[str]:
    """Start the command and return it, still running, once `text` stands in the set's log."""
    process = subprocess.Popen(
        command(*arguments), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment()
    )
    before = log.read_text(encoding="utf-8").count(text) if log.exists() else 0
    deadline = time.monotonic() + 120
    while not (log.exists() and log.read_text(encoding="utf-8").count(text) > before):
        if process.poll() is not None:
            _, errors = process.communicate()
            pytest.fail(f"ended with {process.returncode} before {text!r}: {errors}")
        if time.monotonic() > deadline:
            process.kill()
            _, errors = process.communicate()
            pytest.fail(f"{text!r} never came: {errors}")
        time.sleep(0.02)
    return process


def plain_sentence(run: subprocess.CompletedProcess[str]) -> str:
    """The one line that a failed command says; fails on a traceback or another exit code than 1."""
    assert run.returncode == 1, run.stderr
    assert "Traceback" not in run.stderr
    last = run.stderr.strip().splitlines()[-1]
    assert last.startswith("setpiece: "), run.stderr
    return last
