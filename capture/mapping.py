"""From verified matches to camera poses and points with pycolmap's mappers."""

from __future__ import annotations

import contextlib
import enum
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pycolmap

from setpiece.capture.colmap import write_geometries
from setpiece.capture.matching import Pair

SKELETON_INLIERS = 120  # per pair; enough for poses, and bundle adjustments stay short


class Method(enum.Enum):
    """How poses are found."""

    PRIORS = "priors"  # no mapping: the poses that came with the photos
    SKELETON = "skeleton"  # incremental, few matches per pair, short bundle adjustments
    FORWARD = "forward"  # incremental with few matches, for a camera that moves along its view
    INCREMENTAL = "incremental"  # COLMAP's incremental mapper with a looser start
    DEFAULTS = "defaults"  # COLMAP's incremental mapper as it comes
    GLOBAL = "global"  # COLMAP's global mapper (GLOMAP)


@dataclass(frozen=True)
class MapperSettings:
    """What one attempt at mapping goes by."""

    method: Method
    refine_focal: bool
    seed: int
    threads: int
    known_cameras: frozenset[int] = frozenset()  # camera ids whose intrinsics stay


def map_cameras(
    database: Path, geometries: Mapping[Pair, Any], work: Path, settings: MapperSettings
) -> list[Any]:
    """The models (pycolmap.Reconstruction) of one attempt, most registered frames first.

    `database` has cameras, images and keypoints but no two-view geometries when the method is SKELETON;
    they are written into it here. `work` is a folder for pycolmap to write into.
    """
    limit = SKELETON_INLIERS if settings.method in (Method.SKELETON, Method.FORWARD) else None
    write_geometries(database, geometries, limit)
    output = work / "models"
    output.mkdir(exist_ok=True)
    pictures = work / "none"  # pycolmap wants a folder of pictures; an empty one keeps it from decoding any
    pictures.mkdir(exist_ok=True)
    with quiet():
        if settings.method is Method.GLOBAL:
            models = pycolmap.global_mapping(
                str(database), str(pictures), str(output), options=_global_options(settings)
            )
        else:
            models = pycolmap.incremental_mapping(
                str(database), str(pictures), str(output), options=_incremental_options(settings)
            )
    return sorted(models.values(), key=lambda m: (-m.num_reg_images(), -m.num_points3D()))


def _incremental_options(settings: MapperSettings) -> Any:
    options = pycolmap.IncrementalPipelineOptions()
    options.extract_colors = False
    options.min_model_size = 3
    options.random_seed = settings.seed
    options.mapper.random_seed = settings.seed
    options.triangulation.random_seed = settings.seed
    options.num_threads = settings.threads
    options.ba_refine_focal_length = settings.refine_focal
    options.ba_refine_sensor_from_rig = False
    options.constant_cameras = set(settings.known_cameras)
    if settings.method is Method.DEFAULTS:
        return options
    if settings.method in (Method.SKELETON, Method.FORWARD):
        options.ba_local_max_num_iterations = 10
        options.ba_local_max_refinements = 1
        options.ba_global_max_num_iterations = 15
        options.ba_global_max_refinements = 1
        options.ba_global_frames_ratio = 1.4
        options.ba_global_points_ratio = 1.4
        options.mapper.ba_global_ignore_redundant_points3D = True
    if settings.method in (Method.FORWARD, Method.INCREMENTAL):
        options.mapper.init_min_tri_angle = 4.0
        options.ba_refine_extra_params = False
    if settings.method is Method.FORWARD:
        options.mapper.init_max_forward_motion = 1.0
        options.mapper.abs_pose_min_num_inliers = 15
    return options


def _global_options(settings: MapperSettings) -> Any:
    options = pycolmap.GlobalPipelineOptions()
    options.random_seed = settings.seed
    options.num_threads = settings.threads
    options.mapper.random_seed = settings.seed
    options.mapper.rotation_averaging.random_seed = settings.seed
    options.mapper.global_positioning.random_seed = settings.seed
    options.mapper.refine_sensor_from_rig = False
    options.mapper.bundle_adjustment.refine_focal_length = settings.refine_focal
    return options


def triangulate(model: Any, database: Path, work: Path, settings: MapperSettings) -> Any:
    """The model with points triangulated anew from every verified match in `database`, poses kept."""
    options = pycolmap.IncrementalPipelineOptions()
    options.extract_colors = False
    options.random_seed = settings.seed
    options.triangulation.random_seed = settings.seed
    options.num_threads = settings.threads
    output, pictures = work / "triangulated", work / "none"
    output.mkdir(exist_ok=True)
    pictures.mkdir(exist_ok=True)
    with quiet():
        return pycolmap.triangulate_points(
            model, str(database), str(pictures), str(output), clear_points=True, options=options
        )


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """COLMAP logs nothing below errors inside the block, unless SETPIECE_COLMAP_LOG is set."""
    before = pycolmap.logging.minloglevel, pycolmap.logging.alsologtostderr
    if not os.environ.get("SETPIECE_COLMAP_LOG"):
        pycolmap.logging.minloglevel = 3
        pycolmap.logging.alsologtostderr = False
    try:
        yield
    finally:
        pycolmap.logging.minloglevel, pycolmap.logging.alsologtostderr = before
