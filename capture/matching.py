"""Matching features by their descriptors: nearest neighbours in both directions that pass a ratio test."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from setpiece.capture.features import Features
from setpiece.progress import Progress

RATIO = 0.8  # Lowe 2004, section 7.1: nearest over second nearest distance
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


def match(first: NDArray[np.uint8], second: NDArray[np.uint8], ratio: float = RATIO) -> NDArray[np.uint32]:
    """Mutual nearest neighbours of [N, 128] and [M, 128] that pass the ratio test, [K, 2]."""
    if len(first) < 2 or len(second) < 2:
        return np.zeros((0, 2), np.uint32)
    similarity = first.astype(np.float32) @ second.astype(np.float32).T
    rows = np.arange(len(first))
    nearest = similarity.argmax(axis=1)
    best = similarity[rows, nearest].copy()
    mutual = similarity.argmax(axis=0)[nearest] == rows
    similarity[rows, nearest] = -1
    runner_up = similarity.max(axis=1)
    keep = mutual & (_distance(best) < ratio * _distance(runner_up))
    return np.stack([rows[keep], nearest[keep]], axis=1).astype(np.uint32)


def preview_counts(features: Sequence[Features], strongest: int) -> NDArray[np.int32]:
    """How many matches each pair of frames has among the `strongest` features of each, [n, n], symmetric."""
    n = len(features)
    counts = np.zeros((n, n), np.int32)
    small = [f.descriptors[:strongest].astype(np.float32) for f in features]
    for i in range(n):
        for j in range(i + 1, n):
            counts[i, j] = counts[j, i] = _count(small[i], small[j])
    return counts


def _count(first: NDArray[np.float32], second: NDArray[np.float32]) -> int:
    if len(first) < 2 or len(second) < 2:
        return 0
    similarity = first @ second.T
    rows = np.arange(len(first))
    nearest = similarity.argmax(axis=1)
    best = similarity[rows, nearest].copy()
    mutual = similarity.argmax(axis=0)[nearest] == rows
    similarity[rows, nearest] = -1
    runner_up = similarity.max(axis=1)
    return int((mutual & (_distance(best) < RATIO * _distance(runner_up))).sum())


def _distance(similarity: NDArray[np.float32]) -> NDArray[np.float32]:
    distance: NDArray[np.float32] = np.sqrt(np.maximum(2 * _LENGTH_SQUARED - 2 * similarity, 0))
    return distance
