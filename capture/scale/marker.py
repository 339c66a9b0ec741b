"""Scale from printed markers: squares whose side is known.

The square lies somewhere in COLMAP's world: a rotation, a centre and a side s, fitted to its corners in all
photos that show it, together with a width b in pixels by which all its edges seem to have moved outwards:
what ink, light and the camera's tone curve do to an edge. Photos from near and far tell b and s apart. Metres
per unit are the printed side over s.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import cv2
import numpy as np
from numpy.typing import NDArray

from setpiece.capture.scale.estimates import ScaleEstimate, combined
from setpiece.capture.scale.posed_photos import PosedPhoto
from setpiece.capture.scale.tags import Tag

Vectors = NDArray[np.float64]

SOURCE = "printed marker"
PRINT_ERROR = (
    0.002  # relative, of the printed side: paper and printers; the same for all that one person prints
)
POSES_ERROR = 0.001  # relative; lengths within a good model
EDGE_PX = 0.15  # standard deviation of what all edges are off to one side: ink bleeds, light blooms
CORNER_PX = 0.15, 0.5  # standard deviation of a corner with clear edges, and without
MOST_PX = 4.0  # corners that are farther from where they should be show another print of the same number
FEWEST_PHOTOS = 2
LARGEST_ERROR = 0.1  # relative; worse says nothing
_MOST_PAIRS = 60
_SQUARE = np.array([[-0.5, -0.5, 0], [0.5, -0.5, 0], [0.5, 0.5, 0], [-0.5, 0.5, 0]])  # x right, y down


@dataclass(frozen=True)
class Sighting:
    """A marker in a posed photo."""

    photo: PosedPhoto
    flat: Vectors  # [4, 2] corners without distortion, at depth 1
    outwards: Vectors  # [4, 2] how the corners move, at depth 1, when the edges move outwards by a pixel
    sigma_px: float


@dataclass(frozen=True)
class Square:
    """A marker in COLMAP's world."""

    corners: Vectors  # [4, 3]
    side: float
    error: float  # relative
    seen: tuple[Sighting, ...]


def scale_from_markers(
    photos: Sequence[PosedPhoto], tags: Sequence[Sequence[Tag]], side_mm: float
) -> tuple[ScaleEstimate | None, list[str]]:
    """Metres per unit by all markers together, and sentences about those that are of no use.

    `tags` are those of each photo, `side_mm` is the side of the printed black square.
    """
    sightings: dict[int, list[Sighting]] = {}
    for photo, found in zip(photos, tags, strict=True):
        for tag in found:
            flat = photo.flat(tag.corners)
            moved = _outwards(tag.corners) / photo.focal_px
            seen = Sighting(photo, flat, moved, CORNER_PX[not tag.sharp])
            sightings.setdefault(tag.number, []).append(seen)
    each, photo_names, notes = [], set(), []
    for number, seen_by in sorted(sightings.items()):
        squares = squares_of(seen_by)
        if not squares:
            notes.append(
                f"marker {number} is in {len(seen_by)} photos, but its place does not come out of them: "
                "show it in several photos from different sides."
            )
        for square in squares:
            each.append(ScaleEstimate(SOURCE, side_mm / 1000 / square.side, square.error, f"marker {number}"))
            photo_names |= {s.photo.frame.name for s in square.seen}
    together = combined(each)
    if together is None:
        return None, notes
    notes += together.contradictions
    numbers = sorted({int(e.detail.split()[1]) for e in each})
    named = ", ".join(map(str, numbers))
    detail = (
        f"number {named} in {len(photo_names)} photos"
        if len(numbers) == 1
        else (f"numbers {named} in {len(photo_names)} photos")
    )
    error = math.hypot(together.error, PRINT_ERROR, POSES_ERROR)
    return ScaleEstimate(SOURCE, together.metres_per_unit, error, f"{detail}, {side_mm:g} mm", side_mm), notes


def squares_of(sightings: Sequence[Sighting]) -> list[Square]:
    """The squares that the sightings of one number show: several where it was printed several times."""
    rest, found = list(sightings), []
    while len(rest) >= FEWEST_PHOTOS:
        group = _agreeing(rest)
        if len(group) < FEWEST_PHOTOS:
            break
        square = _fitted(group)
        if square is not None and square.error <= LARGEST_ERROR:
            found.append(square)
        used = {id(s) for s in group}
        rest = [s for s in rest if id(s) not in used]
    return found


def _agreeing(sightings: list[Sighting]) -> list[Sighting]:
    """The largest group of sightings that show one square, as two of them see it."""
    pairs = list(combinations(range(len(sightings)), 2))
    if len(pairs) > _MOST_PAIRS:
        rows = np.random.default_rng(0).choice(len(pairs), _MOST_PAIRS, replace=False)
        pairs = [pairs[r] for r in rows]
    best: list[Sighting] = []
    for i, j in pairs:
        corners = _triangulated([sightings[i], sightings[j]])
        if corners is None:
            continue
        group = [s for s in sightings if _worst_px(s, corners) < MOST_PX]
        if len(group) > len(best):
            best = group
    return best


def _triangulated(sightings: Sequence[Sighting]) -> Vectors | None:
    """The corners [4, 3] nearest to the rays; None where they lie behind a photo or rays are parallel."""
    centres = np.array([s.photo.centre for s in sightings])
    corners = np.empty((4, 3))
    for k in range(4):
        rays = np.array([s.photo.cam_from_colmap[:, :3].T @ np.append(s.flat[k], 1.0) for s in sightings])
        rays /= np.linalg.norm(rays, axis=1, keepdims=True)
        across = np.eye(3) - rays[:, :, None] * rays[:, None, :]
        total = across.sum(axis=0)
        if np.linalg.cond(total) > 1e5:
            return None
        corners[k] = np.linalg.solve(total, (across @ centres[:, :, None]).sum(axis=0))[:, 0]
    return corners if all(_depths(s, corners).min() > 0 for s in sightings) else None


def _depths(sighting: Sighting, corners: Vectors) -> Vectors:
    pose = sighting.photo.cam_from_colmap
    depths: Vectors = corners @ pose[2, :3] + pose[2, 3]
    return depths


def _worst_px(sighting: Sighting, corners: Vectors) -> float:
    pose = sighting.photo.cam_from_colmap
    in_cam = corners @ pose[:, :3].T + pose[:, 3]
    if in_cam[:, 2].min() <= 0:
        return math.inf
    misses = in_cam[:, :2] / in_cam[:, 2:] - sighting.flat
    return float(np.linalg.norm(misses, axis=1).max() * sighting.photo.focal_px)


def _fitted(sightings: Sequence[Sighting]) -> Square | None:
    """The square of least weighted squares over all sightings (Gauss-Newton, numeric derivatives).

    Its unknowns are a rotation vector, the centre, the side, and the pixels by which edges moved outwards.
    """
    corners = _triangulated(sightings)
    if corners is None:
        return None
    at = _first_guess(corners)
    robust = np.ones(len(sightings))
    for _ in range(12):
        residuals = _residuals(at, sightings)
        by_photo = np.sqrt((residuals[:-1].reshape(len(sightings), -1) ** 2).mean(axis=1))
        robust = 1 / np.sqrt(1 + (by_photo / 3) ** 2)  # Cauchy, of photos
        weight = np.append(np.repeat(robust, 8), 1.0)
        jacobian = _jacobian(at, sightings) * weight[:, None]
        try:
            step = np.linalg.solve(jacobian.T @ jacobian, jacobian.T @ (weight * residuals))
        except np.linalg.LinAlgError:
            return None
        at = at - step
        if np.abs(step).max() < 1e-9:
            break
    side = float(at[6])
    if not np.isfinite(at).all() or side <= 0:
        return None
    weight = np.append(np.repeat(robust, 8), 1.0)
    residuals = weight * _residuals(at, sightings)
    worse = max(1.0, float(residuals @ residuals) / max(1, len(residuals) - 8))
    jacobian = _jacobian(at, sightings) * weight[:, None]
    sigma = math.sqrt(np.linalg.inv(jacobian.T @ jacobian)[6, 6] * worse)
    return Square(_corners(at), side, sigma / side, tuple(sightings))


def _outwards(corners: Vectors) -> Vectors:
    """How the corners [4, 2] move when the edges of the square move outwards by one."""
    along = np.roll(corners, -1, axis=0) - corners  # edge k runs from corner k to the next
    across = np.stack([along[:, 1], -along[:, 0]], axis=1) / np.linalg.norm(along, axis=1, keepdims=True)
    across *= np.sign(((corners - corners.mean(axis=0)) * across).sum(axis=1, keepdims=True))
    moved = []
    for before, after in zip(np.roll(across, 1, axis=0), across, strict=True):
        moved.append(np.linalg.solve(np.stack([before, after]), np.ones(2)))
    return np.array(moved)


def _first_guess(corners: Vectors) -> Vectors:
    """Rotation vector, centre, side and no move of the edges [8], of a square near four corners."""
    centre = corners.mean(axis=0)
    x = corners[1] + corners[2] - corners[0] - corners[3]
    y = corners[2] + corners[3] - corners[0] - corners[1]
    side = (np.linalg.norm(x) + np.linalg.norm(y)) / 4
    x /= np.linalg.norm(x)
    z = np.cross(x, y)
    z /= np.linalg.norm(z)
    turn = np.stack([x, np.cross(z, x), z], axis=1)
    return np.concatenate([cv2.Rodrigues(turn)[0].ravel(), centre, [side, 0.0]])


def _corners(at: Vectors) -> Vectors:
    turn = np.asarray(cv2.Rodrigues(at[:3])[0], np.float64)
    corners: Vectors = at[3:6] + at[6] * _SQUARE @ turn.T
    return corners


def _residuals(at: Vectors, sightings: Sequence[Sighting]) -> Vectors:
    """Misses in standard deviations, [8 N + 1]; the last is how far the edges moved."""
    corners, misses = _corners(at), []
    for s in sightings:
        pose = s.photo.cam_from_colmap
        in_cam = corners @ pose[:, :3].T + pose[:, 3]
        shown = in_cam[:, :2] / in_cam[:, 2:] + at[7] * s.outwards
        misses.append(((shown - s.flat) * (s.photo.focal_px / s.sigma_px)).ravel())
    return np.append(np.concatenate(misses), at[7] / EDGE_PX)


def _jacobian(at: Vectors, sightings: Sequence[Sighting]) -> Vectors:
    columns = []
    for k in range(8):
        step = np.zeros(8)
        step[k] = 1e-6 * (at[6] if 3 <= k < 7 else 1.0)
        difference = _residuals(at + step, sightings) - _residuals(at - step, sightings)
        columns.append(difference / (2 * step[k]))
    return np.stack(columns, axis=1)
