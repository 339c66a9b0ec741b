"""Running a stage once: its record in `set.json` says with which options, on which input, how long, how good.

A stage is a function that does its work and returns a JSON object, its result. It is skipped when a record
with the same options and the same input exists, so that a command that was stopped goes on where it was.
"""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import hashlib
import itertools
import json
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from setpiece import __version__
from setpiece.memory import PeakMemory
from setpiece.setfolder import SetFolder, now

_SAMPLED = 65536  # bytes at the beginning and at the end of a file that its digest looks at


def run_stage(
    target: SetFolder,
    name: str,
    options: Any,
    input_digest: str,
    work: Callable[[], dict[str, Any]],
    outputs: tuple[str, ...],
    editable: bool = False,
) -> bool:
    """Run `work` unless the set already holds its result; True when it ran.

    `options` is a frozen dataclass. `input_digest` stands for all that the stage reads. `outputs` are paths
    relative to the set that must be there for the stage to count as done, and be as it left them unless
    they are `editable`; damaged ones are removed. The records of the stages that came after it are forgotten
    when it runs again: they are of a result that is gone.
    """
    digest = stage_digest(name, options, input_digest)
    record = stage_record(target, name)
    files = [target.path / o for o in outputs]
    if record and record["digest"] == digest and all(f.exists() for f in files):
        if editable or record.get("outputs") == files_digest(files):
            return False
        for file in files:
            file.unlink()
    started, clock = now(), time.monotonic()
    with PeakMemory() as memory:
        result = work()
    document = target.document()
    earlier = itertools.takewhile(lambda item: item[0] != name, document["stages"].items())
    document["stages"] = dict(earlier)
    document["stages"][name] = {
        "digest": digest,
        "options": options_json(options),
        "versions": {"setpiece": __version__, "python": platform.python_version()},
        "started": started,
        "seconds": round(time.monotonic() - clock, 3),
        "peak_memory_bytes": memory.bytes,
        "outputs": files_digest(files),
        "result": result,
    }
    target.write_document(document)
    return True


def stage_record(target: SetFolder, name: str) -> dict[str, Any] | None:
    """The record of a finished stage, or None."""
    record: dict[str, Any] | None = target.document()["stages"].get(name)
    return record


def digest_before_rescaling(target: SetFolder, name: str, digest: str) -> str:
    """The digest that a stage's output had when the stage ended, where `digest` is its digest now.

    A set that is brought to another size is the same set: what was made from the output goes on.
    """
    rescaled = (stage_record(target, name) or {}).get("rescaled")
    return str(rescaled["from"]) if rescaled and rescaled["to"] == digest else digest


def stage_digest(name: str, options: Any, input_digest: str) -> str:
    """What a stage's record is recognised by; also the input digest of the stage that follows."""
    text = json.dumps([name, telling_options(options), input_digest], sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def telling_options(options: Any) -> dict[str, Any]:
    """`options_json` without the options that do not change a result."""
    telling = {f.name for f in dataclasses.fields(options) if f.metadata.get("changes_result", True)}
    return {name: value for name, value in options_json(options).items() if name in telling}


def options_json(options: Any) -> dict[str, Any]:
    """The fields of an options dataclass as JSON values."""

    def plain(value: Any) -> Any:
        if isinstance(value, enum.Enum):
            return value.value
        if isinstance(value, Path):
            return value.as_posix()
        return list(value) if isinstance(value, tuple) else value

    return {f.name: plain(getattr(options, f.name)) for f in dataclasses.fields(options)}


def files_digest(files: list[Path]) -> str:
    """A digest of the names, sizes, beginnings and ends of files: quick, and blind to where they lie.

    A file that cannot be read counts by its name alone; whoever reads it will say so.
    """
    digest = hashlib.blake2b(digest_size=16)
    for path in files:
        digest.update(os.fsencode(path.name) + b"\0")  # a name need not be Unicode
        with contextlib.suppress(OSError):
            digest.update(_sample(path))
    return digest.hexdigest()


def _sample(path: Path) -> bytes:
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(_SAMPLED)
        file.seek(max(_SAMPLED, size - _SAMPLED))
        return b"".join([f"{size}\0".encode(), start, file.read()])
