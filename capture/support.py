"""Which frames of a model hold together.

COLMAP's incremental mapper places a photo only where it sees enough points that others have established. Its
global mapper places every photo that is linked at all, and through a weak link it may place a whole group
wrongly: at the wrong angle and scale. Growing the model again, photo by photo, shows such groups.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from setpiece.capture.model import Model

FEWEST_POINTS = 20  # that a frame must see and at least two frames before it have seen


def supported_groups(model: Model, fewest: int = FEWEST_POINTS) -> list[list[int]]:
    """Positions of the model's frames in groups that hold together, the largest first.

    Each group grows from the two frames that share most points; the frame that sees most points which two
    frames of the group see is next, as long as it sees `fewest`. Frames that join none are in no group.
    """
    rest = set(range(len(model.frames)))
    groups = []
    while len(rest) >= 2:
        pair = _closest_pair(model, sorted(rest), fewest)
        if pair is None:
            break
        views = np.zeros(len(model.points), np.int32)
        group = list(pair)
        for position in pair:
            views[model.seen[position]] += 1
        rest -= set(pair)
        while rest:
            shared = {p: int((views[model.seen[p]] >= 2).sum()) for p in sorted(rest)}
            best = max(shared, key=lambda p: shared[p])
            if shared[best] < fewest:
                break
            group.append(best)
            views[model.seen[best]] += 1
            rest.remove(best)
        groups.append(sorted(group))
    return sorted(groups, key=len, reverse=True)


def _closest_pair(model: Model, positions: list[int], fewest: int) -> tuple[int, int] | None:
    sees: NDArray[np.float32] = np.zeros((len(positions), len(model.points)), np.float32)
    for row, position in enumerate(positions):
        sees[row, model.seen[position]] = 1
    shared = sees @ sees.T
    np.fill_diagonal(shared, 0)
    i, j = divmod(int(shared.argmax()), len(positions))
    return (positions[i], positions[j]) if shared[i, j] >= fewest else None
