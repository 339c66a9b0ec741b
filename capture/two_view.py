"""Two-view verification: which matches of two photos one motion of the camera explains.

In native code (`native/two_view.h`): a fundamental matrix, and a homography where the scene is flat or the
camera only turned. It finds what COLMAP's verification finds, and more where a plane fills most of the photo,
in a thirtieth of the time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pycolmap
from numpy.typing import NDArray

from setpiece.capture.features import Features
from setpiece.capture.matching import Pair

try:
    import setpiece.capture._native as _native
except ImportError:  # built without native code
    _native = None

AVAILABLE = _native is not None

FEWEST_INLIERS = 15  # matches that agree with one motion; fewer make no pair
ERROR_PX = 4.0  # of the frame: farthest that an inlier is from its epipolar line, as COLMAP has it
MOST_TRIALS = 1000  # samples per pair
CONFIDENCE = 0.9999  # that one of them had no wrong match
GENERAL, FLAT = 1, 2  # kinds of the native code


@dataclass(frozen=True)
class TwoView:
    """What holds the matches of a pair together."""

    inliers: NDArray[np.uint32]  # [M, 2] feature numbers
    fundamental: NDArray[np.float64]  # [3, 3], x2' F x1 = 0, pixels
    homography: NDArray[np.float64]  # [3, 3] second from first, pixels; zeros where none was found
    flat: bool  # the homography explains nearly as much: a plane, or a camera that only turned


def verify_pairs(
    features: Sequence[Features],
    matches: Mapping[Pair, NDArray[np.uint32]],
    seed: int,
    threads: int,
    isa: str = "",
) -> dict[Pair, TwoView]:
    """The two-view geometry of each pair that has one, sorted by pair.

    `matches` [M, 2] of each pair have the most distinct first. The same for any number of threads, and for
    each pair whatever other pairs there are. `isa` forces an instruction set.
    """
    pairs = sorted(p for p, found in matches.items() if len(found) >= FEWEST_INLIERS)
    if not pairs:
        return {}
    rows = np.concatenate([matches[p] for p in pairs])
    starts = np.concatenate([[0], np.cumsum([len(matches[p]) for p in pairs])])
    kinds, models, inlier = _native.verify_pairs(
        [np.ascontiguousarray(f.keypoints[:, :2]) for f in features],
        np.array(pairs, np.int64),
        starts.astype(np.int64),
        rows,
        error_px=ERROR_PX,
        fewest=FEWEST_INLIERS,
        most_trials=MOST_TRIALS,
        confidence=CONFIDENCE,
        seed=seed,
        threads=threads,
        isa=isa,
    )
    found = {}
    for n, pair in enumerate(pairs):
        if kinds[n]:
            of_pair = slice(starts[n], starts[n + 1])
            kept = rows[of_pair][inlier[of_pair].astype(bool)]
            found[pair] = TwoView(kept, models[n, 0], models[n, 1], bool(kinds[n] == FLAT))
    return found


def to_colmap(two_view: TwoView) -> Any:
    """The pycolmap.TwoViewGeometry."""
    geometry = pycolmap.TwoViewGeometry()
    kinds = pycolmap.TwoViewGeometryConfiguration
    geometry.config = kinds.PLANAR_OR_PANORAMIC if two_view.flat else kinds.UNCALIBRATED
    geometry.F = two_view.fundamental
    if two_view.homography.any():
        geometry.H = two_view.homography
    geometry.inlier_matches = two_view.inliers
    return geometry
