"""Which frames of a clip are used.

Letters: w is the way that the view has moved, in widths of the picture, and d the step that the frames
should be apart. A chain of frames costs, for two that follow each other, (gap / d - 1)^2, and for every
frame how far it stays behind the sharpness that its neighbours reach; a blurred one costs as much as a hole
that views still overlap across. The cheapest chain is found by dynamic programming (Bellman 1954) over the
sharpest frame in every eighth of a step. So a slow pan gives no twins, a fast turn no hole, a sharp frame is
preferred to a well-placed one, and a blurred one comes in only where the chain would break without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from setpiece.capture.video.blur import blurred_frames, sharpness_reached
from setpiece.capture.video.scan import Scan
from setpiece.capture.video.timecode import short_timecode

STEP = 0.06  # widths of the picture between frames
HOLE = 0.25  # widths of the picture that the view may leap before a blurred frame fills in
_PARTS = 8  # of a step; the sharpest frame of each is a candidate
_LONGEST = 6.0  # steps; what lies farther apart is not weighed, only joined
_TRIES, _WIDER = 8, 1.03  # until there are few enough
_SOFT_COST = 6.0
_LEAST_BLUR_COST = 3.0  # however far the frames are apart
_NAMED_S = 0.5  # seconds of blur that are named even where the view hardly moved
_NAMED_WAY = 0.15  # widths of the picture without a sharp frame that are named even where it was quick


@dataclass(frozen=True)
class BlurredRun:
    """A stretch of a clip without a sharp frame."""

    first_s: float
    last_s: float
    used: int  # frames of it that are used nevertheless, so that the chain holds

    def sentence(self, source: str) -> str:
        """What to say of it."""
        where = f"{source} {short_timecode(self.first_s)} to {short_timecode(self.last_s)} is blurred"
        if not self.used:
            return f"{where}: no frame of it is used"
        frames = (
            "its least blurred frame is" if self.used == 1 else f"its {self.used} least blurred frames are"
        )
        return f"{where}: {frames} used, so that the views stay connected; move more slowly there"


@dataclass(frozen=True)
class Choice:
    """The frames of a clip that are used."""

    frames: NDArray[np.int64]  # rows of the scan, rising
    runs: tuple[BlurredRun, ...]


def step_for(scans: Sequence[Scan], most_frames: int) -> float:
    """The step that all clips share so that about `most_frames` or fewer are chosen in all."""
    ways = [_scene_ways(s) for s in scans]
    starts = sum(len(w) for w in ways)  # every scene gives one frame more than it has steps
    total = float(sum(w.sum() for w in ways))
    return max(STEP, total / max(most_frames - starts, 0.5 * most_frames))


def choose_all(scans: Sequence[Scan], most_frames: int) -> tuple[list[Choice], float]:
    """The frames to use of each clip, at most `most_frames` in all unless there are many cuts; the step."""
    step = step_for(scans, most_frames)
    reached = [sharpness_reached(scan) for scan in scans]
    for _ in range(_TRIES):
        choices = [choose(scan, step, found) for scan, found in zip(scans, reached, strict=True)]
        if sum(len(c.frames) for c in choices) <= most_frames:
            break
        step *= _WIDER
    return choices, step


def choose(scan: Scan, step: float, reached: NDArray[np.float64] | None = None) -> Choice:
    """The frames to use, `step` widths of the picture apart; `reached` as of `sharpness_reached`."""
    if reached is None:
        reached = sharpness_reached(scan)
    blurred = blurred_frames(scan, reached)
    chosen: list[int] = []
    for scene in np.unique(scan.scene):
        rows = np.flatnonzero((scan.scene == scene) & (scan.sharpness > 0))
        if len(rows) and (not blurred[rows].all() or scan.way[rows[-1]] - scan.way[rows[0]] >= step):
            chosen += _chain(rows, scan, step, reached, blurred)
    if not chosen and (scan.sharpness > 0).any():
        chosen = [int(np.argmax(scan.sharpness))]
    frames = np.array(sorted(chosen), np.int64)
    return Choice(frames, tuple(_runs(scan, blurred, frames)))


def _scene_ways(scan: Scan) -> NDArray[np.float64]:
    scenes = np.unique(scan.scene)
    return np.array([np.ptp(scan.way[scan.scene == s]) for s in scenes])


def _chain(
    rows: NDArray[np.int64],
    scan: Scan,
    step: float,
    reached: NDArray[np.float64],
    blurred: NDArray[np.bool_],
) -> list[int]:
    """The cheapest chain of frames through one scene, whose frames are `rows`."""
    rows = _candidates(rows, scan, step, blurred)
    at = scan.way[rows] / step
    behind = 1 - scan.sharpness[rows] / np.maximum(reached[rows], 1e-9)
    # a hole of h steps costs (h - 1)^2, one with a frame in its middle 2 (h / 2 - 1)^2: the difference
    filling = max(_LEAST_BLUR_COST, (HOLE / step) ** 2 / 2 - 1)
    cost = _SOFT_COST * np.clip(behind, 0, 1) + filling * blurred[rows]
    best = cost + np.maximum(at - at[0], 0) ** 2  # should begin at the beginning
    before = np.full(len(rows), -1)
    for j in range(1, len(rows)):
        first = min(int(np.searchsorted(at, at[j] - _LONGEST)), j - 1)
        through = best[first:j] + (at[j] - at[first:j] - 1) ** 2
        i = int(np.argmin(through))
        if through[i] + cost[j] < best[j]:
            best[j], before[j] = through[i] + cost[j], first + i
    last = int(np.argmin(best + np.maximum(at[-1] - at, 0) ** 2))
    chain = []
    while last >= 0:
        chain.append(int(rows[last]))
        last = int(before[last])
    return chain[::-1]


def _candidates(
    rows: NDArray[np.int64], scan: Scan, step: float, blurred: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """The sharpest frame of every part of a step; one that is not blurred before one that is."""
    part = np.floor((scan.way[rows] - scan.way[rows[0]]) / step * _PARTS)
    order = np.lexsort((-scan.sharpness[rows], blurred[rows], part))
    first = np.concatenate([[True], np.diff(part[order]) > 0])
    candidates: NDArray[np.int64] = np.sort(rows[order[first]])
    return candidates


def _runs(scan: Scan, blurred: NDArray[np.bool_], frames: NDArray[np.int64]) -> list[BlurredRun]:
    """The stretches without a sharp frame that are long in time or on the way."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], blurred.astype(np.int8), [0]])))
    runs = []
    for first, end in edges.reshape(-1, 2):
        last = end - 1
        around = scan.way[min(end, len(blurred) - 1)] - scan.way[max(first - 1, 0)]
        if around > _NAMED_WAY or scan.times_s[last] - scan.times_s[first] >= _NAMED_S:
            used = int(((frames >= first) & (frames <= last)).sum())
            runs.append(BlurredRun(float(scan.times_s[first]), float(scan.times_s[last]), used))
    return runs
