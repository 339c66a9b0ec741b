"""Attempts at finding the poses, from the quickest to the most thorough, until every photo is placed."""

from __future__ import annotations

import shutil
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from setpiece.capture import scene, two_view
from setpiece.capture.ceres import refine_with_ceres
from setpiece.capture.colmap import Lens, View, verify_matches, write_database, write_geometries
from setpiece.capture.connected import connected
from setpiece.capture.defaults import colmap_matches
from setpiece.capture.features import Features, FeatureSettings, extract_all
from setpiece.capture.forward import MOSTLY_FORWARD, forward_share
from setpiece.capture.frames import CapturedFrame
from setpiece.capture.grey import GreyShelf
from setpiece.capture.mapping import (
    SKELETON_INLIERS,
    MapperSettings,
    Method,
    map_cameras,
    quiet,
    triangulate,
)
from setpiece.capture.matching import Pair, match_pairs
from setpiece.capture.model import Model
from setpiece.capture.options import PoseOptions
from setpiece.capture.pairs import choose_pairs
from setpiece.capture.panning import turning_share
from setpiece.capture.reconstruction import bare_reconstruction, reconstruction_of, scene_of
from setpiece.capture.refine import refine, triangulate_roughly
from setpiece.capture.scene import Matches, Scene
from setpiece.capture.skeleton import map_skeleton
from setpiece.capture.support import supported_groups
from setpiece.errors import PoseError
from setpiece.progress import Progress
from setpiece.threads import thread_count

CAMERA_MODEL = "SIMPLE_RADIAL"  # while mapping; refine.py goes on from there
FINE_UP_TO = 24  # photos; up to this number FINE_FEATURES are looked for from the start
COARSE_SIDE, FINE_SIDE = 1600, 2560  # pixels
COARSE_FEATURES, FINE_FEATURES = 2048, 4096
REPEATABLE_UP_TO = 200  # photos; above, speed counts more than equality to the last bit
SOUND = 0.8  # of the photos placed: another method would not place the rest
CLEAR_INLIERS = 30  # of a pair: what COLMAP wants to place a photo by
VERIFIED = "verified.db"  # COLMAP's database of all verified matches
MOSTLY_TURNED = 0.8  # of the verified pairs
WALK = (
    "Walk around the place and take a photo at every step, "
    "each showing at least two thirds of the one before."
)
THOROUGH_CONTRAST = 0.01  # SIFT's contrast threshold on the second rung


@dataclass(frozen=True)
class Matched:
    """Features and verified pairs of all frames."""

    features: list[Features]
    geometries: dict[Pair, Any]
    work: Path  # a folder for what is made of them
    pairs: int
    chosen_by: str  # how the pairs were chosen (`choose_pairs`)


@dataclass(frozen=True)
class Attempt:
    """What one attempt gave."""

    method: Method
    matched: Matched
    largest: Any | None  # pycolmap.Reconstruction, refined; None where nothing was placed
    models: list[set[int]]  # frame numbers of each model, largest first
    model: Model | None = None  # of `largest`; None: ask it

    @property
    def placed(self) -> int:
        """How many frames the largest model has."""
        return len(self.models[0]) if self.models else 0


@dataclass
class Clock:
    """Seconds per step, summed over attempts."""

    seconds: dict[str, float] = field(default_factory=dict)

    def add(self, step: str, since: float) -> None:
        """Book the time since `since` (time.monotonic) under `step`."""
        self.seconds[step] = round(self.seconds.get(step, 0.0) + time.monotonic() - since, 3)


def climb(
    frames: Sequence[CapturedFrame],
    folder: Path,
    work: Path,
    options: PoseOptions,
    progress: Progress,
    clock: Clock,
    shelf: GreyShelf | None = None,
) -> list[Attempt]:
    """All attempts made, the best first. `folder` holds the frames' pictures, `work` is for caches."""
    lenses, lens_of = lenses_of(frames)
    quick, thorough = _feature_settings(len(frames), options)
    attempts: list[Attempt] = []

    def settled(matched: Matched) -> bool:
        return bool(attempts) and best(attempts).placed >= largest_connected(matched.geometries, len(frames))

    def attempt(matched: Matched, method: Method, lenses: list[Lens], lens_of: list[int]) -> bool:
        """Whether all photos are placed now."""
        attempts.append(_attempt(lenses, lens_of, frames, matched, method, options, progress, clock))
        return best(attempts).placed == len(frames)

    def ranked() -> list[Attempt]:
        return sorted(attempts, key=_worth, reverse=True)

    matched = _match(frames, folder, work / "quick", quick, options, progress, clock, shelf)
    _check_steps_aside(matched, lenses, lens_of)
    forward = forward_share(matched.geometries, lenses, lens_of) > MOSTLY_FORWARD
    first = (Method.SKELETON, Method.FORWARD) if forward else (Method.SKELETON,)
    for method in (*first, Method.GLOBAL):
        if attempt(matched, method, lenses, lens_of):
            return ranked()
        if settled(matched) or best(attempts).placed >= SOUND * len(frames):
            break  # but for a few: what helps is more features
    progress.line(f"{best(attempts).placed} of {len(frames)} photos placed so far; looking closer")
    over = _left_over(best(attempts))
    matched = _match(
        frames, folder, work / "closer", thorough, options, progress, clock, shelf, matched, over
    )
    for method in (*first, Method.INCREMENTAL, Method.GLOBAL):
        if settled(matched) or attempt(matched, method, lenses, lens_of):
            return ranked()
    if not _within_reach(best(attempts), matched):
        return ranked()
    progress.line(
        f"{best(attempts).placed} of {len(frames)} photos placed so far; "
        "trying COLMAP's defaults, which takes some minutes"
    )
    matched = _match_by_defaults(frames, folder, work / "defaults", options, progress, clock)
    apart = [Lens(f.width, f.height, f.focal_px, f.lens) for f in frames]  # as COLMAP starts without EXIF
    for lens_list, numbers in ((lenses, lens_of), (apart, list(range(len(frames))))):
        if settled(matched) or attempt(matched, Method.DEFAULTS, lens_list, numbers):
            break
    return ranked()


def _left_over(attempt: Attempt) -> set[int]:
    """The frames that are not placed; all, where fewer than half are."""
    everything = set(range(len(attempt.matched.features)))
    return everything - attempt.models[0] if 2 * attempt.placed >= len(everything) else everything


def _worth_a_closer_look(matched: Matched, left_over: set[int], window: int) -> list[int]:
    """The frames left over, those that match them, and those taken shortly before and after."""
    near = {i + k for i in left_over for k in range(-window, window + 1)} & set(range(len(matched.features)))
    return sorted(near | {i for pair in matched.geometries if left_over & set(pair) for i in pair})


def _within_reach(attempt: Attempt, matched: Matched) -> bool:
    """Whether a photo was left over that clearly shows what others show."""
    clear = [p for p, g in matched.geometries.items() if len(g.inlier_matches) >= CLEAR_INLIERS]
    return attempt.placed < largest_connected(clear, len(matched.features))


def _check_steps_aside(matched: Matched, lenses: list[Lens], lens_of: list[int]) -> None:
    if turning_share(matched.features, matched.geometries, lenses, lens_of) > MOSTLY_TURNED:
        raise PoseError(f"the photos were taken by turning on the spot, which shows no depth. {WALK}")


def _feature_settings(count: int, options: PoseOptions) -> tuple[FeatureSettings, FeatureSettings]:
    """For the first and the second rung: a small capture affords a closer look from the start."""
    side = options.feature_side or COARSE_SIDE
    most = options.max_features or (FINE_FEATURES if count <= FINE_UP_TO else COARSE_FEATURES)
    return FeatureSettings(side, most), FeatureSettings(
        max(side, FINE_SIDE), max(most, FINE_FEATURES), THOROUGH_CONTRAST
    )


def largest_connected(geometries: Iterable[Pair], count: int) -> int:
    """How many of `count` frames hang together through verified pairs: no mapper can place more."""
    return max(map(len, connected(geometries, range(count))))


def best(attempts: Sequence[Attempt]) -> Attempt:
    """The attempt that placed most frames."""
    return max(attempts, key=_worth)


def _worth(attempt: Attempt) -> tuple[int, int]:
    return attempt.placed, attempt.largest.num_points3D() if attempt.largest is not None else 0


def lenses_of(frames: Sequence[CapturedFrame]) -> tuple[list[Lens], list[int]]:
    """The lenses of the capture, and the number of each frame's.

    Frames of one size with the same lens text share a lens; those without metadata share one by size alone.
    """
    numbers: dict[tuple[int, int, str], int] = {}
    lens_of = [numbers.setdefault((f.width, f.height, f.lens), len(numbers)) for f in frames]
    lenses = []
    for (width, height, text), number in numbers.items():
        known = [f.focal_px for f, n in zip(frames, lens_of, strict=True) if n == number and f.focal_px]
        lenses.append(Lens(width, height, statistics.median(known) if known else None, text))
    return lenses, lens_of


def _match(
    frames: Sequence[CapturedFrame],
    folder: Path,
    work: Path,
    settings: FeatureSettings,
    options: PoseOptions,
    progress: Progress,
    clock: Clock,
    shelf: GreyShelf | None,
    before: Matched | None = None,
    left_over: set[int] | None = None,
) -> Matched:
    """Features and verified pairs; where there were some `before`, new ones only around frames `left_over`.

    Those are compared with twice as many others.
    """
    threads = thread_count(options.threads)
    started = time.monotonic()
    chosen = list(range(len(frames)))
    if before and left_over:
        chosen = _worth_a_closer_look(before, left_over, options.window)
    found = extract_all(
        [folder / frames[i].name for i in chosen], settings, work / "features", threads, progress, shelf
    )
    features = list(before.features) if before else list(found)
    for i, one in zip(chosen, found, strict=True):
        features[i] = one
    clock.add("features", started)
    started = time.monotonic()
    pairs, chosen_by = choose_pairs(features, options.neighbours, options.window, threads, chosen)
    if left_over:
        wider, _ = choose_pairs(features, 2 * options.neighbours, 2 * options.window, threads, left_over)
        pairs = sorted({*pairs, *wider})
    clock.add("pairs", started)
    started = time.monotonic()
    matches = match_pairs(features, pairs, threads, progress)
    clock.add("matching", started)
    started = time.monotonic()
    geometries = _verify(frames, features, matches, work, options)
    kept = before.geometries if before else {}
    geometries |= {(i, j): g for (i, j), g in kept.items() if i not in chosen and j not in chosen}
    clock.add("verification", started)
    return Matched(features, dict(sorted(geometries.items())), work, len(pairs), chosen_by)


def _verify(
    frames: Sequence[CapturedFrame],
    features: Sequence[Features],
    matches: Mapping[Pair, NDArray[np.uint32]],
    work: Path,
    options: PoseOptions,
) -> dict[Pair, Any]:
    threads = thread_count(options.threads)
    if two_view.AVAILABLE:
        verified = two_view.verify_pairs(features, matches, options.seed, threads)
        return {pair: two_view.to_colmap(found) for pair, found in verified.items()}
    lenses, lens_of = lenses_of(frames)
    write_database(work / VERIFIED, lenses, _views(frames, lens_of, features), CAMERA_MODEL)
    with quiet():
        return verify_matches(work / VERIFIED, matches, options.seed, threads)


def _match_by_defaults(
    frames: Sequence[CapturedFrame],
    folder: Path,
    work: Path,
    options: PoseOptions,
    progress: Progress,
    clock: Clock,
) -> Matched:
    work.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with progress.task("finding and matching features with COLMAP", 1) as task:
        features, geometries, pairs = colmap_matches(
            folder, [f.name for f in frames], work, options.seed, thread_count(options.threads)
        )
        task.advance()
    clock.add("defaults", started)
    return Matched(features, geometries, work, pairs, "exhaustive")


def _views(frames: Sequence[CapturedFrame], lens_of: list[int], features: Sequence[Features]) -> list[View]:
    return [View(f.name, lens, x.keypoints) for f, lens, x in zip(frames, lens_of, features, strict=True)]


def _attempt(
    lenses: list[Lens],
    lens_of: list[int],
    frames: Sequence[CapturedFrame],
    matched: Matched,
    method: Method,
    options: PoseOptions,
    progress: Progress,
    clock: Clock,
) -> Attempt:
    work = matched.work / method.value
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    find = _skeleton if scene.AVAILABLE and method is Method.SKELETON else _pycolmap_models
    started = time.monotonic()
    with progress.task(f"placing photos ({method.value})", 1) as task:
        try:
            models = find(lenses, lens_of, frames, matched, method, work, options)
        except (RuntimeError, ValueError) as error:  # COLMAP gave up; another method may not
            progress.line(f"COLMAP's {method.value} mapping failed: {error}")
            models = []
        task.advance()
    clock.add("mapping", started)
    if not models:
        return Attempt(method, matched, None, [])
    others = [set(cameras.frames) for cameras, _ in models[1:]]
    started = time.monotonic()
    refining = _refine
    if not scene.AVAILABLE:
        refining = _refine_with_ceres
        write_database(work / VERIFIED, lenses, _views(frames, lens_of, matched.features), CAMERA_MODEL)
        write_geometries(work / VERIFIED, matched.geometries, None)
    with progress.task("refining", 2) as task:
        largest, model, apart = refining(models[0], matched, lenses, work, options, task.advance)
    clock.add("refinement", started)
    if largest is None:
        return Attempt(method, matched, None, others)
    sets = [{i - 1 for i in largest.reg_image_ids()}]
    return Attempt(method, matched, largest, sets + sorted(others + apart, key=len, reverse=True), model)


Mapped = tuple[Scene, Any]  # cameras, and the same as a pycolmap.Reconstruction
Refined = tuple[Any | None, Model | None, list[set[int]]]  # model, its arrays, and the groups left out


def _skeleton(
    lenses: list[Lens],
    lens_of: list[int],
    frames: Sequence[CapturedFrame],
    matched: Matched,
    method: Method,
    work: Path,
    options: PoseOptions,
) -> list[Mapped]:
    keypoints = [f.keypoints for f in matched.features]
    threads = thread_count(options.threads)
    scenes = map_skeleton(
        keypoints, matched.geometries, lenses, lens_of, SKELETON_INLIERS, options.seed, threads
    )
    names = [f.name for f in frames]
    return [(found, bare_reconstruction(found, lenses, lens_of, names)) for found in scenes]


def _pycolmap_models(
    lenses: list[Lens],
    lens_of: list[int],
    frames: Sequence[CapturedFrame],
    matched: Matched,
    method: Method,
    work: Path,
    options: PoseOptions,
) -> list[Mapped]:
    database = work / "mapping.db"
    write_database(database, lenses, _views(frames, lens_of, matched.features), CAMERA_MODEL)
    settings = _mapper_settings(method, len(frames), options)
    models = map_cameras(database, matched.geometries, work, settings)
    return [(scene_of(model), model) for model in models]


def _mapper_settings(method: Method, frames: int, options: PoseOptions) -> MapperSettings:
    # Ceres adds up in the order in which threads finish: one thread gives the same poses every time
    threads = 1 if frames <= REPEATABLE_UP_TO else thread_count(options.threads)
    return MapperSettings(method, True, options.seed, threads)


def _refine(
    mapped: Mapped,
    matched: Matched,
    lenses: list[Lens],
    work: Path,
    options: PoseOptions,
    advance: Callable[[], None],
) -> Refined:
    cameras, base = mapped
    threads = thread_count(options.threads)
    keypoints = [f.keypoints for f in matched.features]
    matches = Matches.of(cameras.frames, keypoints, matched.geometries)
    rough, apart = _supported_part(triangulate_roughly(cameras, matches, threads))
    advance()
    if len(rough.frames) < 2:
        return None, None, []
    if len(rough.frames) < len(cameras.frames):
        matches = Matches.of(rough.frames, keypoints, matched.geometries)
    used = sorted({base.image(n + 1).camera_id for n in rough.frames})
    refined, second_term = refine(rough, matches, [lenses[i - 1] for i in used], threads)
    refined, more = _supported_part(refined)
    advance()
    reconstruction = reconstruction_of(base, refined, keypoints, second_term, work)
    return reconstruction, Model.of_scene(refined), apart + more


def _supported_part(whole: Scene) -> tuple[Scene, list[set[int]]]:
    """The scene without the frames that do not hold together with most, and the groups these make."""
    groups = supported_groups(Model.of_scene(whole))
    kept = groups[0] if groups else []
    apart = [{whole.frames[p] for p in group} for group in groups[1:]]
    return whole.of_frames(kept), apart


def _refine_with_ceres(
    mapped: Mapped,
    matched: Matched,
    lenses: list[Lens],
    work: Path,
    options: PoseOptions,
    advance: Callable[[], None],
) -> Refined:
    settings = _mapper_settings(Method.SKELETON, len(matched.features), options)
    largest, apart = _only_supported(triangulate(mapped[1], work / VERIFIED, work, settings))
    advance()
    if largest.num_reg_images() < 2:
        return None, None, []
    largest, more = _only_supported(refine_with_ceres(largest, settings.threads))
    advance()
    return largest, None, apart + more


def _only_supported(reconstruction: Any) -> tuple[Any, list[set[int]]]:
    """The model without the frames that do not hold together with most, and the groups these make."""
    model = Model.of(reconstruction)
    groups = [{model.frames[p] for p in group} for group in supported_groups(model)]
    kept = groups[0] if groups else set()
    for number in model.frames:
        if number not in kept:
            reconstruction.deregister_frame(reconstruction.image(number + 1).frame_id)
    return reconstruction, groups[1:]
