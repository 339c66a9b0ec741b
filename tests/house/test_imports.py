"""Data flows one way: a room imports earlier rooms and what all share, never a later one."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ORDER = ("capture", "reconstruct", "export", "viewer")
# Like setpiece/cli/ they may see every room.
ROOF = {"setpiece/pipeline.py", "setpiece/scaling.py", "setpiece/doctor.py", "setpiece/preflight.py"}


def imported_modules(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def rooms_of(names: set[str]) -> set[str]:
    return {n.split(".")[1] for n in names if n.startswith("setpiece.") and n.split(".")[1] in ORDER}


@pytest.mark.parametrize("room", ORDER)
def test_a_room_imports_only_earlier_rooms(room: str) -> None:
    allowed = set(ORDER[: ORDER.index(room) + 1])
    files = [f for f in (ROOT / room).rglob("*.py") if "node_modules" not in f.parts]
    assert files
    for file in files:
        assert rooms_of(imported_modules(file)) <= allowed, file


def test_the_shared_package_imports_no_room() -> None:
    for file in (ROOT / "setpiece").rglob("*.py"):
        name = file.relative_to(ROOT).as_posix()
        if name in ROOF or name.startswith("setpiece/cli/"):
            continue
        assert not rooms_of(imported_modules(file)), file


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from setpiece.cli import main\n"
        "heavy = {'numpy', 'cv2', 'pycolmap', 'torch', 'PIL', 'starlette', 'embreex', 'rich'}\n"
        "heavy &= set(sys.modules)\n"
        "sys.exit(f'loaded {heavy}' if heavy else 0)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
