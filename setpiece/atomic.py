"""Writing files and folders so that a reader sees the old state or the new one, never half of it."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from setpiece.errors import SetFolderError

TEMPORARY_PREFIX = ".setpiece-"  # what a killed process may leave behind; removed at the next run


def write_atomic(path: Path, data: bytes) -> None:
    """Write `data` to `path` beside it first, then rename.

    Raises SetFolderError when the disk is full or the folder is not writable.
    """
    with atomic_file(path) as file:
        file.write(data)


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Open a binary file that takes the place of `path` when the block ends without an error."""
    temporary = _beside(path)
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise disk_error(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """A new empty folder beside `path` that takes its place when the block ends without an error."""
    temporary = _beside(path)
    try:
        temporary.mkdir(parents=True)
        yield temporary
        if path.exists():
            old = _beside(path)
            path.rename(old)
            try:
                temporary.rename(path)
            except OSError:
                old.rename(path)
                raise
            shutil.rmtree(old)
        else:
            temporary.rename(path)
    except OSError as error:
        raise disk_error(path, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def remove_leftovers(folder: Path) -> None:
    """Remove what a killed process left half-written anywhere in `folder`."""
    for entry in list(folder.rglob(f"{TEMPORARY_PREFIX}*")):
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink(missing_ok=True)  # it may have gone with its folder


def disk_error(path: Path, error: OSError) -> SetFolderError:
    """The plain sentence for an operating system error met while writing `path`."""
    if error.errno == errno.ENOSPC:
        return SetFolderError(
            f"the disk is full: {path} could not be written. Free some space and run the same command again; "
            "it goes on from the last finished step."
        )
    if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
        return SetFolderError(f"{path} cannot be written: {error.strerror}. Choose another folder with -o.")
    return SetFolderError(f"{path} could not be written: {error.strerror or error}.")


def _beside(path: Path) -> Path:
    return path.with_name(f"{TEMPORARY_PREFIX}{uuid.uuid4().hex[:8]}-{path.name}")
