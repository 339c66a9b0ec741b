"""What the report needs to know of a capture that was read."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from setpiece.capture.frames import LeftOut
from setpiece.capture.read_photo import ReadFrame
from setpiece.capture.sources import Sources
from setpiece.capture.video.read import ReadClips

BLURRED = 0.6  # of the median sharpness


def counted(photos: int, photo: str, clips: int, clip: str) -> str:
    """ "12 photos", "1 clip" or "12 photos and 2 clips"."""
    parts = [f"{n} {word}" + ("" if n == 1 else "s") for n, word in ((photos, photo), (clips, clip)) if n]
    return " and ".join(parts) or f"0 {photo}s"


def summary(
    sources: Sources,
    read: Sequence[ReadFrame],
    left_out: Sequence[LeftOut],
    ordered_by: str,
    clips: ReadClips,
) -> dict[str, Any]:
    """The result of the capture stage (`ingest`); `read` in capture order.

    A panorama counts as one frame; `views` says how many all panoramas were cut into.
    """
    frames = [r.frame for r in read]
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
    stills = [f for f in frames if f.clip is None]  # frames of clips were chosen by their sharpness
    transparent = sum(r.transparent for r in read)
    notes = [f"{transparent} photos have transparent parts, which are ignored"] if transparent else []
    several = [r.frame.source for r in read if r.beside]
    if several:
        names = ", ".join(several[:4]) + (" ..." if len(several) > 4 else "")
        notes.append(f"the main picture is used of files that hold several, a burst or two eyes': {names}")
    instants = {r.frame.rig.instant for r in read if r.frame.rig}
    views = sum(f.rig is not None for f in frames)
    of_clips = {r.frame.rig.instant if r.frame.rig else r.frame.name for r in clips.read}
    return {
        "frames_given": len(sources.photos) + len(of_clips),
        "frames_used": len(frames) - views + len(instants),
        "panoramas": len(instants),
        "views": views,
        "left_out": [{"name": x.name, "reason": x.reason} for x in left_out],
        "other_files": len(sources.others),
        "photos_given": len(sources.photos),
        "photos_used": len(frames) - views + len(instants) - len(of_clips),
        "clips_given": len(sources.clips),
        "clips": clips.clips,
        "ordered_by": ordered_by,
        "copied": sum(r.copied for r in read),
        "cameras": list(cameras.values()),
        "gravity_frames": sum(f.gravity_in_cam is not None for f in frames),
        "sharpness_median": middle,
        "blurred": [f.name for f in stills if f.sharpness < BLURRED * middle],
        "masked": sum(f.mask is not None for f in frames),
        "notes": [*notes, *clips.notes],
    }
