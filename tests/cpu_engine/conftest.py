"""Fixtures for the tests of the CPU engine."""

from __future__ import annotations

import pytest
from cpu_engine.comparison import ISAS, usable_isas


@pytest.fixture(params=ISAS)
def isa(request: pytest.FixtureRequest) -> str:
    """Each instruction set in turn."""
    if request.param not in usable_isas():
        pytest.skip(f"this machine has no {request.param}")
    return str(request.param)
