"""Photos that are not as the camera took them: mirrored, cropped, made smaller."""

from __future__ import annotations

from collections import Counter

from setpiece.capture import mirrored, two_view
from setpiece.capture.check.finding import Finding, counted, finding, named
from setpiece.capture.check.look import Look

FEW_OTHERS = 0.5  # of the photos; sizes that fewer have are the odd ones
SAME_SHAPE = 0.01


def mixture(look: Look, threads: int) -> list[Finding]:
    """What is to be said of changed photos."""
    return [*_mirrored(look, threads), *_sizes(look)]


def _mirrored(look: Look, threads: int) -> list[Finding]:
    if not two_view.AVAILABLE or any(f.rig for f in look.frames):
        return []
    widths = [f.width for f in look.frames]
    odd = mirrored.mirrored_frames(look.matched.features, widths, look.links(), threads)
    if not odd:
        return []
    verb, it = ("is", "it") if len(odd) == 1 else ("are", "them")
    text = (
        f"{named(look.frames, odd)} {verb} mirrored, as front cameras and some programs leave photos: "
        f"flip {it} back, or leave {it} away."
    )
    return [finding("mirrored", text, look.frames, odd)]


def _sizes(look: Look) -> list[Finding]:
    """Photos of other sizes than most of the same camera."""
    frames = look.frames
    size = [tuple(sorted((f.width, f.height), reverse=True)) for f in frames]
    cameras: dict[tuple[str | None, str | None], list[int]] = {}
    for i, f in enumerate(frames):
        if f.clip is None and f.rig is None:
            cameras.setdefault((f.make, f.model), []).append(i)
    cropped: set[int] = set()
    small: set[int] = set()
    for members in cameras.values():
        (usual, most), *_ = Counter(size[i] for i in members).most_common(1)
        if most <= FEW_OTHERS * len(members):
            continue
        for i in members:
            if size[i] == usual:
                continue
            same = abs(size[i][0] / size[i][1] / (usual[0] / usual[1]) - 1) < SAME_SHAPE
            (small if same and size[i][0] < usual[0] else cropped).add(i)
    found = []
    if cropped | small:
        odd = cropped | small
        what = (
            "cropped"
            if not small
            else "made smaller or cropped"
            if not cropped
            else "cropped or made smaller"
        )
        text = (
            f"{named(frames, odd)} ({counted(len(odd))}) {'was' if len(odd) == 1 else 'were'} {what}: "
            "use the originals as the camera wrote them, from the phone and not from a messenger."
        )
        found.append(finding("resized", text, frames, odd))
    return found
