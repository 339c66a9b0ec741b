"""Which frames are compared with which."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from setpiece.capture.features import Features
from setpiece.capture.matching import Pair, count_matches, nearest

PREVIEW_FEATURES = 512  # strongest features used to judge a pair before it is matched in full
ALL_PAIRS_UP_TO = 16  # frames; every pair is matched in full
PREVIEW_ALL_UP_TO = 64  # frames; every pair is previewed
SHORTLIST = 40  # in larger captures: frames most alike in their mix of features that are previewed
_FEWEST_PREVIEW = 4  # matches of a preview that make a pair worth a full look
_WORDS = 1024  # size of the vocabulary of a capture


def choose_pairs(
    features: Sequence[Features],
    neighbours: int,
    window: int,
    threads: int,
    frames: Collection[int] | None = None,
    station_of: Sequence[int] | None = None,
) -> tuple[list[Pair], str]:
    """The pairs to match, sorted, and how they were chosen: "exhaustive", "preview" or "retrieval".

    Small captures are matched exhaustively. In larger ones each frame is paired with the `neighbours`
    frames that share most matches in a quick preview, and with the `window` frames before and after it in
    capture order. In very large ones only frames with a similar mix of features are previewed. With `frames`
    these alone choose whom they are paired with. Frames of one station are never paired; where there are
    several, their neighbours in capture order are the views in the same direction from the stations around.
    """
    n = len(features)
    stations = range(n) if station_of is None else station_of
    if n <= PREVIEW_ALL_UP_TO:
        how, candidates = "preview", [(i, j) for i in range(n) for j in range(i + 1, n)]
    else:
        how, candidates = "retrieval", similar_pairs(features, SHORTLIST, threads)
    choosing = set(range(n) if frames is None else frames)
    candidates = [
        (i, j) for i, j in candidates if (i in choosing or j in choosing) and stations[i] != stations[j]
    ]
    if n <= ALL_PAIRS_UP_TO:
        return candidates, "exhaustive"
    counts = np.zeros((n, n), np.int32)
    for (i, j), count in zip(
        candidates, count_matches(features, candidates, PREVIEW_FEATURES, threads), strict=True
    ):
        counts[i, j] = counts[j, i] = count
    return pairs_from_counts(counts, neighbours, window, choosing, stations), how


def pairs_from_counts(
    counts: NDArray[np.int32],
    neighbours: int,
    window: int,
    choosing: Collection[int] | None = None,
    station_of: Sequence[int] | None = None,
) -> list[Pair]:
    """The pairs of each frame with its best others by `counts` [n, n] and with its neighbours in order.

    Of the frames `choosing`, where they are given.
    """
    n = len(counts)
    stations = list(range(n) if station_of is None else station_of)
    place = [k - stations.index(s) for k, s in enumerate(stations)]  # among the frames of the station
    frame_at = {(s, p): k for k, (s, p) in enumerate(zip(stations, place, strict=True))}
    pairs: set[Pair] = set()
    for i in range(n) if choosing is None else choosing:
        best = np.argsort(-counts[i], kind="stable")[:neighbours]
        chosen = {int(j) for j in best if counts[i, j] >= _FEWEST_PREVIEW}
        around = range(stations[i] - window, stations[i] + window + 1)
        chosen |= {frame_at[(s, place[i])] for s in around if (s, place[i]) in frame_at} - {i}
        pairs |= {(min(i, j), max(i, j)) for j in chosen}
    return sorted(pairs)


def similar_pairs(features: Sequence[Features], shortlist: int, threads: int) -> list[Pair]:
    """The pairs of each frame with the `shortlist` frames whose mix of features is most like its own.

    A bag of words weighted by rarity (Sivic and Zisserman 2003, section 4) over a vocabulary of descriptors
    drawn from the capture itself: no training, and enough to leave out what shares nothing.
    """
    heads = [f.descriptors[:PREVIEW_FEATURES] for f in features]
    pool = np.concatenate(heads)
    if not len(pool):
        return []
    words = pool[np.linspace(0, len(pool) - 1, min(_WORDS, len(pool))).astype(np.int64)]
    bags = np.zeros((len(heads), len(words)), np.float32)
    for i, rows in enumerate(nearest(heads, words, threads)):
        bags[i] = np.bincount(rows, minlength=len(words))
    rarity = np.log(len(heads) / np.maximum((bags > 0).sum(axis=0), 1))
    bags *= rarity
    bags /= np.maximum(np.linalg.norm(bags, axis=1, keepdims=True), 1e-9)
    likeness = bags @ bags.T
    np.fill_diagonal(likeness, -1)
    best = np.argsort(-likeness, axis=1, kind="stable")[:, : min(shortlist, len(heads) - 1)]
    return sorted({(min(i, int(j)), max(i, int(j))) for i in range(len(heads)) for j in best[i]})
