"""The photos in a folder: which files are meant, and in which order their names stand."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

from setpiece.errors import CaptureError
from setpiece.setfolder import SET_FILE

EXTENSIONS = frozenset({".jpg", ".jpeg", ".jpe", ".png", ".tif", ".tiff", ".heic", ".heif", ".hif"})
_FORBIDDEN = re.compile(r'[\x00-\x1f<>:"/\\|?*]')  # what some file system cannot store in a name
_LONGEST_NAME = 150  # bytes; names of pictures made from a frame are longer, and 255 are allowed


def photo_files(photos: Path) -> list[Path]:
    """The photos in `photos` and its folders, in natural order of their relative paths.

    Hidden files and folders and the `._` companions that macOS leaves on foreign disks are passed over,
    as are files of other kinds and sets that lie between the photos. Raises CaptureError when the folder is
    missing, a file, or without photos.
    """
    files = _visible_files(photos)
    found = [f for f in files if f.suffix.lower() in EXTENSIONS]
    if not found:
        what = f"none of its {len(files)} files is" if files else "it is empty, without"
        raise CaptureError(
            f"{photos} holds no photos: {what} a JPEG, PNG, TIFF or HEIC picture. "
            "Give the folder with the photos."
        )
    return sorted(found, key=lambda f: natural_key(f.relative_to(photos).as_posix()))


def other_files(photos: Path) -> int:
    """How many visible files in `photos` are not photos by their extension."""
    return sum(f.suffix.lower() not in EXTENSIONS for f in _visible_files(photos))


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """A sort key in which IMG_9 comes before IMG_10."""
    parts = re.split(r"(\d+)", name.casefold())
    return tuple((0, int(p), "") if p.isdecimal() else (1, 0, p) for p in parts if p)


def readable(name: str) -> str:
    """The name with a question mark for each byte that is no text, as old disks and cameras leave them."""
    return name.encode("utf-8", "replace").decode("utf-8")


def frame_names(sources: list[str]) -> list[str]:
    """A file name ending in .jpg for each relative source path: flat, valid and unique whatever the case.

    A name that occurs once keeps its stem; names that collide get their folders in front, and a number
    where that is not enough (IMG.heic beside IMG.jpg).
    """
    stems = [_clean(Path(s).stem) for s in sources]
    full = [_clean("_".join(Path(s).with_suffix("").parts)) for s in sources]
    counts: dict[str, int] = {}
    for stem in stems:
        counts[stem.casefold()] = counts.get(stem.casefold(), 0) + 1
    taken: set[str] = set()
    names = []
    for stem, long in zip(stems, full, strict=True):
        name = base = stem if counts[stem.casefold()] == 1 else long
        number = 2
        while name.casefold() in taken or (name != stem and counts.get(name.casefold(), 0) == 1):
            name = f"{base}-{number}"
            number += 1
        taken.add(name.casefold())
        names.append(f"{name}.jpg")
    return names


def _visible_files(photos: Path) -> list[Path]:
    if not photos.exists():
        raise CaptureError(f"{photos} does not exist. Give the folder that holds the photos.")
    if not photos.is_dir():
        raise CaptureError(f"{photos} is a file. Give the folder that holds the photos.")
    try:
        found = sorted(f for f in photos.rglob("*") if f.is_file())
        sets = {f.parent for f in found if f.name == SET_FILE} - {photos}
        return [
            f
            for f in found
            if sets.isdisjoint(f.parents) and not any(p.startswith(".") for p in f.relative_to(photos).parts)
        ]
    except OSError as error:
        raise CaptureError(f"{photos} cannot be read: {error.strerror}. Check its permissions.") from error


def _clean(name: str) -> str:
    name = _FORBIDDEN.sub("_", unicodedata.normalize("NFC", name)).strip(" .")
    short = name.encode()[:_LONGEST_NAME].decode(errors="ignore").strip(" .")
    return short or "photo"
