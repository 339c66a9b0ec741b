"""What the command line leaves in a set's log."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from setpiece.cli.terminal import TerminalProgress


def test_the_log_does_not_say_whose_home_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "home", lambda: Path("/home/ada"))
    said = io.StringIO()
    progress = TerminalProgress(Console(file=said))
    progress.log_into(tmp_path / "log.txt")
    progress.line("Photos    reading 3 files from /home/ada/Pictures/prague")
    assert "from ~/Pictures/prague" in (tmp_path / "log.txt").read_text(encoding="utf-8")
    assert "/home/ada/Pictures/prague" in said.getvalue(), "on the screen the path is whole"
