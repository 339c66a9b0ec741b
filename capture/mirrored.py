"""Photos that are mirrored, as front cameras and some programs leave them.

SIFT does not match a picture with its mirror image, but for symmetric things: such photos are lost, or
placed wrongly by what little matches.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from setpiece.capture import two_view
from setpiece.capture.features import Features
from setpiece.capture.matching import Pair, count_matches, match_pairs
from setpiece.progress import SilentProgress

PREVIEW = 512  # strongest features that are compared with a mirrored photo's
TRIED = 4  # photos that a mirrored one is compared with in full
CLEAR = 40  # matches of a mirrored photo that hold together
MOST = 48  # photos that each is compared with
_MIRRORED_BINS = np.array(
    [((3 - y) * 4 + x) * 8 + (8 - o) % 8 for y in range(4) for x in range(4) for o in range(8)]
)


def mirrored_features(features: Features, width: int) -> Features:
    """The features of a photo's mirror image, without looking at it again.

    In the mirror a gradient at an angle to the feature's own direction lies as far on the other side: rows of
    SIFT's 4x4 cells change places, and its 8 directions run the other way.
    """
    keypoints = features.keypoints.copy()
    keypoints[:, 0] = width - keypoints[:, 0]
    keypoints[:, 3] = (np.pi - keypoints[:, 3]) % (2 * np.pi)
    return Features(keypoints, np.ascontiguousarray(features.descriptors[:, _MIRRORED_BINS]))


def mirrored_frames(
    features: Sequence[Features], widths: Sequence[int], links: Mapping[Pair, int], threads: int
) -> set[int]:
    """The frames that fit the others only as seen in a mirror.

    `widths` are the frames' in pixels, `links` how many verified matches each pair has as the photos are.
    Strong links first, photos are joined as they are or mirrored (Kruskal's spanning tree); of the two sides
    that come out the smaller one is the odd one.
    """
    count = len(features)
    flipped = [mirrored_features(f, width) for f, width in zip(features, widths, strict=True)]
    both = [*features, *flipped]
    pairs = [(i, count + j) for i in range(count) for j in _near(count, i)]
    previews = count_matches(both, pairs, PREVIEW, threads)
    best: dict[int, list[tuple[int, int]]] = {}
    for (i, j), n in zip(pairs, previews, strict=True):
        best.setdefault(i, []).append((-n, j))
    chosen = sorted({(i, j) for i, others in best.items() for _, j in sorted(others)[:TRIED]})
    matches = match_pairs(both, chosen, threads, SilentProgress())
    edges = [(n, i, j, 0) for (i, j), n in links.items()]
    for (i, j), found in two_view.verify_pairs(both, matches, 0, threads).items():
        if len(found.inliers) >= CLEAR:
            edges.append((len(found.inliers), i, j - count, 1))
    group, side = list(range(count)), [0] * count
    for _, i, j, turned in sorted(edges, key=lambda x: (-x[0], x[1:])):
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


def _near(count: int, i: int) -> list[int]:
    """Frames that may show the mirror image of what a frame shows: all, or of many those taken around it."""
    if count <= MOST:
        return [j for j in range(count) if j != i]
    step = count / MOST
    return sorted({int(k * step) for k in range(MOST)} - {i})
