"""One attempt at finding the poses: mapping by a method, then triangulation and refinement of its cameras."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from setpiece.capture import scene
from setpiece.capture.ceres import refine_with_ceres
from setpiece.capture.colmap import Lens, write_database, write_geometries
from setpiece.capture.job import Job
from setpiece.capture.mapping import SKELETON_INLIERS, MapperSettings, Method, map_cameras, triangulate
from setpiece.capture.matched import CAMERA_MODEL, VERIFIED, Matched, views_of
from setpiece.capture.model import Model
from setpiece.capture.priors import scene_of_priors
from setpiece.capture.reconstruction import bare_reconstruction, reconstruction_of, scene_of
from setpiece.capture.refine import refine, triangulate_roughly
from setpiece.capture.scene import Matches, Scene
from setpiece.capture.skeleton import map_skeleton
from setpiece.capture.support import supported_groups

REPEATABLE_UP_TO = 200  # photos; above, speed counts more than equality to the last bit

Mapped = tuple[Scene, Any]  # cameras, and the same as a pycolmap.Reconstruction
Refined = tuple[Any | None, Model | None, list[set[int]]]  # model, its arrays, and the groups left out


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


def attempt(job: Job, lenses: list[Lens], lens_of: list[int], matched: Matched, method: Method) -> Attempt:
    """What a method makes of the matches."""
    work = matched.work / method.value
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    find = _FINDERS.get(method, _pycolmap_models) if scene.AVAILABLE else _pycolmap_models
    started = time.monotonic()
    with job.progress.task(f"placing photos ({method.value})", 1) as task:
        try:
            models = find(job, lenses, lens_of, matched, method, work)
        except (RuntimeError, ValueError) as error:  # COLMAP gave up; another method may not
            job.progress.line(f"COLMAP's {method.value} mapping failed: {error}")
            models = []
        task.advance()
    job.clock.add("mapping", started)
    if not models:
        return Attempt(method, matched, None, [])
    others = [set(cameras.frames) for cameras, _ in models[1:]]
    started = time.monotonic()
    refining = _refine
    if not scene.AVAILABLE:
        refining = _refine_with_ceres
        views = views_of(job.names, lens_of, matched.features, job.stations.of)
        write_database(work / VERIFIED, lenses, views, CAMERA_MODEL)
        write_geometries(work / VERIFIED, matched.geometries, None)
    with job.progress.task("refining", 2) as task:
        largest, model, apart = refining(job, models[0], matched, lenses, work, task.advance)
    job.clock.add("refinement", started)
    if largest is None:
        return Attempt(method, matched, None, others)
    sets = [{i - 1 for i in largest.reg_image_ids()}]
    return Attempt(method, matched, largest, sets + sorted(others + apart, key=len, reverse=True), model)


def _skeleton(
    job: Job, lenses: list[Lens], lens_of: list[int], matched: Matched, method: Method, work: Path
) -> list[Mapped]:
    keypoints = [f.keypoints for f in matched.features]
    scenes = map_skeleton(
        keypoints,
        matched.geometries,
        lenses,
        lens_of,
        SKELETON_INLIERS,
        job.options.seed,
        job.threads,
        job.stations.of,
    )
    return [(found, bare_reconstruction(found, lenses, lens_of, job.names)) for found in scenes]


def _given(
    job: Job, lenses: list[Lens], lens_of: list[int], matched: Matched, method: Method, work: Path
) -> list[Mapped]:
    found = scene_of_priors(job.frames, lenses, lens_of, matched, job.threads)
    return [(found, bare_reconstruction(found, lenses, lens_of, job.names))] if found is not None else []


_FINDERS = {Method.SKELETON: _skeleton, Method.PRIORS: _given}


def _pycolmap_models(
    job: Job, lenses: list[Lens], lens_of: list[int], matched: Matched, method: Method, work: Path
) -> list[Mapped]:
    database = work / "mapping.db"
    stations = job.stations.of
    write_database(database, lenses, views_of(job.names, lens_of, matched.features, stations), CAMERA_MODEL)
    settings = _mapper_settings(job, method, lenses)
    models = map_cameras(database, matched.geometries, work, settings)
    return [(scene_of(model, lenses, stations), model) for model in models]


def _mapper_settings(job: Job, method: Method, lenses: list[Lens]) -> MapperSettings:
    # Ceres adds up in the order in which threads finish: one thread gives the same poses every time
    threads = 1 if len(job.frames) <= REPEATABLE_UP_TO else job.threads
    known = frozenset(n + 1 for n, lens in enumerate(lenses) if lens.cam_from_rig is not None)
    return MapperSettings(method, len(known) < len(lenses), job.options.seed, threads, known)


def _refine(
    job: Job,
    mapped: Mapped,
    matched: Matched,
    lenses: list[Lens],
    work: Path,
    advance: Callable[[], None],
) -> Refined:
    cameras, base = mapped
    keypoints = [f.keypoints for f in matched.features]
    matches = Matches.of(cameras.frames, keypoints, matched.geometries)
    rough, apart = _supported_part(triangulate_roughly(cameras, matches, job.threads))
    advance()
    if len(rough.frames) < 2:
        return None, None, []
    if len(rough.frames) < len(cameras.frames):
        matches = Matches.of(rough.frames, keypoints, matched.geometries)
    used = sorted({base.image(n + 1).camera_id for n in rough.frames})
    refined, second_term = refine(rough, matches, [lenses[i - 1] for i in used], job.threads)
    refined, more = _supported_part(refined)
    advance()
    reconstruction = reconstruction_of(base, refined, keypoints, second_term, work)
    return reconstruction, Model.of_scene(refined), apart + more


def _supported_part(whole: Scene) -> tuple[Scene, list[set[int]]]:
    """The scene without the frames that do not hold together with most, and the groups these make."""
    stations = whole.rigs.station.tolist() if whole.rigs else None
    groups = supported_groups(Model.of_scene(whole), stations=stations)
    kept = groups[0] if groups else []
    apart = [{whole.frames[p] for p in group} for group in groups[1:]]
    return whole.of_frames(kept), apart


def _refine_with_ceres(
    job: Job,
    mapped: Mapped,
    matched: Matched,
    lenses: list[Lens],
    work: Path,
    advance: Callable[[], None],
) -> Refined:
    settings, stations = _mapper_settings(job, Method.SKELETON, lenses), job.stations.of
    largest, apart = _only_supported(triangulate(mapped[1], work / VERIFIED, work, settings), stations)
    advance()
    if largest.num_reg_images() < 2:
        return None, None, []
    largest, more = _only_supported(refine_with_ceres(largest, settings), stations)
    advance()
    return largest, None, apart + more


def _only_supported(reconstruction: Any, station_of: Sequence[int]) -> tuple[Any, list[set[int]]]:
    """The model without the frames that do not hold together with most, and the groups these make."""
    model = Model.of(reconstruction)
    stations = [station_of[n] for n in model.frames]
    groups = [{model.frames[p] for p in group} for group in supported_groups(model, stations=stations)]
    kept = groups[0] if groups else set()
    for number in model.frames:
        if number not in kept and reconstruction.image(number + 1).has_pose:
            reconstruction.deregister_frame(reconstruction.image(number + 1).frame_id)
    return reconstruction, groups[1:]
