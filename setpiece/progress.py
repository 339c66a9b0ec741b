"""How long work shows itself: stages, bars with a rate and a time left, and lines in the set's log."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol


class Task(Protocol):
    """A piece of work with a bar."""

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Say that `steps` more are done; `note` replaces the short text behind the bar."""


class Progress(Protocol):
    """Where stages report to. The library never prints; the command line passes an implementation."""

    def log_into(self, file: Path) -> None:
        """Write all that is said into `file` too, from now on; one that only listens may ignore it."""

    def line(self, text: str) -> None:
        """Say one finished fact, a sentence."""

    def warning(self, text: str) -> None:
        """Say something that the user should act on."""

    def task(self, name: str, total: int, done: int = 0) -> contextlib.AbstractContextManager[Task]:
        """A bar named `name` with `total` steps of which `done` are done already."""


class _SilentTask:
    def advance(self, steps: int = 1, note: str = "") -> None:
        pass


class SilentProgress:
    """Says nothing: the default of the library's functions."""

    def log_into(self, file: Path) -> None:
        """Ignore the log."""

    def line(self, text: str) -> None:
        """Ignore the line."""

    def warning(self, text: str) -> None:
        """Ignore the warning."""

    @contextlib.contextmanager
    def task(self, name: str, total: int, done: int = 0) -> Iterator[Task]:
        """A bar that nobody sees."""
        yield _SilentTask()
