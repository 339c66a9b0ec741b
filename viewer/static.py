"""The built page: a handful of files, held in memory, so that no request can reach any other file."""

from __future__ import annotations

import gzip
import mimetypes
from dataclasses import dataclass
from pathlib import Path

import setpiece.viewer
from setpiece.errors import SetpieceError

_COMPRESSED = (".html", ".js", ".css", ".svg", ".json")
_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".html": "text/html; charset=utf-8",
}  # Windows gets these wrong


@dataclass(frozen=True)
class StaticFile:
    """One file of the page."""

    content: bytes
    compressed: bytes | None  # gzip, None where it would not help
    media_type: str
    cache_control: str


def page_folder() -> Path:
    """Where the built page lies: `static` in an installed package, `dist` in a source tree.

    Raises SetpieceError when the page was not built.
    """
    for package in _package_folders():
        for name in ("static", "dist"):
            if (package / name / "index.html").is_file():
                return package / name
    raise SetpieceError(
        "the viewer's page is missing: this copy of Setpiece was built without it (SETPIECE_VIEWER=OFF). "
        "Install it again with the viewer: pip install --force-reinstall setpiece"
    )


def _package_folders() -> list[Path]:
    # Beside this file first: in a source tree that is installed editable, the page there is the newest.
    return [Path(__file__).parent, *map(Path, setpiece.viewer.__path__)]


def load_page(folder: Path) -> dict[str, StaticFile]:
    """The files of the page by URL path; "/" is index.html."""
    files = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            url = "/" + path.relative_to(folder).as_posix()
            files["/" if url == "/index.html" else url] = _load(path, url)
    return files


def _load(path: Path, url: str) -> StaticFile:
    content = path.read_bytes()
    guessed = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    # What Vite puts under assets/ has a hash of its content in its name, so it never changes.
    immutable = url.startswith("/assets/")
    return StaticFile(
        content=content,
        compressed=gzip.compress(content, 6, mtime=0) if path.suffix in _COMPRESSED else None,
        media_type=_TYPES.get(path.suffix, guessed),
        cache_control="public, max-age=31536000, immutable" if immutable else "no-cache",
    )
