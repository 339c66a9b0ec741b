"""Run mypy --strict over the distribution, as a user's type checker would see it.

The rooms are top-level folders of the source tree but subpackages of `setpiece` once installed; a folder of
links gives mypy the installed layout.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("capture", "reconstruct", "export", "viewer")


def main() -> int:
    tree = ROOT / "build" / "typecheck" / "setpiece"
    tree.mkdir(parents=True, exist_ok=True)
    for link in tree.iterdir():
        link.unlink()
    for entry in (ROOT / "setpiece").iterdir():
        if entry.name != "__pycache__":
            (tree / entry.name).symlink_to(entry, target_is_directory=entry.is_dir())
    for room in ROOMS:
        (tree / room).symlink_to(ROOT / room, target_is_directory=True)
    return subprocess.run(
        [sys.executable, "-m", "mypy", "-p", "setpiece", *sys.argv[1:]], cwd=ROOT
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
