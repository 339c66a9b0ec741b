"""The page's types are those of the server."""

from __future__ import annotations

from pathlib import Path

import pytest

from setpiece.viewer import typescript

_ROOT = Path(__file__).resolve().parents[2]


def test_types_of_the_page_are_up_to_date() -> None:
    found = (_ROOT / "viewer" / "src" / "api_types.ts").read_text(encoding="utf-8")
    assert found == typescript.typescript(), "stale: run python -m setpiece.viewer.typescript"


def test_what_json_cannot_carry_is_refused() -> None:
    with pytest.raises(TypeError, match="no TypeScript counterpart"):
        typescript._type(complex)


def test_lockfile_names_no_registry() -> None:
    """The packages come from whatever registry npm is set up for."""
    for lock in _ROOT.glob("viewer/package-lock.json"), _ROOT.glob("tests/export/judge/package-lock.json"):
        text = next(lock).read_text(encoding="utf-8")
        assert '"resolved"' not in text
