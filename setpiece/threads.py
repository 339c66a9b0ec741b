"""How many threads to use."""

from __future__ import annotations

import os


def thread_count(asked: int | None) -> int:
    """`asked`, or one per core that this process may run on."""
    if asked is not None:
        return max(1, asked)
    if hasattr(os, "sched_getaffinity"):  # absent on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
