"""Matching features by their descriptors: nearest neighbours in both directions that pass a ratio test."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from setpiece.capture.features import Features
from setpiece.progress import Progress

try:
    import setpiece.capture._native as _native
except ImportError:  # built without native code
    _native = None

RATIO = 0.8  # Lowe 2004, section 7.1: nearest over second nearest distance
LONGEST = 8191  # features; what lies beyond in a frame is not matched
_AT_ONCE = 64  # pairs between two advances of the progress
_LENGTH_SQUARED = 512.0**2  # of a descriptor, up to rounding

Pair = tuple[int, int]


def match_pairs(
    features: Sequence[Features], pairs: Sequence[Pair], threads: int, progress: Progress
) -> dict[Pair, NDArray[np.uint32]]:
    """Matches of each pair: [M, 2] rows of feature numbers in the first and the second frame, as `match`."""
    descriptors = [np.ascontiguousarray(f.descriptors) for f in features]
    matches: dict[Pair, NDArray[np.uint32]] = {}
    with progress.task("matching", len(pairs)) as task:
        for k in range(0, len(pairs), _AT_ONCE):
            some = pairs[k : k + _AT_ONCE]
            matches |= dict(zip(some, _match_some(descriptors, some, threads), strict=True))
            task.advance(len(some))
    return matches


def match(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Mutual nearest neighbours of [N, 128] and [M, 128] that pass the ratio test, [K, 2].

    The most distinct come first. Exact: the native kernels give what `match_slowly` gives.
    """
    return _match_some([np.ascontiguousarray(first), np.ascontiguousarray(second)], [(0, 1)], 1)[0]


def _match_some(
    descriptors: Sequence[NDArray[np.uint8]], pairs: Sequence[Pair], threads: int
) -> list[NDArray[np.uint32]]:
    if _native is None:
        return [match_slowly(descriptors[i], descriptors[j]) for i, j in pairs]
    starts, rows = _native.match_pairs(descriptors, np.array(pairs, np.int64), RATIO, threads)
    return np.split(rows, starts[1:-1])


def match_slowly(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """The same in NumPy: the fallback, and the judge of the native kernels."""
    first, second = first[:LONGEST], second[:LONGEST]
    if len(first) < 2 or len(second) < 2:
        return np.zeros((0, 2), np.uint32)
    similarity = first.astype(np.float32) @ second.astype(np.float32).T  # exact: integers below 2^24
    rows = np.arange(len(first))
    nearest = similarity.argmax(axis=1)
    best = similarity[rows, nearest].astype(np.float64)
    mutual = similarity.argmax(axis=0)[nearest] == rows
    similarity[rows, nearest] = -1
    runner_up = similarity.max(axis=1).astype(np.float64)
    near = np.maximum(_LENGTH_SQUARED - best, 0)  # half the squared distance
    far = np.maximum(_LENGTH_SQUARED - runner_up, 0)
    keep = mutual & (near < RATIO * RATIO * far)
    distinct = np.argsort(near[keep] / far[keep], kind="stable")
    return np.stack([rows[keep], nearest[keep]], axis=1)[distinct].astype(np.uint32)


def count_matches(
    features: Sequence[Features], pairs: Sequence[Pair], strongest: int, threads: int
) -> list[int]:
    """How many matches each pair has among the `strongest` features of each frame."""
    heads = [np.ascontiguousarray(f.descriptors[:strongest]) for f in features]
    if _native is None or not pairs:
        return [len(match_slowly(heads[i], heads[j])) for i, j in pairs]
    counts: list[int] = _native.count_matches(heads, np.array(pairs, np.int64), strongest, RATIO, threads)
    return counts


def nearest(
    descriptors: Sequence[NDArray[np.uint8]], among: NDArray[np.uint8], threads: int
) -> list[NDArray[np.int64]]:
    """For each frame's descriptors [N, 128] the rows of the most similar of `among` [M, 128], [N]."""
    if _native is None:
        words = among.astype(np.float32).T
        return [(d.astype(np.float32) @ words).argmax(axis=1) for d in descriptors]
    rows = _native.nearest([np.ascontiguousarray(d) for d in descriptors], among, LONGEST, threads)
    return np.split(np.array(rows, np.int64), np.cumsum([len(d) for d in descriptors])[:-1])
