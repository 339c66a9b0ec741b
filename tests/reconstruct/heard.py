"""A progress that remembers what was said."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path


class Heard:
    """A progress that remembers what was said."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.warnings: list[str] = []
        self.notes: list[str] = []
        self.advanced = 0

    def log_into(self, file: Path) -> None:
        pass

    def line(self, text: str) -> None:
        self.lines.append(text)

    def warning(self, text: str) -> None:
        self.warnings.append(text)

    @contextlib.contextmanager
    def task(self, name: str, total: int, done: int = 0) -> Iterator[Heard]:
        self.total, self.advanced = total, done
        yield self

    def advance(self, steps: int = 1, note: str = "") -> None:
        self.advanced += steps
        self.notes.append(note)
