"""Fixtures of the house."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MB, so that a full disk is a real one."""
    place = tmp_path / "small disk"
    place.mkdir()
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)], capture_output=True, text=True
    )
    if mount.returncode != 0:
        pytest.skip(f"needs the right to mount a small file system: {mount.stderr.strip()}")
    yield place
    subprocess.run(["umount", str(place)], check=True)
