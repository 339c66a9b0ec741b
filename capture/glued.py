"""Photos of two places that one model holds: rooms alike, floors alike, a front that repeats itself.

Where two cameras stand nearly in the same place and look the same way, they must see the same. If a part of
the picture that one of them sees well is nowhere in the other, though nothing stands in front of it, and the
other way round too, then they were not there: what they share only looks alike. Missing correspondences tell
what no reprojection error does (Zach, Irschara and Bischof 2008; Jiang, Tan and Cheong 2012).

Letters: of a camera i the points that it sees are looked for in a camera j near by; a tile of j's picture is
empty where it should show at least FEWEST of them and shows none. s_ij is the share of the points in empty
tiles.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from setpiece.capture.matching import Pair
from setpiece.capture.model import Model

ROWS, COLUMNS = 9, 12  # tiles of a picture
FEWEST = 4  # points in a tile that is called empty
FEWEST_POINTS = 40  # that a pair is judged by
FEWEST_VIEWS = 3  # of a point that is sure to be found again
NEAR = 0.3  # of the depth: between cameras that are compared
ALIGNED = 0.93  # cosine between their views
MOST_NEAR = 8  # cameras that each is compared with
LARGEST_ANGLE_DEG = 15.0  # between the rays to a point
BEHIND = 1.15  # times the depth of what the other sees there: hidden, so not missing
EDGE = 0.04  # of the picture at its edges is not judged
# Of the smaller of s_ij and s_ji: six good captures with 414 pairs have 0.045 at most, two rooms alike 0.22
# in the median. Frames that are blurred must be left out: they show less, and other things.
SAME, APART = 0.06, 0.1
FEWEST_APART = 3  # pairs of frames, and frames of a group

Vectors = NDArray[np.float64]


@dataclass(frozen=True)
class Optics:
    """The lens of one frame: focal length, principal point and size in pixels, one radial term."""

    focal: float
    x: float
    y: float
    k1: float
    width: int
    height: int


@dataclass(frozen=True)
class Missing:
    """How much of what each camera sees another near by does not show."""

    pairs: NDArray[np.int64]  # [K, 2] positions i, j in the model
    share: Vectors  # [K] s_ij


def missing(model: Model, optics: Sequence[Optics]) -> Missing:
    """What is missing between all cameras near by; `optics` are those of the model's frames."""
    centres, axes = model.centres, model.cam_from_world[:, 2, :3]
    sure = model.track_length >= FEWEST_VIEWS
    pairs, shares = [], []
    for j in range(len(model.frames)):
        if not len(model.seen[j]):
            continue
        depths = model.depths(j)
        depth = float(np.median(depths))
        distance = np.linalg.norm(centres - centres[j], axis=1)
        near = np.flatnonzero((distance < NEAR * depth) & (axes @ axes[j] > ALIGNED))
        near = near[np.argsort(distance[near], kind="stable")]
        seen = np.zeros(len(model.points), bool)
        seen[model.seen[j]] = True
        surface = _surface(
            _tiles(_drawn(model, j, model.points[model.seen[j]], optics[j])[0], optics[j]), depths
        )
        for i in near[near != j][:MOST_NEAR]:
            share = _missing(model, int(i), j, sure, seen, surface, optics[j])
            if share is not None:
                pairs.append((int(i), j))
                shares.append(share)
    return Missing(np.array(pairs, np.int64).reshape(-1, 2), np.array(shares))


def places(model: Model, optics: Sequence[Optics], left_out: Collection[int] = ()) -> list[set[int]]:
    """Positions of the frames of places that only look alike, the largest first; one group where all is well.

    Frames at positions `left_out` are not judged. Every frame is in a group: those that cannot be judged go
    with what they share most points with.
    """
    found = missing(model, optics)
    share = {(int(i), int(j)): float(s) for (i, j), s in zip(found.pairs, found.share, strict=True)}
    both = {
        (i, j): min(s, share[(j, i)])
        for (i, j), s in share.items()
        if i < j and (j, i) in share and not {i, j} & set(left_out)
    }
    if sum(s > APART for s in both.values()) < FEWEST_APART:
        return [set(range(len(model.frames)))]
    groups = _clusters(both)
    torn = [g for g in groups if len(g) >= FEWEST_APART and _apart(g, groups, both)]
    if len(torn) < 2:
        return [set(range(len(model.frames)))]
    return _complete(model, torn)


def _clusters(both: Mapping[Pair, float]) -> list[set[int]]:
    """Frames joined as long as more speaks for it than against it, what fits best first."""
    of = {i: {i} for pair in both for i in pair}
    for (i, j), s in sorted(both.items(), key=lambda item: (item[1], item[0])):
        if s >= SAME or of[i] is of[j]:
            continue
        between = [
            t for (a, b), t in both.items() if (a in of[i] and b in of[j]) or (a in of[j] and b in of[i])
        ]
        if sum(SAME - t for t in between) <= 0:
            continue
        of[i] |= of[j]
        for k in of[j]:
            of[k] = of[i]
    unique = {id(g): g for g in of.values()}
    return sorted(unique.values(), key=lambda g: (-len(g), min(g)))


def _apart(group: set[int], groups: Sequence[set[int]], both: Mapping[Pair, float]) -> bool:
    """Whether what a group shows is missing in another group of some size."""
    for other in groups:
        if other is group or len(other) < FEWEST_APART:
            continue
        between = [s for (i, j), s in both.items() if len({i, j} & group) == 1 and len({i, j} & other) == 1]
        if sum(s > APART for s in between) >= FEWEST_APART:
            return True
    return False


def _complete(model: Model, torn: Sequence[set[int]]) -> list[set[int]]:
    """The groups with all other frames, each where it shares most points."""
    groups = [set(g) for g in torn]
    counts = [
        np.bincount(np.concatenate([model.seen[k] for k in g]), minlength=len(model.points)) for g in torn
    ]
    for k in set(range(len(model.frames))) - set().union(*torn):
        shared = [int((c[model.seen[k]] > 0).sum()) for c in counts]
        groups[int(np.argmax(shared))].add(k)
    return sorted(groups, key=lambda g: (-len(g), min(g)))


def optics_of(reconstruction: Any, frames: Sequence[int]) -> list[Optics]:
    """The lenses of frames of a pycolmap.Reconstruction."""
    found = []
    for number in frames:
        camera = reconstruction.image(number + 1).camera
        k1 = float(camera.params[3]) if len(camera.params) > 3 else 0.0
        x, y = camera.principal_point_x, camera.principal_point_y
        found.append(Optics(camera.mean_focal_length(), x, y, k1, camera.width, camera.height))
    return found


def _missing(
    model: Model,
    i: int,
    j: int,
    sure: NDArray[np.bool_],
    seen: NDArray[np.bool_],
    surface: Vectors,
    optics: Optics,
) -> float | None:
    """s_ij, or None where too few points can be judged."""
    rows = model.seen[i][sure[model.seen[i]]]
    points = model.points[rows]
    drawn, depth = _drawn(model, j, points, optics)
    to_i, to_j = points - model.centres[i], points - model.centres[j]
    cosine = (to_i * to_j).sum(axis=1) / (np.linalg.norm(to_i, axis=1) * np.linalg.norm(to_j, axis=1) + 1e-18)
    margin = EDGE * max(optics.width, optics.height)
    inside = (drawn > margin).all(axis=1) & (drawn < (optics.width - margin, optics.height - margin)).all(
        axis=1
    )
    judged = (depth > 0) & inside & (cosine > np.cos(np.radians(LARGEST_ANGLE_DEG)))
    tile = _tiles(drawn[judged], optics)
    hidden = depth[judged] > BEHIND * surface[tile]  # NaN: j sees nothing there, so nothing hides it
    known = ~hidden & np.isfinite(surface[tile])
    tile, found = tile[known], seen[rows[judged]][known]
    if len(tile) < FEWEST_POINTS:
        return None
    expected = np.bincount(tile, minlength=ROWS * COLUMNS)
    shown = np.bincount(tile[found], minlength=ROWS * COLUMNS)
    empty = (expected >= FEWEST) & (shown == 0)
    return float(expected[empty].sum() / len(tile))


def _drawn(model: Model, position: int, points: Vectors, optics: Optics) -> tuple[Vectors, Vectors]:
    """Where a camera draws points [M, 2] in pixels, and their depths [M]."""
    pose = model.cam_from_world[position]
    in_cam = points @ pose[:3, :3].T + pose[:3, 3]
    flat = in_cam[:, :2] / np.where(np.abs(in_cam[:, 2:]) < 1e-12, 1e-12, in_cam[:, 2:])
    r2 = np.minimum((flat**2).sum(axis=1, keepdims=True), 4.0)
    return flat * (1 + optics.k1 * r2) * optics.focal + (optics.x, optics.y), in_cam[:, 2]


def _tiles(drawn: Vectors, optics: Optics) -> NDArray[np.int64]:
    column = np.clip((drawn[:, 0] * COLUMNS / optics.width).astype(np.int64), 0, COLUMNS - 1)
    row = np.clip((drawn[:, 1] * ROWS / optics.height).astype(np.int64), 0, ROWS - 1)
    result: NDArray[np.int64] = row * COLUMNS + column
    return result


def _surface(tiles: NDArray[np.int64], depths: Vectors) -> Vectors:
    """The median depth of what a camera sees in and beside each tile, NaN where that is nothing."""
    order = np.argsort(tiles, kind="stable")
    ends = np.searchsorted(tiles[order], np.arange(ROWS * COLUMNS + 1))
    medians = np.full((ROWS, COLUMNS), np.nan)
    for t in range(ROWS * COLUMNS):
        some = depths[order[ends[t] : ends[t + 1]]]
        if len(some):
            medians[t // COLUMNS, t % COLUMNS] = np.median(some)
    padded = np.pad(medians, 1, constant_values=np.nan)
    around = np.stack([padded[r : r + ROWS, c : c + COLUMNS] for r in range(3) for c in range(3)])
    filled = np.where(
        np.isnan(medians), np.nanmedian(np.where(np.isnan(around).all(axis=0), 0, around), axis=0), medians
    )
    filled[np.isnan(around).all(axis=0)] = np.nan
    result: Vectors = filled.ravel()
    return result
