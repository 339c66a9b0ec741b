"""A search for camera poses: what it works on and reports to."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from setpiece.capture.frames import CapturedFrame
from setpiece.capture.grey import GreyShelf
from setpiece.capture.options import PoseOptions
from setpiece.capture.stations import Stations
from setpiece.progress import Progress
from setpiece.threads import thread_count


@dataclass
class Clock:
    """Seconds per step, summed over attempts."""

    seconds: dict[str, float] = field(default_factory=dict)

    def add(self, step: str, since: float) -> None:
        """Book the time since `since` (time.monotonic) under `step`."""
        self.seconds[step] = round(self.seconds.get(step, 0.0) + time.monotonic() - since, 3)


@dataclass(frozen=True)
class Job:
    """What every attempt at finding the poses is given."""

    frames: Sequence[CapturedFrame]
    folder: Path  # of the frames' pictures
    work: Path  # for caches
    options: PoseOptions
    progress: Progress
    clock: Clock = field(default_factory=Clock)
    shelf: GreyShelf | None = None

    @property
    def threads(self) -> int:
        """How many threads to use."""
        return thread_count(self.options.threads)

    @property
    def stations(self) -> Stations:
        """Which frames were taken together."""
        return Stations.of_frames(self.frames)

    @property
    def names(self) -> list[str]:
        """The names of the frames."""
        return [frame.name for frame in self.frames]
