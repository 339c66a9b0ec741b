"""More points than the sparse ones: pixels of the photos, put at the depth at which other photos agree.

A random-candidate plane sweep (after Collins 1996): a pixel's depth is guessed from sparse points that lie
near it in its photo, and the guess is kept at which the photos taken nearby show most nearly the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from setpiece.cameras import Camera
from setpiece.posed import PosedFrame, SparsePoints
from setpiece.reconstruct.images import Images
from setpiece.reconstruct.neighbours import neighbours

Float32 = NDArray[np.float32]

GUESSES = 5  # sparse points around a pixel whose depths are tried
JITTERS = (0.0, 0.04, 0.12)  # each with so much noise of the logarithm of the depth
NEIGHBOURS = 4  # photos that are asked
BLURS_PX = (0.8, 2.5)  # the photos are compared at these blurs
WORST_SHARE = 0.15  # of the pixels are dropped: those on which the photos agree least


@dataclass(frozen=True)
class _Seen:
    """A photo, small and blurred, to be compared with others."""

    camera: Camera
    features: Float32  # [H, W, 3 * blurs] 0 to 1
    detail: NDArray[np.float64]  # [H * W] chance of each pixel to be sown, sums to 1
    counts: NDArray[np.bool_] | None  # [H, W] False where the photo must be ignored


def sown_points(
    points: SparsePoints,
    frames: tuple[PosedFrame, ...],
    images: Images,
    level: int,
    count: int,
    rng: np.random.Generator,
) -> tuple[Float32, Float32]:
    """At most `count` points: positions in the world [M, 3] and colours [M, 3] in 0 to 1."""
    known = points.points_in_world.astype(np.float64)
    seen = [_seen(images, frame, level) for frame in frames]
    positions, colours, costs = [], [], []
    each = -(-count // max(1, round(len(seen) * (1 - WORST_SHARE))))
    for index, others in enumerate(neighbours([s.camera for s in seen], NEIGHBOURS)):
        found = _sown_in(index, others, seen, known, each, rng)
        if found is not None:
            positions.append(found[0])
            colours.append(found[1])
            costs.append(found[2])
    if not positions:
        return np.zeros((0, 3), np.float32), np.zeros((0, 3), np.float32)
    cost = np.concatenate(costs)
    good = np.sort(np.argsort(cost, kind="stable")[: min(count, round(len(cost) * (1 - WORST_SHARE)))])
    return np.concatenate(positions)[good], np.concatenate(colours)[good]


def _sown_in(
    index: int,
    others: list[int],
    seen: list[_Seen],
    known: NDArray[np.float64],
    count: int,
    rng: np.random.Generator,
) -> tuple[Float32, Float32, Float32] | None:
    """Positions, colours and costs of `count` pixels of one photo; None where too little is known."""
    here = seen[index]
    camera = here.camera
    x, y, depth = camera.project(known).T
    inside = (depth > 0) & (x > 0) & (y > 0) & (x < camera.width) & (y < camera.height)
    if inside.sum() < GUESSES or not others:
        return None
    places = np.stack([x[inside], y[inside]], axis=1).astype(np.float32)
    pixels = rng.choice(len(here.detail), size=count, p=here.detail)
    u = (pixels % camera.width + 0.5).astype(np.float32)
    v = (pixels // camera.width + 0.5).astype(np.float32)
    tree = cv2.flann.Index(places, {"algorithm": 4, "leaf_max_size": 16})
    near, _ = tree.knnSearch(np.stack([u, v], axis=1), GUESSES, params={})
    guesses = depth[inside][near]  # [M, GUESSES]
    depths = np.concatenate(
        [guesses * np.exp(jitter * rng.normal(size=guesses.shape)) for jitter in JITTERS], axis=1
    )
    rays = np.stack(
        [(u - camera.centre_x_px) / camera.focal_x_px, (v - camera.centre_y_px) / camera.focal_y_px]
    )
    in_cam = np.stack([rays[0][:, None] * depths, rays[1][:, None] * depths, depths], axis=-1)
    pose = camera.world_from_cam
    in_world = in_cam @ pose[:3, :3].T + pose[:3, 3]  # [M, G, 3]
    mine = here.features.reshape(len(here.detail), -1)[pixels]
    costs = np.stack([_disagreement(in_world, mine, seen[other]) for other in others])  # [others, M, G]
    costs = np.sort(costs, axis=0)[: max(2, len(others) - 1)].mean(axis=0)  # one may be hidden from it
    best = np.argmin(costs, axis=1)
    rows = np.arange(count)
    return in_world[rows, best].astype(np.float32), mine[:, :3], costs[rows, best].astype(np.float32)


def _disagreement(in_world: NDArray[np.float64], mine: Float32, other: _Seen) -> Float32:
    """How differently `other` looks at guessed points, [M, G]; 1 where it does not see them or is masked."""
    camera = other.camera
    x, y, depth = camera.project(in_world.reshape(-1, 3)).T
    inside = (depth > 0) & (x >= 0) & (y >= 0) & (x < camera.width) & (y < camera.height)
    column = np.where(inside, x, 0).astype(np.int64)
    row = np.where(inside, y, 0).astype(np.int64)
    if other.counts is not None:
        inside &= other.counts[row, column]
    theirs = other.features[row, column].reshape(*in_world.shape[:2], -1)
    difference = np.abs(theirs - mine[:, None, :]).mean(axis=-1)
    cost: Float32 = np.where(inside.reshape(difference.shape), difference, 1.0).astype(np.float32)
    return cost


def _seen(images: Images, frame: PosedFrame, level: int) -> _Seen:
    picture = images.picture(frame, level)
    colour = picture.image.astype(np.float32) / 255.0
    if frame.gains is not None:  # photos are compared, and give their colours, as if all were exposed alike
        colour /= np.array(frame.gains, np.float32)
    blurred = [cv2.GaussianBlur(colour, (0, 0), sigma) for sigma in BLURS_PX]
    grey = colour.mean(axis=2)
    slope = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    chance = (slope + slope.mean() + 1e-6).astype(np.float64).ravel()
    counts = None if picture.mask is None else picture.mask != 0
    if counts is not None:
        chance = chance * counts.ravel() + (0.0 if counts.any() else 1.0)
    return _Seen(picture.camera, np.concatenate(blurred, axis=2), chance / chance.sum(), counts)
