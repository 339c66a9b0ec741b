"""What the command line leaves in a set's log."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from setpiece.cli.terminal import TerminalProgress


def test_the_log_does_not_say_whose_home_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "ada"
    photos = home / "Pictures"
    monkeypatch.setattr(Path, "home", lambda: home)
    target = tmp_path / "set"
    target.mkdir()
    said = io.StringIO()
    progress = TerminalProgress(Console(file=said))
    progress.log_into(target / "log.txt")
    progress.line(f"Photos    reading 3 files from {photos}")
    log = (target / "log.txt").read_text(encoding="utf-8")
    assert "from ~" in log
    assert str(home) not in log
    assert str(photos) in said.getvalue(), "on the screen the path is whole"
