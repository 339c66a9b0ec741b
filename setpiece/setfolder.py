"""The set: one folder that holds everything about one place (see docs/set_folder.md)."""

from __future__ import annotations

import contextlib
import datetime
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock

from setpiece import __version__
from setpiece.atomic import TEMPORARY_PREFIX, disk_error, remove_leftovers, write_atomic
from setpiece.errors import SetFolderError
from setpiece.transaction import change_is_left, finish_change

SCHEMA = 1
SET_FILE = "set.json"
LOG_FILE = "log.txt"
_LOCK_FILE = ".lock"


@dataclass(frozen=True)
class SetFolder:
    """A set on disk. Paths inside it are relative to `path`, so that it can be moved."""

    path: Path

    @classmethod
    def create(cls, path: Path, name: str | None = None) -> SetFolder:
        """The set at `path`, made if there is none yet.

        Raises SetFolderError when `path` is a file, a folder with other things in it, or not writable.
        """
        if (path / SET_FILE).exists():
            return cls.open(path)
        if path.exists() and not path.is_dir():
            raise SetFolderError(f"{path} is a file; a set is a folder. Choose another name with -o.")
        try:
            if path.is_dir() and any(not _is_ours(e.name) for e in path.iterdir()):
                raise SetFolderError(
                    f"{path} is not empty and holds no set ({SET_FILE} is missing). "
                    "Choose a new folder with -o."
                )
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise disk_error(path, error) from error
        created = cls(path)
        created.write_document(
            {
                "schema": SCHEMA,
                "name": name or path.resolve().name,
                "setpiece": __version__,
                "created": now(),
                "frame": {
                    "upright": False,
                    "up_source": None,
                    "floor": False,
                    "scale_known": False,
                    "unit": "units",
                    "scale_source": None,
                    "scale_error": None,
                },
                "stages": {},
            }
        )
        return created

    @classmethod
    def open(cls, path: Path) -> SetFolder:
        """The set at `path`. Raises SetFolderError when there is none or it is damaged."""
        found = cls(path)
        if change_is_left(path):
            with contextlib.suppress(SetFolderError), found.lock():
                pass  # whoever cannot write it sees the old state of what is not moved yet
        found.document()
        return found

    def document(self) -> dict[str, Any]:
        """What `set.json` says now."""
        file = self.path / SET_FILE
        try:
            document = json.loads(file.read_text(encoding="utf-8"))
            if document["schema"] != SCHEMA:
                raise SetFolderError(
                    f"{file} has schema {document['schema']}; this version reads {SCHEMA}. Update Setpiece."
                )
            found: dict[str, Any] = document | {key: dict(document[key]) for key in ("frame", "stages")}
        except FileNotFoundError:
            raise SetFolderError(
                f"{self.path} is not a set: {SET_FILE} is missing. "
                "Make one with: setpiece build PHOTOS -o SET"
            ) from None
        except (ValueError, KeyError, TypeError) as error:
            raise SetFolderError(
                f"{file} is damaged ({error}). Restore it, or build the set again elsewhere."
            ) from error
        except OSError as error:
            raise SetFolderError(f"{file} cannot be read: {error.strerror}.") from error
        return found

    def write_document(self, document: dict[str, Any]) -> None:
        """Replace `set.json`."""
        write_atomic(
            self.path / SET_FILE, (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()
        )

    def update_frame(self, **values: Any) -> None:
        """Change what is known of the world frame: upright, up_source, floor, scale_known, unit, ..."""
        document = self.document()
        document["frame"].update(values)
        self.write_document(document)

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Be the only process that writes this set.

        Raises SetFolderError at once when another process is. Ends a change that a killed process had
        decided, and removes what it left half-written.
        """
        lock = filelock.FileLock(self.path / _LOCK_FILE)
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            raise SetFolderError(
                f"another process is writing {self.path}. Wait until it ends, "
                "or choose another folder with -o."
            ) from None
        except OSError as error:
            raise disk_error(self.path, error) from error
        try:
            finish_change(self.path)
            remove_leftovers(self.path)
            yield
        finally:
            lock.release()

    @property
    def capture(self) -> Path:
        """`capture/`: checked frames and what is known of them."""
        return self.path / "capture"

    @property
    def poses(self) -> Path:
        """`poses/`: COLMAP model, poses.json, points.npz and the undistorted pictures."""
        return self.path / "poses"

    @property
    def splats(self) -> Path:
        """`splats/`: scene.ply and checkpoints/."""
        return self.path / "splats"

    @property
    def log_file(self) -> Path:
        """`log.txt`: what was said while the set was made."""
        return self.path / LOG_FILE


def _is_ours(name: str) -> bool:
    """Whether a file is what a process that was killed early leaves in the folder of a new set."""
    return name in (_LOCK_FILE, LOG_FILE) or name.startswith(TEMPORARY_PREFIX)


def now() -> str:
    """The time now, UTC, ISO 8601 to the second."""
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
