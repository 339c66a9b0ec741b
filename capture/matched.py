"""Features and verified pairs of a capture's frames: what every attempt at finding the poses goes by."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from setpiece.capture import two_view
from setpiece.capture.colmap import View, verify_matches, write_database
from setpiece.capture.defaults import colmap_matches
from setpiece.capture.features import Features, FeatureSettings, extract_all
from setpiece.capture.job import Job
from setpiece.capture.lenses import lenses_of
from setpiece.capture.mapping import quiet
from setpiece.capture.mask import colmap_masks, mask_file
from setpiece.capture.matching import Pair, match_pairs
from setpiece.capture.pairs import choose_pairs

CAMERA_MODEL = "SIMPLE_RADIAL"  # while mapping; refine.py goes on from there
VERIFIED = "verified.db"  # COLMAP's database of all verified matches


@dataclass(frozen=True)
class Matched:
    """Features and verified pairs of all frames."""

    features: list[Features]
    geometries: dict[Pair, Any]
    work: Path  # a folder for what is made of them
    pairs: int
    chosen_by: str  # how the pairs were chosen (`choose_pairs`)


def match_frames(
    job: Job,
    work: Path,
    settings: FeatureSettings,
    before: Matched | None = None,
    left_over: set[int] | None = None,
) -> Matched:
    """Features and verified pairs; where there were some `before`, new ones only around frames `left_over`.

    Those are compared with twice as many others.
    """
    frames, options, threads = job.frames, job.options, job.threads
    started = time.monotonic()
    chosen = list(range(len(frames)))
    if before and left_over:
        chosen = worth_a_closer_look(before, left_over, options.window)
    found = extract_all(
        [job.folder / frames[i].name for i in chosen],
        settings,
        work / "features",
        threads,
        job.progress,
        job.shelf,
        [mask_file(frames[i], job.folder) for i in chosen],
    )
    features = list(before.features) if before else list(found)
    for i, one in zip(chosen, found, strict=True):
        features[i] = one
    job.clock.add("features", started)
    started = time.monotonic()
    stations = job.stations.of
    pairs, chosen_by = choose_pairs(features, options.neighbours, options.window, threads, chosen, stations)
    if left_over:
        wider, _ = choose_pairs(
            features, 2 * options.neighbours, 2 * options.window, threads, left_over, stations
        )
        pairs = sorted({*pairs, *wider})
    job.clock.add("pairs", started)
    started = time.monotonic()
    matches = match_pairs(features, pairs, threads, job.progress)
    job.clock.add("matching", started)
    started = time.monotonic()
    geometries = _verify(job, features, matches, work)
    kept = before.geometries if before else {}
    geometries |= {(i, j): g for (i, j), g in kept.items() if i not in chosen and j not in chosen}
    job.clock.add("verification", started)
    return Matched(features, dict(sorted(geometries.items())), work, len(pairs), chosen_by)


def worth_a_closer_look(matched: Matched, left_over: set[int], window: int) -> list[int]:
    """The frames left over, those that match them, and those taken shortly before and after."""
    near = {i + k for i in left_over for k in range(-window, window + 1)} & set(range(len(matched.features)))
    return sorted(near | {i for pair in matched.geometries if left_over & set(pair) for i in pair})


def match_by_defaults(job: Job, work: Path) -> Matched:
    """Features and verified pairs as COLMAP's defaults give them."""
    work.mkdir(parents=True, exist_ok=True)
    masks = colmap_masks(job.frames, job.folder, work)
    started = time.monotonic()
    with job.progress.task("finding and matching features with COLMAP", 1) as task:
        features, geometries, pairs = colmap_matches(
            job.folder, job.names, work, job.options.seed, job.threads, masks
        )
        task.advance()
    job.clock.add("defaults", started)
    return Matched(features, geometries, work, pairs, "exhaustive")


def _verify(
    job: Job, features: Sequence[Features], matches: Mapping[Pair, NDArray[np.uint32]], work: Path
) -> dict[Pair, Any]:
    seed, threads = job.options.seed, job.threads
    if two_view.AVAILABLE:
        verified = two_view.verify_pairs(features, matches, seed, threads)
        return {pair: two_view.to_colmap(found) for pair, found in verified.items()}
    lenses, lens_of = lenses_of(job.frames)
    views = views_of(job.names, lens_of, features, job.stations.of)
    write_database(work / VERIFIED, lenses, views, CAMERA_MODEL)
    with quiet():
        return verify_matches(work / VERIFIED, matches, seed, threads)


def views_of(
    names: Sequence[str], lens_of: list[int], features: Sequence[Features], station_of: Sequence[int]
) -> list[View]:
    """The frames as COLMAP sees them."""
    rows = zip(names, lens_of, features, station_of, strict=True)
    return [View(name, lens, x.keypoints, station) for name, lens, x, station in rows]
