"""Checkpoints: everything a training needs to go on bit by bit, in one file that is whole or not there.

A file is one line of JSON, which says what is in it and the checksum of the rest, and then the arrays as
an uncompressed .npz. `splats/checkpoints/` holds the two newest while training runs and `final` afterwards.
"""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from setpiece.atomic import atomic_file
from setpiece.errors import TrainingError
from setpiece.progress import Progress
from setpiece.setfolder import SetFolder
from setpiece.splats import Splats

Arrays = dict[str, NDArray[np.generic]]

SCHEMA = 1
KEPT = 2  # running checkpoints kept: the newest may be damaged
FINAL = "final"
_SPLAT_FIELDS = ("means", "log_scales", "quats_wxyz", "opacity_logits", "sh")


@dataclass(frozen=True)
class Checkpoint:
    """A moment of a training."""

    digest: str  # of the options and the input; a training goes on only where it is the same
    step: int  # steps done
    facts: dict[str, Any]  # JSON values
    arrays: Arrays


class CheckpointError(Exception):
    """A checkpoint file is damaged or of another version; never shown to the user as it is."""


def folder_of(target: SetFolder) -> Path:
    """`splats/checkpoints/`."""
    return target.splats / "checkpoints"


def write_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Write a running checkpoint and remove those of the same training beyond the newest `KEPT`."""
    folder.mkdir(parents=True, exist_ok=True)
    write_checkpoint_file(folder / f"step-{checkpoint.step:07d}-{checkpoint.digest[:8]}", checkpoint)
    for old in running(folder, checkpoint.digest)[KEPT:]:
        old.unlink()


def running(folder: Path, digest: str = "") -> list[Path]:
    """The running checkpoints, newest first: of the training with `digest`, or of all."""
    return sorted(folder.glob(f"step-*-{digest[:8]}*"), reverse=True)


def forget(folder: Path, digest: str = "") -> None:
    """Remove the running checkpoints of the training with `digest`, or of all."""
    for path in running(folder, digest):
        path.unlink()


def newest_checkpoint(folder: Path, digest: str, progress: Progress) -> Checkpoint | None:
    """The newest whole checkpoint of the training with `digest`; None to start from the beginning.

    Damaged files are named in a warning and removed; those of other options are left alone.
    """
    for path in running(folder, digest):
        try:
            checkpoint = read_checkpoint(path)
        except CheckpointError as error:
            progress.warning(
                f"The checkpoint {path.name} is damaged ({error}); going back to an earlier state."
            )
            path.unlink()
            continue
        return checkpoint
    return None


def write_final(target: SetFolder, digest: str, step: int, splats: Splats, result: dict[str, Any]) -> None:
    """Write the result of a finished training and remove all running checkpoints."""
    folder = folder_of(target)
    folder.mkdir(parents=True, exist_ok=True)
    arrays: Arrays = {name: getattr(splats, name) for name in _SPLAT_FIELDS}
    write_checkpoint_file(folder / FINAL, Checkpoint(digest, step, result, arrays))
    forget(folder)


def finished(target: SetFolder, digest: str, progress: Progress) -> dict[str, Any] | None:
    """The result of the finished training with `digest`, or None; a damaged file is named in a warning."""
    path = folder_of(target) / FINAL
    if not path.exists():
        return None
    try:
        final = read_checkpoint(path)
    except CheckpointError as error:
        progress.warning(f"The finished training in {path.name} is damaged ({error}); training again.")
        return None
    return final.facts if final.digest == digest else None


def read_splats(target: SetFolder) -> Splats:
    """The trained Gaussians of a set. Raises TrainingError when there are none yet or they are damaged."""
    path = folder_of(target) / FINAL
    if not path.exists():
        raise TrainingError(f"{target.path} holds no trained splats. Run: setpiece train {target.path}")
    try:
        arrays = read_checkpoint(path).arrays
        return Splats(**{name: np.asarray(arrays[name], dtype=np.float32) for name in _SPLAT_FIELDS})
    except (CheckpointError, KeyError, ValueError) as error:
        raise TrainingError(
            f"{path} is damaged ({error}). Delete it and run: setpiece train {target.path}"
        ) from error


def read_checkpoint(path: Path) -> Checkpoint:
    """The checkpoint in a file. Raises CheckpointError when it is not whole."""
    try:
        with path.open("rb") as file:
            header = json.loads(file.readline(1 << 24))
            data = file.read()
        if header["schema"] != SCHEMA:
            raise CheckpointError(f"schema {header['schema']}, expected {SCHEMA}")
        if len(data) != header["bytes"] or _checksum(data) != header["checksum"]:
            raise CheckpointError(f"{len(data)} of {header['bytes']} bytes, or the checksum does not match")
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return Checkpoint(
                header["digest"],
                int(header["step"]),
                header["facts"],
                {name: arrays[name] for name in arrays},
            )
    except FileNotFoundError as error:
        raise CheckpointError("the file is missing") from error
    except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
        raise CheckpointError(str(error) or "unreadable") from error


def write_checkpoint_file(path: Path, checkpoint: Checkpoint) -> None:
    """Write one file; it appears whole or not at all."""
    buffer = io.BytesIO()
    np.savez(buffer, **checkpoint.arrays)  # type: ignore[arg-type]
    data = buffer.getbuffer()
    header = {
        "schema": SCHEMA,
        "digest": checkpoint.digest,
        "step": checkpoint.step,
        "facts": checkpoint.facts,
        "bytes": len(data),
        "checksum": _checksum(data),
    }
    with atomic_file(path) as file:
        file.write(json.dumps(header).encode() + b"\n")
        file.write(data)


def _checksum(data: bytes | memoryview) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()
