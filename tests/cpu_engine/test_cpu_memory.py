"""After its first steps the engine asks the system for no more memory."""

from __future__ import annotations

import ctypes
import ctypes.util
import sys
from dataclasses import replace

import pytest

from judge.batches import random_batch
from judge.scenes import random_camera, random_splats
from setpiece.reconstruct.cpu import CpuEngine


class _Mallinfo(ctypes.Structure):
    """glibc's struct mallinfo2."""

    _fields_ = [
        ("arena", ctypes.c_size_t),
        ("ordblks", ctypes.c_size_t),
        ("smblks", ctypes.c_size_t),
        ("hblks", ctypes.c_size_t),
        ("hblkhd", ctypes.c_size_t),
        ("usmblks", ctypes.c_size_t),
        ("fsmblks", ctypes.c_size_t),
        ("uordblks", ctypes.c_size_t),
        ("fordblks", ctypes.c_size_t),
        ("keepcost", ctypes.c_size_t),
    ]


def heap_bytes() -> int:
    """Bytes that malloc has handed out and not got back."""
    library = ctypes.CDLL(ctypes.util.find_library("c"))
    library.mallinfo2.restype = _Mallinfo
    info = library.mallinfo2()
    return int(info.uordblks + info.hblkhd)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks glibc's malloc")
def test_steps_keep_no_memory() -> None:
    try:
        heap_bytes()
    except AttributeError:
        pytest.skip("this C library has no mallinfo2")
    engine = CpuEngine(random_splats(3000, seed=1), threads=2)
    batch = random_batch(160, 120)
    views = [
        replace(batch, camera=random_camera(160, 120, seed=i), key=i + 1, image=batch.image) for i in range(3)
    ]
    for _ in range(2):
        for view in views:
            engine.step(view)
    before = heap_bytes()
    for _ in range(10):
        for view in views:
            engine.step(view)
    assert heap_bytes() - before < 20_000  # Python's own; one array per Gaussian would be 200 kB
