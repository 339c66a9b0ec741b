"""What a check found, in plain words."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from setpiece.capture.frames import CapturedFrame

MOST_NAMED = 4  # runs of photos that are named one by one


@dataclass(frozen=True)
class Finding:
    """One thing to reshoot, or worth knowing."""

    kind: str  # a stable word for scripts; docs/check.md lists them
    sentence: str  # what is wrong, where, and what to do
    photos: tuple[str, ...]  # the photos concerned, relative paths, in capture order
    share: float = 0.0  # of the capture that suffers, 0 to 1; what is worst is said first
    reshoot: bool = True  # False: worth knowing, but nothing has to be taken again


def finding(
    kind: str,
    sentence: str,
    frames: Sequence[CapturedFrame],
    concerned: Collection[int],
    *,
    share: float | None = None,
    reshoot: bool = True,
) -> Finding:
    """A finding about some of the frames, by their positions."""
    photos = tuple(frames[i].source for i in sorted(concerned))
    part = len(photos) / max(len(frames), 1) if share is None else share
    return Finding(kind, sentence, photos, round(part, 4), reshoot)


def runs(positions: Collection[int], bridging: int = 0) -> list[tuple[int, int]]:
    """The first and last of each run of neighbours, gaps of up to `bridging` counted in."""
    found: list[tuple[int, int]] = []
    for i in sorted(positions):
        if found and i <= found[-1][1] + 1 + bridging:
            found[-1] = (found[-1][0], i)
        else:
            found.append((i, i))
    return found


def named(frames: Sequence[CapturedFrame], positions: Collection[int]) -> str:
    """The photos by name: runs as "A to B", and how many more there are."""
    found = runs(positions)
    parts = []
    for first, last in found[:MOST_NAMED]:
        a, b = frames[first].source, frames[last].source
        parts.append(a if first == last else f"{a} and {b}" if last == first + 1 else f"{a} to {b}")
    more = sum(last - first + 1 for first, last in found[MOST_NAMED:])
    if more:
        parts.append(f"{more} more")
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def counted(count: int, noun: str = "photo") -> str:
    """Such as "1 photo" or "12 photos"."""
    return f"{count} {noun}" + ("" if count == 1 else "s")
