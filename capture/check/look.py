"""A look at a capture: what its photos show, how they hang together, and where they were taken.

The quick part of finding poses (`ladder.py`) without its last resorts: it takes seconds, and what it places a
build places too.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from setpiece.capture.attempt import Attempt, attempt
from setpiece.capture.colmap import Lens
from setpiece.capture.connected import connected
from setpiece.capture.forward import MOSTLY_FORWARD, forward_share
from setpiece.capture.frames import CapturedFrame
from setpiece.capture.job import Job
from setpiece.capture.ladder import feature_settings
from setpiece.capture.lenses import lenses_of
from setpiece.capture.mapping import Method
from setpiece.capture.matched import Matched, match_frames
from setpiece.capture.model import Model
from setpiece.capture.panning import turning_share

SMALL_SIDE = 256  # pixels, of the pictures in which colours are compared
MOSTLY = 0.5  # of the photos placed: a closer look at the others is worth its time

Picture = NDArray[np.uint8]  # [H, W, 3] sRGB


@dataclass(frozen=True)
class Look:
    """What was seen of a capture. Frames go by their position in `frames`."""

    frames: Sequence[CapturedFrame]  # in capture order
    pictures: Sequence[Picture]  # small
    lenses: list[Lens]
    lens_of: list[int]
    matched: Matched
    turned: float  # share of the verified pairs that a turn on the spot explains
    found: Attempt

    @property
    def placed(self) -> set[int]:
        """The frames whose camera was found."""
        return self.found.models[0] if self.found.models else set()

    @property
    def model(self) -> Model | None:
        """Cameras and points of the placed frames; None where none were found."""
        if self.found.largest is None:
            return None
        return self.found.model or Model.of(self.found.largest)

    def camera(self, frame: int) -> Any:
        """The pycolmap camera of a placed frame."""
        assert self.found.largest is not None
        return self.found.largest.image(frame + 1).camera

    def links(self) -> dict[tuple[int, int], int]:
        """How many matches hold each verified pair together."""
        return {pair: len(g.inlier_matches) for pair, g in self.matched.geometries.items()}


def look_at(job: Job) -> Look:
    """Look at the frames of a job."""
    started = time.monotonic()
    pictures = small_pictures([job.folder / f.name for f in job.frames], job.threads)
    job.clock.add("pictures", started)
    lenses, lens_of = lenses_of(job.frames)
    quick, thorough = feature_settings(len(job.frames), job.options)
    matched = match_frames(job, job.work / "quick", quick)
    turned = turning_share(matched.features, matched.geometries, lenses, lens_of, job.stations.of)
    forward = forward_share(matched.geometries, lenses, lens_of) > MOSTLY_FORWARD
    methods = (Method.SKELETON, Method.FORWARD) if forward else (Method.SKELETON,)
    found = _best(job, lenses, lens_of, matched, methods)
    over = set(range(len(job.frames))) - (found.models[0] if found.models else set())
    linked = [*matched.geometries, *job.stations.links()]
    reachable = max(map(len, connected(linked, range(len(job.frames)))))
    if over and MOSTLY * len(job.frames) <= found.placed and found.placed <= reachable:
        closer = match_frames(job, job.work / "closer", thorough, matched, over)
        again = _best(job, lenses, lens_of, closer, methods)
        if again.placed > found.placed:
            matched, found = closer, again
    return Look(job.frames, pictures, lenses, lens_of, matched, turned, found)


def small_pictures(files: Sequence[Path], threads: int) -> list[Picture]:
    """The pictures with their longest side brought down to SMALL_SIDE."""

    def one(file: Path) -> Picture:
        with Image.open(file) as picture:
            picture.draft("RGB", (SMALL_SIDE, SMALL_SIDE))
            small = picture.convert("RGB")
        small.thumbnail((SMALL_SIDE, SMALL_SIDE), Image.Resampling.BOX)
        return np.asarray(small)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, files))


def _best(
    job: Job, lenses: list[Lens], lens_of: list[int], matched: Matched, methods: Sequence[Method]
) -> Attempt:
    best: Attempt | None = None
    for method in methods:
        one = attempt(job, lenses, lens_of, matched, method)
        if best is None or one.placed > best.placed:
            best = one
        if best.placed == len(job.frames):
            break
    assert best is not None
    return best
