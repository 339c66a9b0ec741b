"""What this machine and this installation can do."""

from __future__ import annotations

import importlib
import platform
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import ClassVar

import psutil

from setpiece import __version__
from setpiece.threads import thread_count

NEEDED_MEMORY = 3 * 1024**3  # bytes; what a build of fifty photos takes at most
NEEDED_DISK = 1024**3  # bytes


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    OK: ClassVar[str] = "ok"  # works
    NOTE: ClassVar[str] = "note"  # absent, and not needed
    FAIL: ClassVar[str] = "fail"  # absent or broken, and needed

    name: str
    status: str
    text: str

    def to_json(self) -> dict[str, str]:
        """The fields as a JSON object."""
        return {"name": self.name, "status": self.status, "text": self.text}


def examine() -> list[Check]:
    """All checks, in the order in which a user would read them."""
    checks = [
        Check(
            "setpiece",
            Check.OK,
            f"{__version__} on Python {platform.python_version()}, {platform.platform()}",
        ),
        _processor(),
        _memory(),
        _disk(),
    ]
    for package, module, why in (
        ("pycolmap", "pycolmap", "camera poses"),
        ("opencv-python-headless", "cv2", "features"),
        ("pillow-heif", "pillow_heif", "HEIC photos"),
        ("embreex", "embreex.rtcore_scene", "the demo"),
    ):
        checks.append(_package(package, module, why))
    return [
        *checks,
        _guard("CPU engine", _engine),
        _guard("photos", _codecs),
        _guard("viewer", _viewer),
        _gpu(),
    ]


def _guard(name: str, check: Callable[[], Check]) -> Check:
    """A check that may raise anything, because it runs code that may be broken here."""
    try:
        return check()
    except Exception as error:
        return Check(name, Check.FAIL, f"{type(error).__name__}: {error}")


def _processor() -> Check:
    return Check("processor", Check.OK, f"{platform.machine()}, {thread_count(None)} cores")


def _memory() -> Check:
    memory = psutil.virtual_memory()
    text = f"{memory.available / 1e9:.1f} GB free of {memory.total / 1e9:.1f} GB"
    if memory.available < NEEDED_MEMORY:
        return Check(
            "memory", Check.NOTE, f"{text}; large captures need 3 GB, close programs or use --quality draft"
        )
    return Check("memory", Check.OK, text)


def _disk() -> Check:
    usage = shutil.disk_usage(Path.cwd())
    text = f"{usage.free / 1e9:.0f} GB free here"
    return Check("disk", Check.OK if usage.free >= NEEDED_DISK else Check.FAIL, text)


def _package(package: str, module: str, why: str) -> Check:
    try:
        importlib.import_module(module)
        return Check(package, Check.OK, f"{version(package)} ({why})")
    except PackageNotFoundError:
        return Check(package, Check.OK, f"installed under another name ({why})")
    except ImportError as error:
        return Check(package, Check.FAIL, f"{error}; needed for {why}. Try: pip install {package}")


def _engine() -> Check:
    from setpiece.reconstruct.cpu.engine import engine_description

    return Check("CPU engine", Check.OK, engine_description())


def _codecs() -> Check:
    from PIL import features
    from pillow_heif import libheif_info

    missing = [name for name in ("jpg", "zlib", "libtiff") if not features.check(name)]
    if missing:
        return Check("photos", Check.FAIL, f"Pillow was built without {', '.join(missing)}")
    return Check("photos", Check.OK, f"JPEG, PNG, WebP, TIFF, HEIC (libheif {libheif_info()['libheif']})")


def _viewer() -> Check:
    from setpiece.viewer.static import page_folder

    page_folder()  # raises where the page was not built
    return Check("viewer", Check.OK, "built")


def _gpu() -> Check:
    from setpiece.reconstruct.cuda.available import cuda_problem

    try:
        problem = cuda_problem()
        if problem is not None:
            return Check("GPU", Check.NOTE, f"not used: {problem}")
        import torch

        importlib.import_module("gsplat")
        card = f"{torch.cuda.get_device_name()}, CUDA {torch.version.cuda}"
        return Check("GPU", Check.OK, f"{card}, gsplat {version('gsplat')}")
    except Exception as error:  # whatever a broken installation raises
        return Check("GPU", Check.NOTE, f"not used: {type(error).__name__}: {error}")
