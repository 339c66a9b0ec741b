"""Changing several files of a set at once: all of them, or none, whatever happens in between.

New versions are written into a folder beside, under the same relative paths. Renaming that folder decides:
from then on the change is made, and whoever opens the set next moves what is still in it to its place.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from setpiece.atomic import TEMPORARY_PREFIX, disk_error

DECIDED = ".change"  # folder in a set: new versions that are only to be moved to their places


@contextlib.contextmanager
def all_or_nothing(folder: Path) -> Iterator[Path]:
    """A folder for new versions of files of `folder`, which take their places when the block ends well.

    Raises SetFolderError when the disk is full or the folder is not writable.
    """
    staged = folder / f"{TEMPORARY_PREFIX}change"
    try:
        staged.mkdir()
        yield staged
        for file in _files(staged):
            with file.open("rb") as written:
                os.fsync(written.fileno())
        staged.rename(folder / DECIDED)
        finish_change(folder)
    except OSError as error:
        raise disk_error(folder, error) from error
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def change_is_left(folder: Path) -> bool:
    """Whether a decided change has not all taken its place."""
    return (folder / DECIDED).is_dir()


def finish_change(folder: Path) -> None:
    """Move what a decided change has left to its place; nothing to do where there is none."""
    decided = folder / DECIDED
    if not decided.is_dir():
        return
    for file in _files(decided):
        place = folder / file.relative_to(decided)
        place.parent.mkdir(parents=True, exist_ok=True)
        file.replace(place)
    shutil.rmtree(decided)


def _files(folder: Path) -> list[Path]:
    return sorted(f for f in folder.rglob("*") if f.is_file())
