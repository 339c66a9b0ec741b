"""Sets posed once for several tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_photos import pose

from setpiece.capture.demo import DemoCapture
from setpiece.setfolder import SetFolder


@pytest.fixture(scope="session")
def posed_demo(
    tiny_demo: DemoCapture, tmp_path_factory: pytest.TempPathFactory
) -> tuple[SetFolder, dict[str, object]]:
    """The tiny sample capture with poses. Treat it as read-only."""
    return pose(tiny_demo.photo_folder, tmp_path_factory.mktemp("posed") / "set")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    return folder
