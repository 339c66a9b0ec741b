"""The capture stage: a folder of photos becomes checked frames in the set."""

from __future__ import annotations

import contextlib
import hashlib
import statistics
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from setpiece.atomic import atomic_folder, disk_error
from setpiece.capture.decode import (
    UnreadablePhotoError,
    decode_grey,
    decode_srgb,
    needs_no_colour_change,
    open_photo,
)
from setpiece.capture.exif import Metadata, read_metadata
from setpiece.capture.frames import FRAMES_FOLDER, CapturedFrame, LeftOut, write_frames
from setpiece.capture.grey import GreyPicture, GreyShelf
from setpiece.capture.jpeg import stripped_jpeg
from setpiece.capture.options import CaptureOptions
from setpiece.capture.photos import frame_names, natural_key, other_files, photo_files, readable
from setpiece.capture.sharpness import brightness, sharpness
from setpiece.errors import CaptureError
from setpiece.progress import Progress
from setpiece.setfolder import SetFolder

__all__ = ["FEWEST_FRAMES", "ingest_photos", "photo_files"]

FEWEST_FRAMES = 3
_MEASURED_SIDE = 1000  # pixels; sharpness is measured at this size, so that all photos compare
_THREADS = 2
_ADVICE = "Take 20 to 60 photos while walking around the place, each overlapping the one before."


@dataclass(frozen=True)
class _Read:
    frame: CapturedFrame
    thumbnail: NDArray[np.float32]  # [16, 16] grey
    copied: bool  # the coded picture is the photo's own
    transparent: bool


def ingest_photos(
    target: SetFolder,
    photos: Path,
    options: CaptureOptions,
    progress: Progress,
    shelf: GreyShelf | None = None,
) -> dict[str, Any]:
    """Read the photos in `photos` into `capture/` of the set; returns what the report needs.

    Decoded pictures are put on the shelf, for the poses.

    The result has `frames_given`, `frames_used`, `left_out` (name and reason), `other_files` (count),
    `cameras` (make, model, size, focal length and photos of each lens), `blurred` (names), `gravity_frames`
    (count), `ordered_by` ("time" or "name"), `copied` (count of photos whose coded picture is untouched) and
    `notes`. Raises CaptureError when fewer than three photos can be used.
    """
    files = photo_files(photos)
    sources = [readable(f.relative_to(photos).as_posix()) for f in files]
    names = frame_names(sources)
    same = _exact_duplicates(files, sources)
    with atomic_folder(target.capture) as folder:
        (folder / FRAMES_FOLDER).mkdir()
        read: list[_Read] = []
        left_out = [LeftOut(s, f"it is the same file as {same[s]}") for s in sources if s in same]
        todo = [i for i, s in enumerate(sources) if s not in same]
        with (
            progress.task("reading photos", len(todo)) as task,
            _any_size(),
            ThreadPoolExecutor(_THREADS) as pool,
        ):
            work = (
                pool.submit(
                    _read_photo, files[i], sources[i], folder / FRAMES_FOLDER / names[i], options, shelf
                )
                for i in todo
            )
            for outcome in list(work):
                result = outcome.result()
                task.advance(1, result.name if isinstance(result, LeftOut) else result.frame.source)
                if isinstance(result, LeftOut):
                    left_out.append(result)
                else:
                    read.append(result)
        read, versions = _without_versions(read)
        for version in versions:
            (folder / FRAMES_FOLDER / version.name).unlink()
        left_out += [LeftOut(v.source, v.reason) for v in versions]
        left_out.sort(key=lambda x: natural_key(x.name))
        _check_enough(photos, len(files), len(read), left_out)
        frames, ordered_by = _in_capture_order([r.frame for r in read])
        write_frames(folder, frames, left_out)
    return _summary(photos, len(files), frames, left_out, ordered_by, read)


def _read_photo(
    path: Path, source: str, output: Path, options: CaptureOptions, shelf: GreyShelf | None
) -> _Read | LeftOut:
    try:
        with open_photo(path) as picture:
            width, height = picture.size
            if min(width, height) < options.min_side:
                raise UnreadablePhotoError(
                    f"it is only {width}x{height} pixels; the short side needs {options.min_side}"
                )
            metadata = read_metadata(picture)
            transparent = picture.mode.endswith("A") or "transparency" in picture.info
            coded = _untouched(path, picture, metadata, options)
            if coded is not None:
                grey = decode_grey(picture, _MEASURED_SIDE)
                _write(output, coded)
                if shelf is not None:
                    shelf.put(output, grey)
            else:
                lossy = picture.format in ("JPEG", "MPO", "HEIF")
                rgb = decode_srgb(picture, metadata.orientation, options.max_side)
                width, height = rgb.size
                _save(rgb, output, options.jpeg_quality, subsampled=lossy)
                grey = GreyPicture(np.asarray(rgb.convert("L")), rgb.size)
    except UnreadablePhotoError as error:
        return LeftOut(source, str(error))
    measured = grey.within(_MEASURED_SIDE)
    frame = CapturedFrame(
        name=output.name,
        source=source,
        order=0,
        width=width,
        height=height,
        time=metadata.time,
        focal_px=metadata.focal_fraction * max(width, height) if metadata.focal_fraction else None,
        focal_source=metadata.focal_source,
        make=metadata.make,
        model=metadata.model,
        lens=metadata.lens,
        exposure_s=metadata.exposure_s,
        iso=metadata.iso,
        f_number=metadata.f_number,
        sharpness=round(sharpness(measured), 4),
        brightness=round(brightness(measured), 4),
        gravity_in_cam=metadata.gravity_in_cam,
    )
    thumbnail = np.asarray(Image.fromarray(measured).resize((16, 16), Image.Resampling.BOX), np.float32)
    return _Read(frame, thumbnail, coded is not None, transparent)


def _untouched(path: Path, picture: Image.Image, metadata: Metadata, options: CaptureOptions) -> bytes | None:
    """The photo's own coded picture where it can stay as it is."""
    if (
        picture.format not in ("JPEG", "MPO")
        or metadata.orientation != 1
        or max(picture.size) > options.max_side
        or not needs_no_colour_change(picture)
    ):
        return None
    try:
        return stripped_jpeg(path.read_bytes())
    except (ValueError, IndexError):
        return None  # decoding will say what is wrong, or heal it


def _save(picture: Image.Image, output: Path, quality: int, *, subsampled: bool) -> None:
    picture.info.clear()  # no profile, EXIF or comment goes along
    try:
        picture.save(output, "JPEG", quality=quality, subsampling=2 if subsampled else 0)
    except OSError as error:
        raise disk_error(output, error) from error


def _write(output: Path, data: bytes) -> None:
    try:
        output.write_bytes(data)
    except OSError as error:
        raise disk_error(output, error) from error


@contextlib.contextmanager
def _any_size() -> Iterator[None]:
    """Pillow's guard against huge pictures is off: open_photo has its own, and reports it as a reason."""
    before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = before


def _exact_duplicates(files: list[Path], sources: list[str]) -> dict[str, str]:
    """For each file with the same bytes as an earlier one, that earlier one."""
    by_size: dict[int, list[int]] = {}
    for i, file in enumerate(files):
        with contextlib.suppress(OSError):
            by_size.setdefault(file.stat().st_size, []).append(i)
    same: dict[str, str] = {}
    for group in by_size.values():
        first: dict[bytes, str] = {}
        for i in group if len(group) > 1 else []:
            try:
                digest = hashlib.blake2b(files[i].read_bytes()).digest()
            except OSError:  # reading the photo will say why
                continue
            if digest in first:
                same[sources[i]] = first[digest]
            else:
                first[digest] = sources[i]
    return same


@dataclass(frozen=True)
class _Version:
    name: str
    source: str
    reason: str


def _without_versions(read: list[_Read]) -> tuple[list[_Read], list[_Version]]:
    """Leaves out the smaller of two files that are the same photo, such as IMG_1.heic and IMG_1.jpg."""
    kept: dict[str, list[_Read]] = {}
    dropped: list[_Version] = []
    for one in sorted(read, key=lambda r: -r.frame.width * r.frame.height):
        key = Path(one.frame.source).with_suffix("").as_posix().casefold()
        twin = next(
            (k for k in kept.get(key, []) if float(np.abs(k.thumbnail - one.thumbnail).mean()) < 4), None
        )
        if twin:
            dropped.append(
                _Version(one.frame.name, one.frame.source, f"it is the same photo as {twin.frame.source}")
            )
        else:
            kept.setdefault(key, []).append(one)
    names = {d.name for d in dropped}
    return [r for r in read if r.frame.name not in names], dropped


def _in_capture_order(frames: list[CapturedFrame]) -> tuple[list[CapturedFrame], str]:
    timed = all(f.time for f in frames)
    ordered = sorted(frames, key=lambda f: (f.time or "" if timed else "", natural_key(f.source)))
    by = "time" if timed and len({f.time for f in frames}) > 1 else "name"
    return [replace(f, order=i) for i, f in enumerate(ordered)], by


def _check_enough(photos: Path, given: int, used: int, left_out: list[LeftOut]) -> None:
    if used >= FEWEST_FRAMES:
        return
    if not left_out:
        only = "only 1 photo" if given == 1 else f"only {given} photos"
        raise CaptureError(f"{photos} holds {only}; a set needs at least {FEWEST_FRAMES}. {_ADVICE}")
    reasons = "; ".join(f"{x.name}: {x.reason}" for x in left_out[:3])
    more = f"; and {len(left_out) - 3} more" if len(left_out) > 3 else ""
    raise CaptureError(
        f"only {used} of the {given} photos in {photos} can be used, at least {FEWEST_FRAMES} are needed "
        f"({reasons}{more}). {_ADVICE}"
    )


def _summary(
    photos: Path,
    given: int,
    frames: list[CapturedFrame],
    left_out: list[LeftOut],
    ordered_by: str,
    read: list[_Read],
) -> dict[str, Any]:
    cameras: dict[tuple[str, int, int], dict[str, Any]] = {}
    for f in frames:
        entry = cameras.setdefault(
            (f.lens, f.width, f.height),
            {
                "make": f.make,
                "model": f.model,
                "lens": f.lens,
                "width": f.width,
                "height": f.height,
                "focal_px": f.focal_px,
                "focal_source": f.focal_source,
                "frames": 0,
            },
        )
        entry["frames"] += 1
    middle = statistics.median(f.sharpness for f in frames)
    transparent = sum(r.transparent for r in read)
    notes = [f"{transparent} photos with transparency were laid on grey"] if transparent else []
    return {
        "frames_given": given,
        "frames_used": len(frames),
        "left_out": [{"name": x.name, "reason": x.reason} for x in left_out],
        "other_files": other_files(photos),
        "ordered_by": ordered_by,
        "copied": sum(r.copied for r in read),
        "cameras": list(cameras.values()),
        "gravity_frames": sum(f.gravity_in_cam is not None for f in frames),
        "sharpness_median": middle,
        "blurred": [f.name for f in frames if f.sharpness < 0.6 * middle],
        "notes": notes,
    }
