"""Whether cameras agree with what every two photos say of each other.

A reconstruction whose errors are small may still be folded, mirrored or glued together by things that look
alike: its errors are those of the matches that it kept. Here all verified matches are asked, also those that
it dropped. Letters: a and b are the rays of a match in two cameras at depth 1, E = [t] R the essential
matrix of the cameras (Hartley and Zisserman 2004, section 9.6); the error is Sampson's, in pixels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from setpiece.capture.matching import Pair
from setpiece.capture.scene import Scene

ERROR = 0.004  # of the longer side: farthest from its epipolar line that a match agrees
NEAR_PARALLEL_DEG = 0.3  # rays that meet so far away that in front or behind means nothing
SAME_PLACE = 1e-4  # of the distance to what is seen: cameras of one panorama
CONTRADICTED = 0.5  # of the matches of a pair agree, or fewer
FEWEST_MATCHES = 30  # of a pair that is said to contradict

Vectors = NDArray[np.float64]


@dataclass(frozen=True)
class PairFit:
    """How the verified matches of a pair agree with the cameras."""

    pair: Pair  # frames
    matches: int
    share: float  # of the matches that agree, in front of both cameras


@dataclass(frozen=True)
class Agreement:
    """How the verified matches of all pairs agree with the cameras."""

    pairs: tuple[PairFit, ...]

    @property
    def share(self) -> float:
        """The share of all matches that agree, 1 where there are none."""
        total = sum(p.matches for p in self.pairs)
        return sum(p.matches * p.share for p in self.pairs) / total if total else 1.0

    @property
    def contradicted(self) -> list[PairFit]:
        """The pairs that look alike, yet their cameras say otherwise; those of most matches first."""
        found = [p for p in self.pairs if p.share < CONTRADICTED and p.matches >= FEWEST_MATCHES]
        return sorted(found, key=lambda p: (-p.matches * (1 - p.share), p.pair))


def agreement(
    scene: Scene, keypoints: Sequence[NDArray[np.float32]], geometries: Mapping[Pair, Any]
) -> Agreement:
    """How the verified matches agree with the cameras of a scene; `keypoints` are those of all frames."""
    row = {number: position for position, number in enumerate(scene.frames)}
    flat = {
        number: flattened(keypoints[number][:, :2].astype(np.float64), scene.lenses[scene.lens_of[position]])
        for number, position in row.items()
    }
    fits = []
    for (i, j), geometry in geometries.items():
        if i not in row or j not in row:
            continue
        inliers = np.asarray(geometry.inlier_matches).astype(np.int64)
        if not len(inliers):
            continue
        first, second = scene.poses[row[i]], scene.poses[row[j]]
        lenses = scene.lenses[scene.lens_of[row[i]]], scene.lenses[scene.lens_of[row[j]]]
        limit = (
            ERROR
            * max(2 * lens[k] for lens in lenses for k in (1, 2))
            / (0.5 * (lenses[0][0] + lenses[1][0]))
        )
        good = _agrees(first, second, flat[i][inliers[:, 0]], flat[j][inliers[:, 1]], limit)
        fits.append(PairFit((i, j), len(inliers), float(good.mean())))
    return Agreement(tuple(fits))


def flattened(xy: Vectors, lens: Vectors) -> Vectors:
    """Pixels [N, 2] on the image plane at depth 1 without distortion; `lens` is f, cx, cy, k1, k2."""
    focal, x, y, k1, k2 = lens
    drawn = (xy - (x, y)) / focal
    flat: Vectors = drawn.copy()
    for _ in range(6):
        r2 = (flat**2).sum(axis=1, keepdims=True)
        flat = drawn / (1 + k1 * r2 + k2 * r2**2)
    return flat


def _agrees(first: Vectors, second: Vectors, a: Vectors, b: Vectors, limit: float) -> NDArray[np.bool_]:
    """Which matches agree with two poses [3, 4]: near their epipolar lines, in front of both cameras."""
    rotation = second[:, :3] @ first[:, :3].T
    shift = second[:, 3] - rotation @ first[:, 3]
    a, b = (np.concatenate([x, np.ones((len(x), 1))], axis=1) for x in (a, b))
    turned = a @ rotation.T
    length = float(np.linalg.norm(shift))
    if length < SAME_PLACE * max(float(np.linalg.norm(first[:, 3])), 1e-9):
        seen = turned[:, :2] / np.maximum(turned[:, 2:], 1e-9)
        return np.asarray((turned[:, 2] > 0) & (np.linalg.norm(seen - b[:, :2], axis=1) < limit))
    t = shift / length
    essential = np.array([[0, -t[2], t[1]], [t[2], 0, -t[0]], [-t[1], t[0], 0]]) @ rotation
    lines, back = a @ essential.T, b @ essential
    slope = lines[:, 0] ** 2 + lines[:, 1] ** 2 + back[:, 0] ** 2 + back[:, 1] ** 2
    error = (b * lines).sum(axis=1) ** 2 / np.maximum(slope, 1e-18)
    # depths of the point nearest to both rays: z_b b - z_a turned = t
    bb, tt, bt = (b * b).sum(axis=1), (turned * turned).sum(axis=1), (b * turned).sum(axis=1)
    across = np.maximum(bb * tt - bt**2, 1e-18)
    depth_b = ((b @ t) * tt - bt * (turned @ t)) / across
    depth_a = (bt * (b @ t) - bb * (turned @ t)) / across
    angle = np.degrees(np.arccos(np.clip(bt / np.sqrt(bb * tt), -1, 1)))
    in_front = ((depth_a > 0) & (depth_b > 0)) | (angle < NEAR_PARALLEL_DEG)
    return np.asarray((error < limit**2) & in_front)
