"""Which frames were taken from one place at one instant: the views of a panorama. A photo stands alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from setpiece.capture.frames import CapturedFrame


@dataclass(frozen=True)
class Stations:
    """The stations of a capture, numbered in capture order."""

    of: tuple[int, ...]  # of each frame; ascending from 0 without gaps

    @classmethod
    def of_frames(cls, frames: Sequence[CapturedFrame]) -> Stations:
        """Those of `frames`, which stand in capture order."""
        numbers: list[int] = []
        before: str | None = None
        for frame in frames:
            instant = frame.rig.instant if frame.rig else None
            same = instant is not None and instant == before
            numbers.append((numbers[-1] if numbers else -1) + (not same))
            before = instant
        return cls(tuple(numbers))

    @property
    def count(self) -> int:
        """How many there are."""
        return self.of[-1] + 1 if self.of else 0

    @property
    def members(self) -> list[list[int]]:
        """The frames of each station."""
        found: list[list[int]] = [[] for _ in range(self.count)]
        for frame, station in enumerate(self.of):
            found[station].append(frame)
        return found

    def names(self, frames: Sequence[CapturedFrame]) -> list[str]:
        """What the stations are called: like the photo, or like the panorama whose views they are."""
        first = [frames[members[0]] for members in self.members]
        return [f.rig.instant if f.rig else f.name for f in first]

    def links(self) -> list[tuple[int, int]]:
        """Pairs of frames that hang together because they are of one station."""
        return [(i, i + 1) for i in range(len(self.of) - 1) if self.of[i] == self.of[i + 1]]

    def among(self, frames: Iterable[int]) -> int:
        """How many stations these frames are of."""
        return len({self.of[i] for i in frames})


def merged(stations: Sequence[int], rows: Sequence[NDArray[np.int64]]) -> list[NDArray[np.int64]]:
    """Of each station, in ascending order, the numbers that any of its frames has."""
    found: dict[int, list[NDArray[np.int64]]] = {}
    for station, own in zip(stations, rows, strict=True):
        found.setdefault(station, []).append(own)
    return [np.unique(np.concatenate(found[s])) for s in sorted(found)]
