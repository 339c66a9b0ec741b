"""Up from the upright edges of what was built: walls, doors, windows, posts.

Letters: a straight edge in a photo and the camera centre span a plane with unit normal n (in the world). The
edge may be vertical only if n is at right angles to up u. Over many photos the normals of the vertical edges
agree on one u, the vertical vanishing direction (Barnard 1983), and those of all others scatter.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from setpiece.capture.grey import GreyShelf, grey_picture
from setpiece.capture.mask import Mask, at_size, inner, load_mask

try:
    from setpiece.capture._native import straight_edges as _native_edges
except ImportError:  # built without native code
    _native_edges = None

Vectors = NDArray[np.float64]

LINE_SIDE = 640  # pixels; longest side at which edges are looked for
MOST_PHOTOS = 24  # evenly spread over the capture
SHORTEST = 0.04  # of the longest side
SEARCH_DEG = 12.0  # how far the first guess may be off
_SIGMAS_DEG = (3.0, 1.5, 0.75)
_NEAR_DEG, _RING_DEG = 1.0, 5.0
_FEWEST_EDGES = 40
_FOLDS = 5
_CONTRAST = 2.0  # how much denser normals must be at u than around it


@dataclass(frozen=True)
class Edges:
    """The straight edges of some photos."""

    normals: Vectors  # [E, 3] unit, world
    weight: Vectors  # [E] length in pixels
    photo: NDArray[np.int64]  # [E] which photo


@dataclass(frozen=True)
class EdgeJob:
    """A photo whose edges are wanted."""

    file: Path
    camera: Any  # pycolmap.Camera
    mask: Path | None
    world_from_cam: Vectors  # [3, 3] rotation


@dataclass(frozen=True)
class VerticalEdges:
    """What upright edges say of up."""

    up: Vectors  # [3] unit, world
    error_deg: float  # how far estimates from parts of the photos lie apart, root mean square
    edges: int  # how many agree


def edges_of(photos: Sequence[EdgeJob], threads: int, shelf: GreyShelf | None = None) -> Edges:
    """The edges of photos, but for those on what their masks ignore."""
    if len(photos) > MOST_PHOTOS:
        step = np.linspace(0, len(photos) - 1, MOST_PHOTOS).round().astype(int)
        photos = [photos[i] for i in step]
    with ThreadPoolExecutor(threads) as pool:
        found = list(pool.map(lambda p: _normals(p, shelf), photos))
    return Edges(
        np.concatenate([n for n, _ in found]).reshape(-1, 3),
        np.concatenate([w for _, w in found]),
        np.concatenate([np.full(len(w), i) for i, (_, w) in enumerate(found)]).astype(np.int64),
    )


def straight_edges(grey: NDArray[np.uint8], shortest: float) -> Vectors:
    """The ends [E, 2, 2] of edges at least `shortest` pixels long, in pixels from the picture's corner."""
    if _native_edges is None:
        return straight_edges_slowly(grey, shortest)
    found: Vectors = _native_edges(np.ascontiguousarray(grey), shortest).astype(np.float64).reshape(-1, 2, 2)
    return found


def straight_edges_slowly(grey: NDArray[np.uint8], shortest: float) -> Vectors:
    """The same with OpenCV's line segment detector: the fallback, and the judge of the native one."""
    found = cv2.createLineSegmentDetector(cv2.LSD_REFINE_STD).detect(grey)[0]
    if found is None:
        return np.zeros((0, 2, 2))
    ends = np.asarray(found, np.float64).reshape(-1, 2, 2) + 0.5
    long: Vectors = ends[np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1) >= shortest]
    return long


def vertical(edges: Edges, guess: Vectors) -> VerticalEdges | None:
    """Up near `guess` on which many edges agree, or None where too few do."""
    up = _refined(edges.normals, edges.weight, _coarse(edges.normals, edges.weight, guess))
    slant = np.degrees(np.arcsin(np.clip(np.abs(edges.normals @ up), 0, 1)))
    near, ring = slant < _NEAR_DEG, (slant >= _NEAR_DEG) & (slant < _RING_DEG)
    expected = edges.weight[ring].sum() * _NEAR_DEG / (_RING_DEG - _NEAR_DEG)
    enough = near.sum() >= _FEWEST_EDGES and len(np.unique(edges.photo[near])) >= 3
    if not enough or edges.weight[near].sum() < _CONTRAST * expected:
        return None
    if np.degrees(np.arccos(np.clip(up @ guess, -1, 1))) > SEARCH_DEG:
        return None
    parts = []
    for fold in range(_FOLDS):
        rows = edges.photo % _FOLDS != fold
        parts.append(_refined(edges.normals[rows], edges.weight[rows], up))
    apart = np.degrees(np.arccos(np.clip(np.array(parts) @ up, -1, 1)))
    error = float(np.sqrt((_FOLDS - 1) / _FOLDS * (apart**2).sum()))  # jackknife (Efron 1982, eq. 3.4)
    return VerticalEdges(up, error, int(near.sum()))


def along_walls(edges: Edges, up: Vectors) -> Vectors | None:
    """A horizontal unit direction along which, or across which, many level edges run; None where none does.

    In what people build most level edges follow two directions at right angles (Coughlan and Yuille 1999).
    """
    slant = np.abs(edges.normals @ up)
    level = slant > np.sin(np.radians(5.0))  # upright edges would vote for every direction
    normals, weight = edges.normals[level], edges.weight[level]
    if len(normals) < _FEWEST_EDGES:
        return None
    x, y = np.linalg.svd(up[None])[2][1:]
    turns = np.radians(np.arange(0, 90, 0.5))
    first = np.cos(turns)[:, None] * x + np.sin(turns)[:, None] * y
    second = -np.sin(turns)[:, None] * x + np.cos(turns)[:, None] * y
    sigma = np.sin(np.radians(1.0))
    votes = sum(weight @ np.exp(-((normals @ d.T) ** 2) / (2 * sigma**2)) for d in (first, second))
    best = int(np.argmax(votes))
    if votes[best] < _CONTRAST * np.median(votes):
        return None
    direction: Vectors = first[best]
    return direction


def _normals(job: EdgeJob, shelf: GreyShelf | None) -> tuple[Vectors, Vectors]:
    camera = job.camera
    grey = grey_picture(job.file, LINE_SIDE, shelf).within(LINE_SIDE)
    ends = straight_edges(grey, SHORTEST * LINE_SIDE)
    if job.mask is not None and len(ends):
        ends = ends[_counting(ends, inner(at_size(load_mask(job.mask), (grey.shape[1], grey.shape[0]))))]
    weight = np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1)
    pixels = ends.reshape(-1, 2) * (camera.width / grey.shape[1], camera.height / grey.shape[0])
    flat = np.asarray(camera.cam_from_img(pixels)).reshape(-1, 2, 2)
    rays = np.concatenate([flat, np.ones_like(flat[..., :1])], axis=-1) @ job.world_from_cam.T
    normals = np.cross(rays[:, 0], rays[:, 1])
    length = np.linalg.norm(normals, axis=1)
    good = np.isfinite(length) & (length > 1e-9)
    return normals[good] / length[good, None], weight[good]


def _counting(ends: Vectors, counts: Mask) -> Mask:
    """Which edges with `ends` [E, 2, 2] lie, at both ends and in the middle, on pixels that count: [E]."""
    at = np.stack([ends[:, 0], ends.mean(axis=1), ends[:, 1]], axis=1)
    column = np.clip(at[..., 0].astype(np.int64), 0, counts.shape[1] - 1)
    row = np.clip(at[..., 1].astype(np.int64), 0, counts.shape[0] - 1)
    return np.asarray(counts[row, column].all(axis=1), bool)


def _coarse(normals: Vectors, weight: Vectors, guess: Vectors) -> Vectors:
    """The direction on a grid around `guess` that most edges agree on, the nearer the better."""
    across = np.linalg.svd(guess[None])[2][1:]  # two directions at right angles to the guess
    steps = np.radians(np.arange(-SEARCH_DEG, SEARCH_DEG + 0.1, 1.5))
    tilts = np.array([(a, b) for a in steps for b in steps if np.hypot(a, b) <= np.radians(SEARCH_DEG)])
    grid = guess + np.tan(tilts) @ across
    grid /= np.linalg.norm(grid, axis=1, keepdims=True)
    agree = np.exp(-((normals @ grid.T) ** 2) / (2 * np.sin(np.radians(1.0)) ** 2))
    prior = np.exp(-(tilts**2).sum(axis=1) / (2 * np.radians(8.0) ** 2))
    best: Vectors = grid[np.argmax((weight @ agree) * prior)]
    return best


def _refined(normals: Vectors, weight: Vectors, up: Vectors) -> Vectors:
    for sigma in np.sin(np.radians(_SIGMAS_DEG)):
        for _ in range(5):
            w = weight * np.exp(-((normals @ up) ** 2) / (2 * sigma**2))
            _, vectors = np.linalg.eigh((w[:, None] * normals).T @ normals)
            up = vectors[:, 0] * np.sign(vectors[:, 0] @ up or 1.0)
    return up
