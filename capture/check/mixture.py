"""Photos that are not as the camera took them: mirrored, cropped, made smaller."""

from __future__ import annotations

from collections import Counter

import numpy as np

from setpiece.capture import two_view
from setpiece.capture.check.finding import Finding, counted, finding, named
from setpiece.capture.check.look import Look
from setpiece.capture.features import Features
from setpiece.capture.matching import count_matches, match_pairs
from setpiece.progress import SilentProgress

PREVIEW = 512  # strongest features that are compared with a mirrored photo's
TRIED = 4  # photos that a mirrored one is compared with in full
CLEAR = 40  # matches of a mirrored photo that hold together
MOST = 48  # photos that each is compared with
FEW_OTHERS = 0.5  # of the photos; sizes that fewer have are the odd ones
SAME_SHAPE = 0.01
_MIRRORED_BINS = np.array(
    [((3 - y) * 4 + x) * 8 + (8 - o) % 8 for y in range(4) for x in range(4) for o in range(8)]
)


def mixture(look: Look, threads: int) -> list[Finding]:
    """What is to be said of changed photos."""
    return [*_mirrored(look, threads), *_sizes(look)]


def mirrored_features(features: Features, width: int) -> Features:
    """The features of a photo's mirror image, without looking at it again.

    In the mirror a gradient at an angle to the feature's own direction lies as far on the other side: rows of
    SIFT's 4x4 cells change places, and its 8 directions run the other way.
    """
    keypoints = features.keypoints.copy()
    keypoints[:, 0] = width - keypoints[:, 0]
    keypoints[:, 3] = (np.pi - keypoints[:, 3]) % (2 * np.pi)
    return Features(keypoints, np.ascontiguousarray(features.descriptors[:, _MIRRORED_BINS]))


def mirrored_frames(look: Look, threads: int) -> set[int]:
    """The frames that fit the others only as seen in a mirror.

    Strong links first, photos are joined as they are or mirrored (Kruskal's spanning tree); of the two sides
    that come out the smaller one is the odd one.
    """
    count, features = len(look.frames), look.matched.features
    flipped = [mirrored_features(f, frame.width) for f, frame in zip(features, look.frames, strict=True)]
    both = [*features, *flipped]
    pairs = [(i, count + j) for i in range(count) for j in _near(look, i)]
    previews = count_matches(both, pairs, PREVIEW, threads)
    best: dict[int, list[tuple[int, int]]] = {}
    for (i, j), n in zip(pairs, previews, strict=True):
        best.setdefault(i, []).append((-n, j))
    chosen = sorted({(i, j) for i, others in best.items() for _, j in sorted(others)[:TRIED]})
    matches = match_pairs(both, chosen, threads, SilentProgress())
    links = [(n, i, j, 0) for (i, j), n in look.links().items()]
    for (i, j), found in two_view.verify_pairs(both, matches, 0, threads).items():
        if len(found.inliers) >= CLEAR:
            links.append((len(found.inliers), i, j - count, 1))
    group, side = list(range(count)), [0] * count
    for _, i, j, turned in sorted(links, key=lambda x: (-x[0], x[1:])):
        if group[i] != group[j]:
            other, flip = group[j], side[i] ^ side[j] ^ turned
            for k in range(count):
                if group[k] == other:
                    group[k], side[k] = group[i], side[k] ^ flip
    odd = set()
    for number in set(group):
        members = {k for k in range(count) if group[k] == number}
        turned_ones = {k for k in members if side[k]}
        odd |= min(turned_ones, members - turned_ones, key=lambda s: (len(s), min(s, default=0)))
    return odd


def _near(look: Look, i: int) -> list[int]:
    """Frames that may show the mirror image of what a frame shows: all, or of many those taken around it."""
    count = len(look.frames)
    if count <= MOST:
        return [j for j in range(count) if j != i]
    step = count / MOST
    return sorted({int(k * step) for k in range(MOST)} - {i})


def _mirrored(look: Look, threads: int) -> list[Finding]:
    if not two_view.AVAILABLE or any(f.rig for f in look.frames):
        return []
    odd = mirrored_frames(look, threads)
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
