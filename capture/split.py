"""Which frames are held out to judge the result."""

from __future__ import annotations

FEWEST_FOR_ONE = 5
FEWEST_FOR_MORE = 12


def held_out(count: int, every: int) -> set[int]:
    """Positions, in capture order, of the frames to keep from training.

    Every `every`-th from the first on, as is usual for published figures. Of fewer than 12 frames only the
    middle one, of fewer than 5 none.
    """
    if every <= 0 or count < FEWEST_FOR_ONE:
        return set()
    if count < FEWEST_FOR_MORE:
        return {count // 2}
    return set(range(0, count, every))
