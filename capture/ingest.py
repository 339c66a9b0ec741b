"""The capture stage: what a phone or a camera made becomes checked frames in the set."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image

from setpiece.atomic import atomic_folder
from setpiece.capture.doubles import exact_duplicates, without_versions
from setpiece.capture.frames import FRAMES_FOLDER, LeftOut, write_frames
from setpiece.capture.grey import GreyShelf
from setpiece.capture.names import frame_names, natural_key
from setpiece.capture.options import CaptureOptions
from setpiece.capture.read_photo import ReadFrame, read_photo
from setpiece.capture.sources import Sources
from setpiece.capture.summary import summary
from setpiece.errors import CaptureError
from setpiece.progress import Progress
from setpiece.setfolder import SetFolder

FEWEST_FRAMES = 3
_THREADS = 2
_ADVICE = "Take 20 to 60 photos while walking around the place, each overlapping the one before."


def ingest(
    target: SetFolder,
    sources: Sources,
    options: CaptureOptions,
    progress: Progress,
    shelf: GreyShelf | None = None,
) -> dict[str, Any]:
    """Read a capture into `capture/` of the set; returns what the report needs.

    Decoded pictures are put on the shelf, for the poses.

    The result has `frames_given`, `frames_used`, `left_out` (name and reason), `other_files` (count),
    `cameras` (make, model, size, focal length and photos of each lens), `blurred` (names), `gravity_frames`
    (count), `ordered_by` ("time" or "name"), `copied` (count of photos whose coded picture is untouched) and
    `notes`. Raises CaptureError when fewer than three photos can be used.
    """
    with atomic_folder(target.capture) as folder:
        (folder / FRAMES_FOLDER).mkdir()
        read, left_out = _read_photos(sources, folder / FRAMES_FOLDER, options, progress, shelf)
        read, versions = without_versions(read)
        for name in versions:
            (folder / FRAMES_FOLDER / name).unlink()
        left_out = sorted([*left_out, *versions.values()], key=lambda x: natural_key(x.name))
        given = len(sources.photos)
        _check_enough(sources.folder, given, len(read), left_out)
        read, ordered_by = _in_capture_order(read)
        write_frames(folder, [r.frame for r in read], left_out)
    return summary(given, len(sources.others), read, left_out, ordered_by)


def _read_photos(
    sources: Sources,
    frames: Path,
    options: CaptureOptions,
    progress: Progress,
    shelf: GreyShelf | None,
) -> tuple[list[ReadFrame], list[LeftOut]]:
    files = sources.photos
    names = [sources.name(f) for f in files]
    outputs = [frames / name for name in frame_names(names)]
    same = exact_duplicates(files, names)
    todo = [i for i, name in enumerate(names) if name not in same]
    read: list[ReadFrame] = []
    left_out = [LeftOut(name, f"it is the same file as {same[name]}") for name in names if name in same]
    with (
        progress.task("reading photos", len(todo)) as task,
        _any_size(),
        ThreadPoolExecutor(_THREADS) as pool,
    ):
        work = [pool.submit(read_photo, files[i], names[i], outputs[i], options, shelf) for i in todo]
        for outcome in work:
            result = outcome.result()
            if isinstance(result, LeftOut):
                task.advance(1, result.name)
                left_out.append(result)
            else:
                task.advance(1, result.frame.source)
                read.append(result)
    return read, left_out


@contextlib.contextmanager
def _any_size() -> Iterator[None]:
    """Pillow's guard against huge pictures is off: open_photo has its own, and reports it as a reason."""
    before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = before


def _in_capture_order(read: list[ReadFrame]) -> tuple[list[ReadFrame], str]:
    timed = all(r.frame.time for r in read)
    ordered = sorted(read, key=lambda r: (r.frame.time or "" if timed else "", natural_key(r.frame.source)))
    by = "time" if timed and len({r.frame.time for r in read}) > 1 else "name"
    return [replace(r, frame=replace(r.frame, order=i)) for i, r in enumerate(ordered)], by


def _check_enough(capture: Path, given: int, used: int, left_out: list[LeftOut]) -> None:
    if used >= FEWEST_FRAMES:
        return
    if not left_out:
        only = "only 1 photo" if given == 1 else f"only {given} photos"
        raise CaptureError(f"{capture} holds {only}; a set needs at least {FEWEST_FRAMES}. {_ADVICE}")
    reasons = "; ".join(f"{x.name}: {x.reason}" for x in left_out[:3])
    more = f"; and {len(left_out) - 3} more" if len(left_out) > 3 else ""
    raise CaptureError(
        f"only {used} of the {given} photos in {capture} can be used, at least {FEWEST_FRAMES} are needed "
        f"({reasons}{more}). {_ADVICE}"
    )
