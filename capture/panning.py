"""Whether the photos were taken by turning on the spot, which shows no depth.

Letters: matched features of two photos give unit rays a and b in their cameras. If the camera only turned,
one rotation R brings all a onto b (Kabsch 1976), at the right focal length; steps aside leave residuals that
depend on depth. A reconstruction of a turning camera looks fine by its own errors and means nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from setpiece.capture.colmap import Lens, rotation_of
from setpiece.capture.features import Features
from setpiece.capture.matching import Pair

Vectors = NDArray[np.float64]

FOCALS = np.geomspace(0.5, 2.5, 17)  # of the longer side; tried where the metadata says nothing
RESIDUAL = 0.006  # of the longer side; lens distortion alone stays below
MOST_PAIRS = 80
FEWEST_MATCHES = 30
QUANTILE = 0.8  # of the matches of a pair must fit


def turning_share(
    features: Sequence[Features],
    geometries: Mapping[Pair, Any],
    lenses: Sequence[Lens],
    lens_of: Sequence[int],
    station_of: Sequence[int] | None = None,
) -> float:
    """The share of verified pairs that a turn on the spot explains, 0 to 1, at the best focal length.

    0 where fewer than three pairs can be judged. Frames of one station are judged as one.
    """
    together: dict[Pair, list[Pair]] = {}  # the pairs of frames between two stations
    for i, j in geometries:
        key = (i, j) if station_of is None else (station_of[i], station_of[j])
        together.setdefault(key, []).append((i, j))
    pairs = [
        key
        for key, some in together.items()
        if sum(len(geometries[p].inlier_matches) for p in some) >= FEWEST_MATCHES
    ]
    if len(pairs) < 3:
        return 0.0
    pairs = [pairs[i] for i in np.linspace(0, len(pairs) - 1, min(len(pairs), MOST_PAIRS)).astype(int)]
    share = 0.0
    known = all(lenses[n].focal_px for n in lens_of)
    for fraction in [None] if known else list(FOCALS):
        turned = 0
        for i, j in pairs:
            rays, lens = [], lenses[lens_of[together[(i, j)][0][0]]]
            for a, b in together[(i, j)]:
                inliers = np.asarray(geometries[(a, b)].inlier_matches)
                first = _rays(features[a], inliers[:, 0], lenses[lens_of[a]], fraction)
                rays.append([first, _rays(features[b], inliers[:, 1], lenses[lens_of[b]], fraction)])
            first, second = (np.concatenate(r) for r in zip(*rays, strict=True))
            turned += _turn_residual(first, second) * (fraction or _fraction(lens)) < RESIDUAL
        share = max(share, turned / len(pairs))
    return share


def _fraction(lens: Lens) -> float:
    assert lens.focal_px is not None
    return lens.focal_px / max(lens.width, lens.height)


def _rays(features: Features, rows: NDArray[np.int64], lens: Lens, fraction: float | None) -> Vectors:
    """Unit rays in the axes of the frame's station."""
    known = lens.cam_from_rig is not None
    focal = max(lens.width, lens.height) * (_fraction(lens) if known else fraction or _fraction(lens))
    at = features.keypoints[rows, :2].astype(np.float64) - (lens.width / 2, lens.height / 2)
    rays = np.concatenate([at / focal, np.ones((len(at), 1))], axis=1)
    unit: Vectors = rays / np.linalg.norm(rays, axis=1, keepdims=True)
    return unit @ rotation_of(lens)


def _turn_residual(first: Vectors, second: Vectors) -> float:
    """The QUANTILE of the angles in radians that the best rotation leaves between rays [M, 3]."""
    u, _, vt = np.linalg.svd(second.T @ first)
    rotation = u @ np.diag([1.0, 1.0, float(np.sign(np.linalg.det(u @ vt)))]) @ vt
    return float(np.quantile(np.linalg.norm(first @ rotation.T - second, axis=1), QUANTILE))
