"""Finding printed markers in photos: AprilTags of family 36h11 (Olson 2011; Wang and Olson 2016).

OpenCV finds and reads them in a small copy of the photo. The corners come from the photo itself: edges of the
black square to a fraction of a pixel, in linear light, where blur moves no edge, and lines through them,
which meet in the corners.
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

Vectors = NDArray[np.float64]

IDS = 30  # `setpiece marker` prints the numbers below; others are somebody else's
PRINTED_MM = 160.0  # side of the black square as `setpiece marker` draws it
CELLS = 8  # along a side of the black square, its black border included
FIND_SIDE = 1000  # pixels; longest side of the copy in which they are looked for
_LIGHT = ((np.arange(256) / 255) ** 2.2).astype(np.float32)  # of a grey value, about
_SAMPLES = 32  # along each side
_MARGIN = 0.12  # of a side at each end, where the neighbouring side disturbs
_WIDEST = 0.5  # of a cell: how far from the first guess an edge is looked for
_SMALLEST_PX = 16.0  # side of the square in the photo
_LEAST_CONTRAST = 0.02  # of full light, between the black and the white
_FARTHEST_PX = 3.0  # a refined corner farther from the first guess is not believed


@dataclass(frozen=True)
class Tag:
    """A marker in a photo."""

    number: int
    corners: (
        Vectors  # [4, 2] pixels of the frame: top left, top right, bottom right, bottom left of the print
    )
    sharp: bool  # whether all four edges were clear


def find_all_tags(photos: Sequence[Path], threads: int, shelf: GreyShelf | None = None) -> list[list[Tag]]:
    """The markers in each photo."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)  # one picture per thread
    try:
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(lambda path: find_tags(path, shelf), photos))
    finally:
        cv2.setNumThreads(before)


def find_tags(path: Path, shelf: GreyShelf | None = None) -> list[Tag]:
    """The markers in the frame at `path`. Raises OSError."""
    picture = grey_picture(path, FIND_SIDE, shelf)
    small = picture.within(FIND_SIDE)
    found, numbers, _ = _detector().detectMarkers(small)
    if numbers is None or np.min(numbers) >= IDS:
        return []
    whole = grey_picture(path, max(picture.frame_size)).pixels
    scale = np.array([whole.shape[1] / small.shape[1], whole.shape[0] / small.shape[0]])
    tags = []
    for corners, number in zip(found, np.ravel(numbers), strict=True):
        if number < IDS:
            guess = (np.asarray(corners, np.float64).reshape(4, 2) + 0.5) * scale
            if min(np.linalg.norm(guess - np.roll(guess, -1, axis=0), axis=1)) >= _SMALLEST_PX:
                tags.append(_refined(whole, int(number), guess, float(scale.max())))
    return sorted(tags, key=lambda t: t.number)


def _detector() -> Any:
    parameters = cv2.aruco.DetectorParameters()
    parameters.adaptiveThreshWinSizeMin = parameters.adaptiveThreshWinSizeMax = 9  # one look of three
    parameters.minMarkerPerimeterRate = 0.05
    parameters.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_SUBPIX
    return cv2.aruco.ArucoDetector(
        cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_APRILTAG_36h11), parameters
    )


def _refined(grey: NDArray[np.uint8], number: int, guess: Vectors, coarse: float) -> Tag:
    """The marker with corners [4, 2] where lines through its edges meet; the guess where edges are unclear.

    `coarse` is the size in pixels of what the guess was made from.
    """
    corners = guess
    for _ in range(2):
        lines = [_line(grey, corners[k], corners[(k + 1) % 4], corners.mean(axis=0)) for k in range(4)]
        if any(line is None for line in lines):
            return Tag(number, guess, False)
        sides = [line for line in lines if line is not None]
        corners = np.array([_meeting(sides[k - 1], sides[k]) for k in range(4)])
    if not np.isfinite(corners).all() or np.abs(corners - guess).max() > _FARTHEST_PX * max(1.0, coarse):
        return Tag(number, guess, False)
    return Tag(number, corners, True)


def _line(grey: NDArray[np.uint8], a: Vectors, b: Vectors, middle: Vectors) -> tuple[Vectors, Vectors] | None:
    """A point on the edge of the square between two corners, and its direction."""
    along = b - a
    length = float(np.linalg.norm(along))
    across = np.array([along[1], -along[0]]) / length
    across *= np.sign(across @ (a - middle))  # outwards: from black to white
    reach = max(1.5, min(_WIDEST * length / CELLS, 8.0))
    steps = np.arange(-reach, reach + 0.25, 0.5)
    at = a + np.linspace(_MARGIN, 1 - _MARGIN, _SAMPLES)[:, None] * along
    places = at[:, None] + steps[:, None] * across  # [samples, steps, 2]
    left, top = np.floor(places.min(axis=(0, 1)) - 2).astype(int).clip(0)
    right, bottom = np.ceil(places.max(axis=(0, 1)) + 2).astype(int)
    part = _LIGHT[grey[top:bottom, left:right]]  # before anything is interpolated
    if not part.size:
        return None
    inside = (places - 0.5 - (left, top)).astype(np.float32)
    light = cv2.remap(part, inside, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    low, high = float(np.median(light[:, :2])), float(np.median(light[:, -2:]))
    middle_light = (low + high) / 2
    crossing = (light[:, :-1] <= middle_light) & (light[:, 1:] > middle_light)
    nearest = np.where(crossing, np.abs(steps[:-1] + 0.25), np.inf).argmin(axis=1)
    clear = crossing.any(axis=1)
    if high - low < _LEAST_CONTRAST or clear.sum() < _SAMPLES // 2:
        return None
    rows = np.flatnonzero(clear)
    before, after = light[rows, nearest[rows]], light[rows, nearest[rows] + 1]
    where = steps[nearest[rows]] + 0.5 * (middle_light - before) / (after - before)
    points = at[clear] + where[:, None] * across
    for _ in range(3):
        centre = points.mean(axis=0)
        direction = np.linalg.svd(points - centre, full_matrices=False)[2][0]
        off = np.abs((points - centre) @ np.array([-direction[1], direction[0]]))
        kept = off <= max(3 * 1.4826 * float(np.median(off)), 0.05)
        if kept.all() or kept.sum() < _SAMPLES // 3:
            break
        points = points[kept]
    return centre, direction


def _meeting(first: tuple[Vectors, Vectors], second: tuple[Vectors, Vectors]) -> Vectors:
    (a, u), (b, v) = first, second
    cross = u[0] * v[1] - u[1] * v[0]
    if abs(cross) < 1e-6:
        return np.full(2, np.nan)
    t = ((b - a)[0] * v[1] - (b - a)[1] * v[0]) / cross
    meeting: Vectors = a + t * u
    return meeting
