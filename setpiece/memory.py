"""The memory that a piece of work takes at its peak."""

from __future__ import annotations

import threading

import psutil


class PeakMemory:
    """Samples the resident memory of this process and its children, ten times a second, in a block.

    `bytes` is the largest sum seen. Pages shared between processes are counted in each.
    """

    def __init__(self) -> None:
        self.bytes = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> PeakMemory:
        self._sample()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._sample()

    def _watch(self) -> None:
        while not self._stop.wait(0.1):
            self._sample()

    def _sample(self) -> None:
        process = psutil.Process()
        total = 0
        for p in [process, *process.children(recursive=True)]:
            try:
                total += p.memory_info().rss
            except psutil.Error:
                continue
        self.bytes = max(self.bytes, total)
