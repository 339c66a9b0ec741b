"""How far the view has moved, in widths of the picture, from frame to frame of a clip.

Corners are followed with pyramidal Lucas-Kanade (Bouguet 2000) from an anchor frame on; the movement is how
far four in five of them are at most from where they were in the anchor: on an orbit the middle of the
picture stands still, and what is near or far tells how much the view has changed. A hand that trembles moves
nothing for good that way, which adding up steps from frame to frame would count as a journey. When too few
corners are left, or they have come far, the next anchor goes on from there.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]

_CORNERS = 120  # followed at once
_FEWEST = 12  # of them, to be believed
_LEFT = 0.5  # of the anchor's corners; below, a new anchor
_QUANTILE = 0.8  # of the corners' displacements
_FAR = 0.12  # of the width from the anchor; above, a new anchor
_ASTRAY = 1.5  # pixels; corners that do not come back to where they started are wrong
_FLAT = 4.0  # grey levels, standard deviation; below, a picture shows nothing
_LEVELS, _WINDOW = 3, (15, 15)
_SAME_PLACE = 0.08  # response of phase correlation above which two pictures show the same, displaced
_ALIKE = 0.8  # correlation of two pictures that show nearly the same, such as a bare wall
_TOGETHER_S = 0.5  # seconds; where the view is lost more often than that it is jerked, not cut
_JERK = 0.15  # widths of the picture that a jerk is taken for, from frame to frame
_CRITERIA = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 12, 0.03)


@dataclass(frozen=True)
class Moved:
    """Where a frame stands on the way through its clip."""

    way: float  # widths of the picture since the first frame; never decreases by more than a hand's tremble
    lost: bool  # nothing connects it with the frame before: a cut, or a jerk
    blank: bool  # the picture shows nothing: a covered lens, black, fog


class Movement:
    """Follows a clip through its frames, given in order, all of the same size."""

    def __init__(self) -> None:
        self._base, self._way = 0.0, 0.0
        self._grey: Grey | None = None
        self._start = self._now = np.zeros((0, 1, 2), np.float32)
        self._count = 0  # corners of the anchor when it was chosen

    def step(self, grey: Grey) -> Moved:
        """Where the next frame, grey [H, W], stands."""
        blank = float(grey.std()) < _FLAT
        if blank:  # the way goes on from the last picture that showed something
            return Moved(self._way, False, True)
        if self._grey is None:
            self._anchor(grey)
            return Moved(self._way, False, False)
        width = max(grey.shape)
        if not self._follow(grey):
            connected = self._leap(grey, width)
            self._anchor(grey)
            return Moved(self._way, not connected, False)
        shift = float(np.quantile(np.linalg.norm((self._now - self._start)[:, 0], axis=1), _QUANTILE)) / width
        self._way = self._base + shift
        if shift > _FAR or len(self._now) < _LEFT * self._count:
            self._anchor(grey)
        else:
            self._grey = grey
        return Moved(self._way, False, False)

    def _follow(self, grey: Grey) -> bool:
        """Move the corners on to the next frame; False when too few can be found there."""
        if len(self._now) < _FEWEST:
            return False
        assert self._grey is not None
        on, found = _followed(self._grey, grey, self._now)
        back, again = _followed(grey, self._grey, on)
        good = found & again
        good &= np.linalg.norm((back - self._now)[:, 0], axis=1) < _ASTRAY
        if good.sum() < max(_FEWEST, 0.2 * len(good)):
            return False
        self._start, self._now = self._start[good], np.asarray(on[good])
        return True

    def _leap(self, grey: Grey, width: int) -> bool:
        """Go on where the corners were lost, by the whole picture; False where that is another one."""
        assert self._grey is not None
        small = (max(16, grey.shape[1] // 3), max(16, grey.shape[0] // 3))
        first, second = (
            cv2.resize(g, small, interpolation=cv2.INTER_AREA).astype(np.float32) for g in (self._grey, grey)
        )
        window = cv2.createHanningWindow(small, cv2.CV_32F)
        (dx, dy), response = cv2.phaseCorrelate(first, second, window)
        if response >= _SAME_PLACE:
            self._way += float(np.hypot(dx, dy)) * 3 / width
            return True
        return bool(np.corrcoef(first.ravel(), second.ravel())[0, 1] > _ALIKE)

    def _anchor(self, grey: Grey) -> None:
        corners = cv2.goodFeaturesToTrack(grey, _CORNERS, 0.01, max(grey.shape) / 40)
        self._start = self._now = corners if corners is not None else np.zeros((0, 1, 2), np.float32)
        self._count = len(self._now)
        self._base, self._grey = self._way, grey


def scenes_and_way(
    times_s: NDArray[np.float64], way: NDArray[np.float64], lost: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The number of cuts before each frame, and the way with jerks, both [N].

    Where the view is lost once there is a cut. Where it is lost several times in a row the phone was jerked
    round: the way goes on.
    """
    at = np.flatnonzero(lost)
    close = np.diff(times_s[at]) < _TOGETHER_S
    jerked = np.concatenate([[False], close]) | np.concatenate([close, [False]]) if len(at) else lost[:0]
    cut, jerk = np.zeros(len(way), np.int64), np.zeros(len(way))
    cut[at[~jerked]] = 1
    jerk[at[jerked]] = _JERK
    return np.cumsum(cut), way + np.cumsum(jerk)


def _followed(
    first: Grey, second: Grey, corners: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Where corners [N, 1, 2] of the first picture are in the second, and which were found, [N]."""
    on, found, _ = cv2.calcOpticalFlowPyrLK(
        first, second, corners, None, winSize=_WINDOW, maxLevel=_LEVELS, criteria=_CRITERIA
    )
    return on, found.ravel().astype(bool)
