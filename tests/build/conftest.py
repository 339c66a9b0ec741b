"""A small set built by the real command."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from running import QUICK, setpiece

from setpiece.capture.demo import DemoCapture


@pytest.fixture(scope="session")
def tiny_set(tiny_demo: DemoCapture, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished set. Copy it before changing it."""
    folder = tmp_path_factory.mktemp("sets") / "der kleine Sät № 1"
    run = setpiece("build", tiny_demo.photo_folder, "-o", folder, *QUICK)
    assert run.returncode == 0, run.stderr
    return folder


@pytest.fixture
def own_set(tiny_set: Path, tmp_path: Path) -> Path:
    """A copy of the finished set."""
    return Path(shutil.copytree(tiny_set, tmp_path / "a copy of the set"))
