"""The clips of a capture: looked at, chosen from, and their chosen frames written."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from setpiece.capture.frames import LeftOut
from setpiece.capture.grey import GreyShelf
from setpiece.capture.options import CaptureOptions
from setpiece.capture.panorama.read import ReadPanorama
from setpiece.capture.panorama.recognise import clip_is_panorama
from setpiece.capture.read_photo import ReadFrame
from setpiece.capture.video.choose import Choice, choose_all
from setpiece.capture.video.clip import Clip, UnreadableClipError, cut_off_sentence, open_clip
from setpiece.capture.video.metadata import ClipMetadata
from setpiece.capture.video.pick import pick
from setpiece.capture.video.scan import Scan, scan
from setpiece.capture.video.srgb import srgb_pixels, upright
from setpiece.capture.video.write import FrameOrigin, write_clip_frame
from setpiece.progress import Progress
from setpiece.threads import thread_count

_AT_ONCE = 2  # pictures that are worked on side by side; more would take more memory
_ENDS_EARLY_S = 0.75  # seconds of the promised length that may be missing without a word
_NOTHING = "it shows nothing: its pictures are dark, covered or of one colour"
_TOO_FEW = 11.0  # frames per second, after those that no other needs were passed over
_VIEWS_AROUND = 4  # views of 90 degrees
_LIVE_PHOTO_S = 4.0  # seconds; the moving part of a photo is at most that long


@dataclass(frozen=True)
class _Looked:
    """A clip after the first pass."""

    path: Path
    source: str
    stem: str
    metadata: ClipMetadata
    codec: str
    duration_s: float
    scan: Scan
    note: str | None  # what is wrong with it
    panorama: bool  # the whole sphere
    passed_over: bool  # frames that no other needs were not looked at


@dataclass
class ReadClips:
    """What came of a capture's clips."""

    read: list[ReadFrame] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    clips: list[dict[str, Any]] = field(default_factory=list)  # of those used, for the report
    notes: list[str] = field(default_factory=list)
    panoramas: list[ReadPanorama] = field(default_factory=list)  # whose views are among those read


def read_clips(
    files: Sequence[Path],
    sources: Sequence[str],
    stems: Sequence[str],
    photos: Sequence[str],
    folder: Path,
    options: CaptureOptions,
    progress: Progress,
    shelf: GreyShelf | None = None,
) -> ReadClips:
    """Choose frames from the clips `files` and write them into `folder`.

    `sources` are the clips' paths relative to the capture, `stems` the beginnings of their frames' names,
    `photos` the relative paths of the capture's photos. A clip that cannot be read is left out with a reason.
    Memory does not grow with a clip's length, but for some 60 bytes per frame.
    """
    result, looked = ReadClips(), []
    for path, source, stem in zip(files, sources, stems, strict=True):
        try:
            looked.append(_look(path, source, stem, photos, options, progress))
        except UnreadableClipError as error:
            result.left_out.append(LeftOut(source, str(error)))
    choices, step = choose_all([one.scan for one in looked], options.max_frames)
    for one, choice in zip(looked, choices, strict=True):
        if not len(choice.frames):
            result.left_out.append(LeftOut(one.source, _NOTHING))
            continue
        written = _write(one, choice, folder, options, progress, shelf)
        result.panoramas += [w for w in written if isinstance(w, ReadPanorama)]
        read = [r for w in written for r in (w.views if isinstance(w, ReadPanorama) else [w])]
        result.read += sorted(read, key=lambda r: r.frame.clip_time_s or 0.0)
        result.clips.append(_summary(one, choice, len(written), step))
        result.notes += [f"{one.source}: {one.note}"] if one.note else []
        result.notes += [run.sentence(one.source) for run in choice.runs]
    return result


def _look(
    path: Path, source: str, stem: str, photos: Sequence[str], options: CaptureOptions, progress: Progress
) -> _Looked:
    one = _looked_at(path, source, stem, photos, options, progress, quick=True)
    if one.passed_over and one.scan.rate < _TOO_FEW:
        one = _looked_at(path, source, stem, photos, options, progress, quick=False)
    return one


def _looked_at(
    path: Path,
    source: str,
    stem: str,
    photos: Sequence[str],
    options: CaptureOptions,
    progress: Progress,
    *,
    quick: bool,
) -> _Looked:
    with open_clip(path, thread_count(None), quick=quick) as clip:
        _check(clip, source, photos)
        seconds = max(1, round(clip.duration_s or 1))
        with progress.task(f"looking at {source}, seconds", seconds) as task:
            measured = scan(clip, task)
        if min(measured.shown.size) < options.min_side:
            width, height = measured.shown.size
            raise UnreadableClipError(
                f"it is only {width}x{height} pixels; the short side needs {options.min_side}"
            )
        last = float(measured.times_s[-1] + 1 / (measured.rate or 30))
        note, promised = None, clip.duration_s
        if promised and last < promised - _ENDS_EARLY_S:
            note = cut_off_sentence(last, promised)
        elif measured.damaged:
            note = "some of its pictures are damaged and were passed over"
        around = clip_is_panorama(measured.shown.size, options.kind, lambda: _first_picture(path))
        if around:  # the way in widths of a view
            measured = replace(measured, way=measured.way * _VIEWS_AROUND)
        return _Looked(
            path, source, stem, clip.metadata, clip.codec, last, measured, note, around, clip.passes_over
        )


def _first_picture(path: Path) -> NDArray[np.uint8]:
    with open_clip(path, 1) as clip:
        frame = next(clip.decoded())
        shown = clip.shown(frame)
        return np.asarray(upright(srgb_pixels(frame, shown.colour), shown.matrix, shown.aspect), np.uint8)


def _check(clip: Clip, source: str, photos: Sequence[str]) -> None:
    """Raise UnreadableClipError where a clip is only what a photo does when it is pressed."""
    stem = Path(source).with_suffix("").as_posix().casefold()
    still = next((p for p in photos if Path(p).with_suffix("").as_posix().casefold() == stem), None)
    short = clip.duration_s is not None and clip.duration_s < _LIVE_PHOTO_S
    if still and short and (clip.metadata.live_photo or Path(source).suffix.casefold() == ".mov"):
        raise UnreadableClipError(f"it is the moving part of the live photo {still}, which is used itself")


def _write(
    one: _Looked,
    choice: Choice,
    folder: Path,
    options: CaptureOptions,
    progress: Progress,
    shelf: GreyShelf | None,
) -> list[ReadFrame | ReadPanorama]:
    origin = FrameOrigin(one.source, one.stem, one.metadata, one.scan.shown, one.panorama)
    read: list[ReadFrame | ReadPanorama] = []
    with (
        progress.task(f"reading {one.source}", len(choice.frames)) as task,
        ThreadPoolExecutor(_AT_ONCE) as pool,
        contextlib.closing(pick(one.path, one.scan, choice.frames, thread_count(None))) as frames,
    ):
        for done in _side_by_side(pool, frames, one, origin, folder, options, shelf):
            read.append(done)
            task.advance()
    return read


def _side_by_side(
    pool: ThreadPoolExecutor,
    frames: Iterator[tuple[int, Any]],
    one: _Looked,
    origin: FrameOrigin,
    folder: Path,
    options: CaptureOptions,
    shelf: GreyShelf | None,
) -> Iterator[ReadFrame | ReadPanorama]:
    """The frames as they are written, a few at a time."""
    waiting: deque[Future[ReadFrame | ReadPanorama]] = deque()
    for row, frame in frames:
        time_s = float(one.scan.times_s[row])
        waiting.append(pool.submit(write_clip_frame, frame, time_s, origin, folder, options, shelf))
        if len(waiting) > _AT_ONCE:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _summary(one: _Looked, choice: Choice, frames: int, step: float) -> dict[str, Any]:
    colour, size = one.scan.shown.colour, one.scan.shown.size
    return {
        "name": one.source,
        "seconds": round(one.duration_s, 3),
        "frames_in_clip": len(one.scan.pts),
        "frames_used": frames,
        "frames_per_second": round(one.scan.rate, 2),
        "width": size[0],
        "height": size[1],
        "codec": one.codec,
        "transfer": colour.transfer.value,
        "scenes": int(one.scan.scene[-1]) + 1,
        "way": round(float(one.scan.way[-1]), 3),  # widths of the picture
        "step": round(step, 4),  # widths of the picture between frames
        "blurred": [
            {"first_s": round(r.first_s, 3), "last_s": round(r.last_s, 3), "used": r.used}
            for r in choice.runs
        ],
        "note": one.note,
    }
