"""Which frames of a model hold together.

COLMAP's incremental mapper places a photo only where it sees enough points that others have established. Its
global mapper places every photo that is linked at all, and through a weak link it may place a whole group
wrongly: at the wrong angle and scale. Growing the model again, photo by photo, shows such groups.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from setpiece.capture.model import Model
from setpiece.capture.stations import merged

POINTS_COMPARED = 8000  # enough to tell which two frames share most
FEWEST_POINTS = 20  # that a frame must see and at least two frames before it have seen


def supported_groups(
    model: Model, fewest: int = FEWEST_POINTS, stations: Sequence[int] | None = None
) -> list[list[int]]:
    """Positions of the model's frames in groups that hold together, the largest first.

    Each group grows from the two frames that share most points; the frame that sees most points which two
    frames of the group see is next, as long as it sees `fewest`. Frames that join none are in no group.
    Frames of one of the `stations` (one for each position) count as one frame.
    """
    if stations is not None:
        numbers = sorted(set(stations))
        joined = replace(model, frames=numbers, seen=merged(stations, model.seen))
        groups = supported_groups(joined, fewest)
        whole = [{numbers[n] for n in group} for group in groups]
        return [[p for p, s in enumerate(stations) if s in group] for group in whole]
    rest = set(range(len(model.frames)))
    seen_by = _seen_by(model)
    groups = []
    while len(rest) >= 2:
        pair = _closest_pair(model, sorted(rest), fewest)
        if pair is None:
            break
        views = np.zeros(len(model.points), np.int32)
        shared = np.zeros(len(model.frames), np.int64)  # points that a frame and two of the group see
        group: list[int] = []
        joining: int | None = pair[0]
        while joining is not None:
            group.append(joining)
            rest.remove(joining)
            rows = model.seen[joining]
            views[rows] += 1
            shared += seen_by.count(rows[views[rows] == 2], len(model.frames))
            if len(group) == 1:
                joining = pair[1]
                continue
            left = np.array(sorted(rest), np.int64)
            nearest = left[shared[left].argmax()] if len(left) else -1
            joining = int(nearest) if nearest >= 0 and shared[nearest] >= fewest else None
        groups.append(sorted(group))
    return sorted(groups, key=len, reverse=True)


@dataclass(frozen=True)
class _SeenBy:
    """Of each point the frames that see it, behind one another."""

    starts: NDArray[np.int64]  # [P + 1]
    frames: NDArray[np.int64]

    def count(self, points: NDArray[np.int64], frames: int) -> NDArray[np.int64]:
        """How many of `points` each frame sees, [frames]."""
        lengths = self.starts[points + 1] - self.starts[points]
        before = np.cumsum(lengths) - lengths
        at = np.arange(int(lengths.sum())) + np.repeat(self.starts[points] - before, lengths)
        counts: NDArray[np.int64] = np.bincount(self.frames[at], minlength=frames)
        return counts


def _seen_by(model: Model) -> _SeenBy:
    points = np.concatenate([np.zeros(0, np.int64), *model.seen])
    frames = np.repeat(np.arange(len(model.seen)), [len(s) for s in model.seen])
    counts = np.bincount(points, minlength=len(model.points))
    order = np.argsort(points, kind="stable")
    return _SeenBy(np.cumsum([0, *counts]).astype(np.int64), frames[order])


def _closest_pair(model: Model, positions: list[int], fewest: int) -> tuple[int, int] | None:
    """Of all points where there are few, else of every so many: which two frames share most."""
    step = 1 + len(model.points) // POINTS_COMPARED
    columns = 1 + (len(model.points) - 1) // step
    sees: NDArray[np.float32] = np.zeros((len(positions), columns), np.float32)
    for row, position in enumerate(positions):
        seen = model.seen[position]
        sees[row, seen[seen % step == 0] // step] = 1
    shared = sees @ sees.T
    np.fill_diagonal(shared, 0)
    i, j = divmod(int(shared.argmax()), len(positions))
    both = np.intersect1d(model.seen[positions[i]], model.seen[positions[j]], assume_unique=True)
    return (positions[i], positions[j]) if i != j and len(both) >= fewest else None
