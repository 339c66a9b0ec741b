"""The photos of a capture as frames, several at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from PIL import Image

from setpiece.capture.doubles import exact_duplicates
from setpiece.capture.frames import MASKS_FOLDER, LeftOut
from setpiece.capture.grey import GreyShelf
from setpiece.capture.options import CaptureOptions
from setpiece.capture.panorama.nadir import masked_nadirs
from setpiece.capture.panorama.read import ReadPanorama, read_panorama
from setpiece.capture.read_photo import ReadFrame, read_photo
from setpiece.capture.sources import Sources
from setpiece.progress import Progress

_Read = ReadFrame | ReadPanorama | LeftOut

_THREADS = 2


def read_photos(
    sources: Sources,
    masks: dict[str, str],
    file_names: Sequence[str],
    frames: Path,
    options: CaptureOptions,
    progress: Progress,
    shelf: GreyShelf | None,
) -> tuple[list[ReadFrame], list[LeftOut]]:
    """Write the capture's photos into the folder `frames`, panoramas as views; those not used and why.

    `masks` has the path of its mask for each photo that has one, both relative to the capture; `file_names`
    are the names to give the photos' frames, in the order of `sources.photos`.
    """
    files = sources.photos
    names = [sources.name(f) for f in files]
    if not names:
        return [], []
    mask_at = {sources.name(m): m for m in sources.masks}
    outputs = [frames / name for name in file_names[: len(files)]]
    same = exact_duplicates(files, names)
    todo = [i for i, name in enumerate(names) if name not in same]
    read: list[ReadFrame] = []
    left_out = [LeftOut(name, f"it is the same file as {same[name]}") for name in names if name in same]
    with (
        progress.task("reading photos", len(todo)) as task,
        _any_size(),
        ThreadPoolExecutor(_THREADS) as pool,
    ):
        work: list[Future[_Read]] = []
        panoramas: list[ReadPanorama] = []
        for i in todo:
            mask = mask_at[masks[names[i]]] if names[i] in masks else None
            work.append(pool.submit(_read_one, files[i], names[i], outputs[i], options, shelf, mask))
        for outcome in work:
            result = outcome.result()
            if isinstance(result, LeftOut):
                task.advance(1, result.name)
                left_out.append(result)
                continue
            if isinstance(result, ReadPanorama):
                panoramas.append(result)
            frames_read = result.views if isinstance(result, ReadPanorama) else [result]
            task.advance(1, frames_read[0].frame.source)
            read += frames_read
    return masked_nadirs(read, panoramas, frames.parent / MASKS_FOLDER), left_out


def _read_one(
    path: Path,
    source: str,
    output: Path,
    options: CaptureOptions,
    shelf: GreyShelf | None,
    mask: Path | None,
) -> _Read:
    panorama = read_panorama(path, source, output, options, mask)
    return read_photo(path, source, output, options, shelf, mask) if panorama is None else panorama


@contextlib.contextmanager
def _any_size() -> Iterator[None]:
    """Pillow's guard against huge pictures is off: open_photo has its own, and reports it as a reason."""
    before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = before
