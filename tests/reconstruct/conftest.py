"""What the tests of the trainer share."""

from __future__ import annotations

from pathlib import Path

import pytest
from heard import Heard

from judge.sets import make_tiny_set
from setpiece.setfolder import SetFolder


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def tiny_set(tmp_path: Path) -> SetFolder:
    return make_tiny_set(tmp_path / "tiny set é")
