"""What several parts' tests share: the sample capture in small, and the real captures beside the checkout."""

from __future__ import annotations

from pathlib import Path

import pytest

from setpiece.capture.demo import DemoCapture, DemoOptions, make_demo

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def tiny_demo(tmp_path_factory: pytest.TempPathFactory) -> DemoCapture:
    """The tiny sample capture, made once per session. Treat it as read-only."""
    return make_demo(tmp_path_factory.mktemp("tiny demo"), DemoOptions.tiny())


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real captures; the test is skipped where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no real captures at {SHARED_DATA}")
    return SHARED_DATA
