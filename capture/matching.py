"""Matching features by their descriptors: nearest neighbours in both directions that pass a ratio test."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from setpiece.capture.features import Features
from setpiece.progress import Progress

try:
    from setpiece.capture._native import match as _native_match
except ImportError:  # built without native code
    _native_match = None

RATIO = 0.8  # Lowe 2004, section 7.1: nearest over second nearest distance
LONGEST = 8191  # features; what lies beyond in a frame is not matched
_LENGTH_SQUARED = 512.0**2  # of a descriptor, up to rounding

Pair = tuple[int, int]


def match_pairs(
    features: Sequence[Features], pairs: Sequence[Pair], threads: int, progress: Progress
) -> dict[Pair, NDArray[np.uint32]]:
    """Matches of each pair: [M, 2] rows of feature numbers in the first and the second frame."""
    with progress.task("matching", len(pairs)) as task, ThreadPoolExecutor(threads) as pool:
        matches: dict[Pair, NDArray[np.uint32]] = {}
        work = pool.map(lambda p: match(features[p[0]].descriptors, features[p[1]].descriptors), pairs)
        for pair, found in zip(pairs, work, strict=True):
            matches[pair] = found
            task.advance()
        return matches


def match(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Mutual nearest neighbours of [N, 128] and [M, 128] that pass the ratio test, [K, 2].

    Exact: the native kernels give what `match_slowly` gives.
    """
    if _native_match is None:
        return match_slowly(first, second)
    found: NDArray[np.uint32] = _native_match(
        np.ascontiguousarray(first), np.ascontiguousarray(second), RATIO
    )
    return found


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
    return np.stack([rows[keep], nearest[keep]], axis=1).astype(np.uint32)


def count_matches(
    features: Sequence[Features], pairs: Sequence[Pair], strongest: int, threads: int
) -> list[int]:
    """How many matches each pair has among the `strongest` features of each frame."""
    heads = [np.ascontiguousarray(f.descriptors[:strongest]) for f in features]

    def row(some: Sequence[Pair]) -> list[int]:
        return [len(match(heads[i], heads[j])) for i, j in some]

    chunks = [pairs[k : k + 64] for k in range(0, len(pairs), 64)]
    with ThreadPoolExecutor(threads) as pool:
        return [count for counts in pool.map(row, chunks) for count in counts]
