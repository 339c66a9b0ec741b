"""The capture stage: what a phone or a camera made becomes checked frames in the set."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from setpiece.atomic import atomic_folder
from setpiece.capture.apps.find import read_pose_files
from setpiece.capture.apps.priors import with_priors
from setpiece.capture.doubles import exact_duplicates, without_versions
from setpiece.capture.fixes import places_of
from setpiece.capture.frames import FRAMES_FOLDER, MASKS_FOLDER, LeftOut, write_frames
from setpiece.capture.grey import GreyShelf
from setpiece.capture.mask_files import match_masks
from setpiece.capture.names import frame_names, natural_key
from setpiece.capture.options import CaptureOptions
from setpiece.capture.originals import unexported
from setpiece.capture.panorama.nadir import masked_nadirs
from setpiece.capture.read_photo import ReadFrame
from setpiece.capture.read_photos import read_photos
from setpiece.capture.sources import Sources
from setpiece.capture.summary import counted, summary
from setpiece.capture.video.read import ReadClips, read_clips
from setpiece.errors import CaptureError
from setpiece.progress import Progress
from setpiece.setfolder import SetFolder

FEWEST_FRAMES = 3
_FILMING = "Film the place while walking around it slowly."
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
    (count), `ordered_by` ("time" or "name"), `copied` (count of photos whose coded picture is untouched),
    `photos_given`, `photos_used`, `clips_given`, `clips` (what came of each: `read_clips`), `masked` (count
    of frames with a mask), `notes` and `warnings`. Raises CaptureError when fewer than three photos or frames
    can be used.
    """
    with atomic_folder(target.capture) as folder:
        (folder / FRAMES_FOLDER).mkdir()
        (folder / MASKS_FOLDER).mkdir()
        masks, warnings = match_masks(
            [sources.name(m) for m in sources.masks], [sources.name(f) for f in sources.photos]
        )
        read, left_out = read_photos(
            sources, masks, _file_names(sources), folder / FRAMES_FOLDER, options, progress, shelf
        )
        warnings += [f"{masks[r.frame.source]}: {r.mask_fault}." for r in read if r.mask_fault]
        read, versions = without_versions(read)
        for name in versions:
            (folder / FRAMES_FOLDER / name).unlink()
            (folder / MASKS_FOLDER / f"{name}.png").unlink(missing_ok=True)
        clips = _read_clips(sources, folder / FRAMES_FOLDER, options, progress, shelf)
        read += masked_nadirs(clips.read, clips.panoramas, folder / MASKS_FOLDER)
        left_out += unexported(sources)
        left_out = sorted([*left_out, *versions.values(), *clips.left_out], key=lambda x: natural_key(x.name))
        _check_enough(sources, len({_instant(r) for r in read}), left_out)
        read, ordered_by = _in_capture_order(read)
        read = _with_places(read)
        said, faults = read_pose_files(sources.poses, sources.folder)
        read, missing = with_priors(read, [s.in_metres() for s in said] if options.poses_in_metres else said)
        warnings += [*faults, *missing]
        write_frames(folder, [r.frame for r in read], left_out)
    for note in [*clips.notes, *warnings]:
        progress.warning(note)
    return {**summary(sources, read, left_out, ordered_by, clips), "warnings": warnings}


def _instant(read: ReadFrame) -> str:
    """The same for views of one panorama."""
    return read.frame.rig.instant if read.frame.rig else read.frame.name


def _read_clips(
    sources: Sources,
    frames: Path,
    options: CaptureOptions,
    progress: Progress,
    shelf: GreyShelf | None,
) -> ReadClips:
    files, photos = sources.clips, [sources.name(f) for f in sources.photos]
    if not files:
        return ReadClips()
    names = [sources.name(f) for f in files]
    stems = [Path(name).stem for name in _file_names(sources)[len(photos) :]]
    same = exact_duplicates(files, names)
    new = [i for i, name in enumerate(names) if name not in same]
    clips = read_clips(
        [files[i] for i in new],
        [names[i] for i in new],
        [stems[i] for i in new],
        photos,
        frames,
        options,
        progress,
        shelf,
    )
    clips.left_out += [LeftOut(name, f"it is the same file as {same[name]}") for name in same]
    clips.notes += [f"{x.name} is not used: {x.reason}" for x in clips.left_out]
    return clips


def _file_names(sources: Sources) -> list[str]:
    """A unique name for each photo and then for each clip."""
    return frame_names([sources.name(f) for f in (*sources.photos, *sources.clips)])


def _with_places(read: list[ReadFrame]) -> list[ReadFrame]:
    """The frames, with how far they lie from the first by satellite; where on Earth that is stays here."""
    places = places_of([r.fix for r in read])
    return [
        replace(r, frame=replace(r.frame, place=place), fix=None)
        for r, place in zip(read, places, strict=True)
    ]


def _in_capture_order(read: list[ReadFrame]) -> tuple[list[ReadFrame], str]:
    """By time where every photo and clip has one, else by name; the frames of a clip stay together."""
    timed = all(r.frame.time for r in read)
    starts: dict[str, str] = {}  # of clips: the time of their first frame
    for r in read:
        if r.frame.clip is not None:
            time = r.frame.time or ""
            starts[r.frame.clip] = min(starts.get(r.frame.clip, time), time)

    def place(r: ReadFrame) -> tuple[object, ...]:
        clip, time = r.frame.clip, r.frame.time or ""
        if clip is None:
            return (time if timed else "", natural_key(r.frame.source), 0.0)
        return (starts[clip] if timed else "", natural_key(clip), r.frame.clip_time_s or 0.0)

    ordered = sorted(read, key=place)
    by = "time" if timed and len({r.frame.time for r in read}) > 1 else "name"
    return [replace(r, frame=replace(r.frame, order=i)) for i, r in enumerate(ordered)], by


def _check_enough(sources: Sources, used: int, left_out: list[LeftOut]) -> None:
    if used >= FEWEST_FRAMES:
        return
    capture, photos, clips = sources.folder, len(sources.photos), len(sources.clips)
    given = counted(photos, "photo", clips, "clip")
    alone = clips == 1 and not photos
    where = sources.clips[0] if alone else capture
    if alone and left_out:
        raise CaptureError(f"{where} cannot be used: {left_out[0].reason}. {_FILMING}")
    if not left_out and clips:
        raise CaptureError(
            f"{where} gives only {counted(used, 'different view', 0, '')}; "
            f"a set needs at least {FEWEST_FRAMES}. {_FILMING}"
        )
    if not left_out:
        raise CaptureError(f"{capture} holds only {given}; a set needs at least {FEWEST_FRAMES}. {_ADVICE}")
    reasons = "; ".join(f"{x.name}: {x.reason}" for x in left_out[:3])
    more = f"; and {len(left_out) - 3} more" if len(left_out) > 3 else ""
    what = f"of the {given} in {capture}" if photos else f"frames of the {given} in {capture}"
    raise CaptureError(
        f"only {used} {what} can be used, at least {FEWEST_FRAMES} are needed ({reasons}{more}). {_ADVICE}"
    )
