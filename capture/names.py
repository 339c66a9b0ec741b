"""Names of files and frames: their natural order, and a valid name for each frame."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath

_FORBIDDEN = re.compile(r'[\x00-\x1f<>:"/\\|?*]')  # what some file system cannot store in a name
_LONGEST_NAME = 150  # bytes; names of pictures made from a frame are longer, and 255 are allowed


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
    stems = [_clean(PurePosixPath(s).stem) for s in sources]
    full = [_clean("_".join(PurePosixPath(s).with_suffix("").parts)) for s in sources]
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


def _clean(name: str) -> str:
    name = _FORBIDDEN.sub("_", unicodedata.normalize("NFC", name)).strip(" .")
    short = name.encode()[:_LONGEST_NAME].decode(errors="ignore").strip(" .")
    return short or "photo"
