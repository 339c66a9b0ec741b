"""Ctrl-C, and being told to end, between two steps rather than in the middle of one."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType


class Interrupt:
    """In its block the first Ctrl-C, or SIGTERM, only sets `asked`; a second one interrupts at once.

    SIGTERM is what a shutdown and a rented machine's end send. Outside the main thread, where signals cannot
    be caught, both work as ever.
    """

    def __init__(self) -> None:
        self.asked = False
        self._before: dict[signal.Signals, signal._HANDLER] = {}

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._ask)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, before in self._before.items():
            # None: a handler that is not Python's (COLMAP's logging installs one); the default serves better.
            signal.signal(number, signal.SIG_DFL if before is None else before)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
