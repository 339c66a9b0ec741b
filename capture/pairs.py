"""Which frames are compared with which."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from setpiece.capture.features import Features
from setpiece.capture.matching import Pair, preview_counts

PREVIEW_FEATURES = 512  # strongest features used to judge a pair before it is matched in full
ALL_PAIRS_BELOW = 16  # frames; up to this number every pair is matched in full
_FEWEST_PREVIEW = 4  # matches of a preview that make a pair worth a full look


def choose_pairs(features: Sequence[Features], neighbours: int, window: int) -> tuple[list[Pair], str]:
    """The pairs to match, sorted, and how they were chosen ("exhaustive" or "preview").

    Small captures are matched exhaustively. In larger ones each frame is paired with the `neighbours`
    frames that share most matches in a quick preview, and with the `window` frames before and after it.
    """
    n = len(features)
    if n <= ALL_PAIRS_BELOW:
        return [(i, j) for i in range(n) for j in range(i + 1, n)], "exhaustive"
    return pairs_from_counts(preview_counts(features, PREVIEW_FEATURES), neighbours, window), "preview"


def pairs_from_counts(counts: NDArray[np.int32], neighbours: int, window: int) -> list[Pair]:
    """The pairs of each frame with its best others by `counts` [n, n] and with its neighbours in order."""
    n = len(counts)
    pairs: set[Pair] = {(i, j) for i in range(n) for j in range(i + 1, min(n, i + window + 1))}
    for i in range(n):
        best = np.argsort(-counts[i], kind="stable")[:neighbours]
        pairs |= {(min(i, int(j)), max(i, int(j))) for j in best if counts[i, j] >= _FEWEST_PREVIEW}
    return sorted(pairs)
