"""Progress on the terminal, and the same in the set's log."""

from __future__ import annotations

import contextlib
import datetime
import time
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from setpiece.progress import Task

LOG_SECONDS = 10.0  # how often a bar leaves a line in the log


class _Bar:
    def __init__(self, owner: TerminalProgress, bars: Progress, task: TaskID, name: str, total: int) -> None:
        self._owner, self._bars, self._task, self._name, self._total = owner, bars, task, name, total
        self._logged = time.monotonic()

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Move the bar; now and then leave a line in the log, and on a terminal that is none."""
        self._bars.update(self._task, advance=steps, note=note)
        if time.monotonic() - self._logged >= LOG_SECONDS:
            self._logged = time.monotonic()
            done = int(self._bars.tasks[0].completed)
            text = f"{self._name}: {done} of {self._total}" + (f", {note}" if note else "")
            self._owner.log(text)
            if not self._owner.console.is_terminal:
                self._owner.console.print(f"  {text}", highlight=False, markup=False, soft_wrap=True)


class TerminalProgress:
    """Bars and lines on a terminal; plain lines every ten seconds where the output is a file."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._log_file: Path | None = None

    def log_into(self, file: Path) -> None:
        """Write every line into `file` too, from now on."""
        self._log_file = file

    def log(self, text: str) -> None:
        """Append to the log only, the set's own place left out: the log travels with the set.

        A log that cannot be written does not stop the work.
        """
        if self._log_file:
            text, place = _without_home(text), self._log_file.parent
            if place.is_absolute() and place != _home():
                text = text.replace(_without_home(str(place)), place.name)
            stamp = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
            log = self._log_file
            with contextlib.suppress(OSError), log.open("a", encoding="utf-8", errors="replace") as file:
                file.write(f"{stamp} {text}\n")

    def line(self, text: str) -> None:
        """Say one finished fact."""
        self.log(text)
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)

    def warning(self, text: str) -> None:
        """Say something that the user should act on."""
        self.log(f"warning: {text}")
        self.console.print(f"! {text}", style="yellow", highlight=False, markup=False, soft_wrap=True)

    @contextlib.contextmanager
    def task(self, name: str, total: int, done: int = 0) -> Iterator[Task]:
        """A bar that disappears when its block ends."""
        columns = (
            TextColumn("  {task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
            TextColumn("left"),
            TimeRemainingColumn(compact=True),
        )
        quiet = not self.console.is_terminal
        with Progress(*columns, console=self.console, transient=True, disable=quiet) as bars:
            task = bars.add_task(name, total=total, completed=done, note="")
            yield _Bar(self, bars, task, name, total)


def _without_home(text: str) -> str:
    """The text with ~ for the home folder: sets are given to others, and its path says who made them."""
    home = _home()
    return text.replace(str(home), "~") if home and len(home.parts) > 1 else text


def _home() -> Path | None:
    try:
        return Path.home()
    except RuntimeError:  # a user without one, as in some containers
        return None


def terminal_progress() -> TerminalProgress:
    """Progress on standard error, so that standard output stays for results."""
    return TerminalProgress(Console(stderr=True))
