"""How brightly and in which colour each photo shows the same things.

Letters: a thing that two photos i and j show has the colours c_i and c_j, linear. The median over the matches
of log2(c_j / c_i) is the difference of the photos' gains; the gains of all photos are what fits all pairs
best. Content plays no part: only what both photos show is compared.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from setpiece.capture.check.look import Look

MOST_MATCHES = 200  # of a pair that are compared
FEWEST_MATCHES = 8
DARKEST, BRIGHTEST = 8, 247  # of 255; beyond, a colour tells nothing
_GAMMA = 2.2
_ROUNDS = 5  # of least squares with weights that make outliers count less
_OUTLIER = 0.2  # stops

Gains = NDArray[np.float64]


@dataclass(frozen=True)
class Light:
    """The light of each photo, against the usual of its group of linked photos."""

    stops: Gains  # [N] brighter
    warmth: Gains  # [N] stops of red over blue
    clipped: Gains  # [N] share of the picture that is white or black
    group: NDArray[np.int64]  # [N] photos of different groups cannot be compared


def light_of(look: Look) -> Light:
    """The light of the photos of a look."""
    count = len(look.frames)
    pairs, values = [], []
    for (i, j), geometry in look.matched.geometries.items():
        rows = np.asarray(geometry.inlier_matches)[:MOST_MATCHES]
        first, second = _colours(look, i, rows[:, 0]), _colours(look, j, rows[:, 1])
        told = ((first > DARKEST) & (first < BRIGHTEST) & (second > DARKEST) & (second < BRIGHTEST)).all(
            axis=1
        )
        if told.sum() >= FEWEST_MATCHES:
            pairs.append((i, j))
            values.append(_GAMMA * np.median(np.log2(second[told] / first[told]), axis=0))
    gains, group = _solved(count, np.array(pairs, np.int64).reshape(-1, 2), np.array(values).reshape(-1, 3))
    clipped = [float(((p <= 2) | (p >= 253)).all(axis=2).mean()) for p in look.pictures]
    return Light(gains.mean(axis=1), gains[:, 0] - gains[:, 2], np.array(clipped), group)


def _colours(look: Look, frame: int, features: NDArray[np.int64]) -> NDArray[np.float64]:
    """The colours at features of a frame, [M, 3] 0 to 255, from its small picture."""
    picture, size = look.pictures[frame], look.frames[frame]
    at = look.matched.features[frame].keypoints[features, :2]
    x = np.clip((at[:, 0] * picture.shape[1] / size.width).astype(int), 0, picture.shape[1] - 1)
    y = np.clip((at[:, 1] * picture.shape[0] / size.height).astype(int), 0, picture.shape[0] - 1)
    found: NDArray[np.float64] = picture[y, x].astype(np.float64)
    return found


def _solved(count: int, pairs: NDArray[np.int64], values: Gains) -> tuple[Gains, NDArray[np.int64]]:
    """Gains [count, 3] of which the differences of `pairs` are `values` [P, 3], and the photos' groups."""
    group = np.arange(count)
    for i, j in pairs:
        group[group == group[j]] = group[i]
    gains = np.zeros((count, 3))
    for channel in range(3):
        weight = np.ones(len(pairs))
        for _ in range(_ROUNDS):
            normal = np.eye(count) * 1e-6
            right = np.zeros(count)
            for (i, j), w, v in zip(pairs, weight, values[:, channel], strict=True):
                normal[i, i] += w
                normal[j, j] += w
                normal[i, j] -= w
                normal[j, i] -= w
                right[j] += w * v
                right[i] -= w * v
            gains[:, channel] = np.linalg.solve(normal, right)
            left = gains[pairs[:, 1], channel] - gains[pairs[:, 0], channel] - values[:, channel]
            weight = 1 / (1 + (left / _OUTLIER) ** 2)
    for number in np.unique(group):
        gains[group == number] -= np.median(gains[group == number], axis=0)
    return gains, group
