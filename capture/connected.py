"""Which frames hang together."""

from __future__ import annotations

from collections.abc import Iterable

from setpiece.capture.matching import Pair


def connected(pairs: Iterable[Pair], frames: Iterable[int]) -> list[set[int]]:
    """The frames in groups that chains of pairs connect, the largest first; pairs of others do not count."""
    group = {i: i for i in frames}

    def root(i: int) -> int:
        while group[i] != i:
            group[i] = group[group[i]]
            i = group[i]
        return i

    for i, j in pairs:
        if i in group and j in group:
            group[root(i)] = root(j)
    members: dict[int, set[int]] = {}
    for i in group:
        members.setdefault(root(i), set()).add(i)
    return sorted(members.values(), key=len, reverse=True)
