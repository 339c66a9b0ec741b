"""docs/conventions.md names a test for each claim, and the tests exist."""

from __future__ import annotations

import re
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]


def test_every_convention_names_tests_that_exist() -> None:
    text = (_ROOT / "docs" / "conventions.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("|") and not line.startswith("|---")][1:]
    assert rows
    for row in rows:
        proof = row.rstrip("| ").rpartition(" | ")[2]
        named = re.findall(r"`([^`]+)`", proof)
        assert named, f"no test is named: {row}"
        file = ""
        for name in named:
            path, _, function = name.partition("::")
            file = path or file  # `::name` is in the file named before it
            source = (_ROOT / file).read_text(encoding="utf-8")
            assert not function or f"def {function}(" in source, f"{file} has no {function}"
