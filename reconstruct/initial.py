"""The first Gaussians: the sparse points, and more of them sown where the photos see something."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from setpiece.errors import TrainingError
from setpiece.posed import PosedFrame, SparsePoints
from setpiece.reconstruct.images import Images
from setpiece.reconstruct.sowing import sown_points
from setpiece.splats import SH_C0, Splats

START_OPACITY = 0.4
MIN_POINTS = 8  # below this nothing is known about where the scene lies


def initial_splats(
    points: SparsePoints,
    frames: tuple[PosedFrame, ...],
    images: Images,
    level: int,
    count: int,
    sh_degree: int,
    rng: np.random.Generator,
) -> Splats:
    """Up to `count` Gaussians. Raises TrainingError when there are hardly any points.

    `frames` at `level` are what more points are sown from where the sparse ones are fewer than `count`.
    """
    ok = np.isfinite(points.points_in_world).all(axis=1)
    positions = points.points_in_world[ok].astype(np.float32)
    colours = points.rgb[ok].astype(np.float32) / 255.0
    if len(positions) < MIN_POINTS:
        raise TrainingError(
            f"the poses come with {len(positions)} points; at least {MIN_POINTS} are needed to start. "
            "Estimate the poses again, with photos that overlap more."
        )
    if len(positions) > count:
        rows = np.sort(rng.choice(len(positions), count, replace=False))
        positions, colours = positions[rows], colours[rows]
    if len(positions) < count:
        more = sown_points(points, frames, images, level, count - len(positions), rng)
        positions, colours = np.concatenate([positions, more[0]]), np.concatenate([colours, more[1]])
    return splats_at(positions, colours, neighbour_distances(positions), sh_degree, rng)


def splats_at(
    positions: NDArray[np.float32],  # [N, 3]
    colours: NDArray[np.float32],  # [N, 3] 0 to 1
    deviations: NDArray[np.float32],  # [N] set units
    sh_degree: int,
    rng: np.random.Generator,
) -> Splats:
    """Round Gaussians at `positions`."""
    n = len(positions)
    sh = np.zeros((n, (sh_degree + 1) ** 2, 3), dtype=np.float32)
    sh[:, 0] = (colours - 0.5) / SH_C0
    return Splats(
        means=positions.astype(np.float32),
        log_scales=np.repeat(np.log(deviations)[:, None], 3, axis=1).astype(np.float32),
        quats_wxyz=np.tile(np.array([1, 0, 0, 0], dtype=np.float32), (n, 1)),
        opacity_logits=np.full(n, np.log(START_OPACITY / (1 - START_OPACITY)), dtype=np.float32),
        sh=sh,
    )


def neighbour_distances(positions: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean distance of each point to its three nearest neighbours, [N], kept off 0 and off outliers."""
    found = min(4, len(positions))
    index = cv2.flann.Index(
        np.ascontiguousarray(positions), {"algorithm": 4, "leaf_max_size": 16}
    )  # one k-d tree
    _, squared = index.knnSearch(np.ascontiguousarray(positions), found, params={})
    distances = np.sqrt(np.maximum(squared[:, 1:], 0)).mean(axis=1) if found > 1 else np.ones(len(positions))
    middle = float(np.median(distances)) or 1.0
    clipped: NDArray[np.float32] = np.clip(distances, 0.05 * middle, 5.0 * middle).astype(np.float32)
    return clipped


def scene_extent(points: SparsePoints, frames: tuple[PosedFrame, ...]) -> float:
    """How far away the scene is, set units: the median over cameras of the median depth of what they see."""
    medians = []
    for frame in frames:
        x, y, depth = frame.camera.project(points.points_in_world.astype(np.float64)).T
        inside = (depth > 0) & (x > 0) & (y > 0) & (x < frame.camera.width) & (y < frame.camera.height)
        if inside.any():
            medians.append(float(np.median(depth[inside])))
    if not medians:
        raise TrainingError("no camera sees any of the points. Estimate the poses again.")
    return float(np.median(medians))
