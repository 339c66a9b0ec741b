"""The poses stage: checked frames become undistorted pictures with cameras in an upright world."""

from __future__ import annotations

import shutil
import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from setpiece.atomic import atomic_folder
from setpiece.cameras import Camera
from setpiece.capture.attempt import Attempt
from setpiece.capture.connected import connected
from setpiece.capture.frames import FRAMES_FOLDER, MASKS_FOLDER, CapturedFrame, read_frames
from setpiece.capture.grey import GreyShelf
from setpiece.capture.job import Clock, Job
from setpiece.capture.ladder import WALK, climb
from setpiece.capture.mask import mask_file
from setpiece.capture.model import Model
from setpiece.capture.options import PoseOptions
from setpiece.capture.photometric import with_photometry
from setpiece.capture.reasons import FEW_FEATURES, why_left_out
from setpiece.capture.scale.automatic import automatic_scales
from setpiece.capture.scale.known import Posed, frame_facts, scale_json, scale_of, scale_said
from setpiece.capture.scale.measured import read_measurements
from setpiece.capture.scale.posed_photos import posed_photos
from setpiece.capture.split import held_out
from setpiece.capture.stations import Stations
from setpiece.capture.tearing import doubted
from setpiece.capture.undistort import Undistorter, UndistortJob, undistort_all
from setpiece.capture.upright import upright
from setpiece.capture.world import set_world
from setpiece.errors import PoseError
from setpiece.posed import PosedFrame, PosedFrames, SparsePoints, write_posed_frames
from setpiece.progress import Progress
from setpiece.setfolder import SetFolder
from setpiece.threads import thread_count

WORK_FOLDER = ".poses-work"  # in capture/: features and databases of a run that has not ended
IMAGES_FOLDER = "images"
SPARSE_FOLDER = "sparse"
FEWEST_PLACED = 3
LOW_PARALLAX_DEG = 3.0
FOCAL_MISMATCH = 0.15  # of the expected focal length


def estimate_poses(
    target: SetFolder, options: PoseOptions, progress: Progress, shelf: GreyShelf | None = None
) -> dict[str, Any]:
    """Estimate the poses of the frames in `capture/` and write `poses/`; returns what the report needs.

    Frames whose decoded picture is on the shelf are not decoded again.

    The result has `frames_posed` (a panorama counts once), `panoramas` of them, their `views`, `points`,
    `mean_error_px`, `models` (frames in each), `left_out` (name and reason), `up_source`, `up_error_deg`,
    `floor`, `seconds` (per step), `cameras` (focal length in pixels and as 35 mm equivalent, distortion,
    frames), `method`, `pairs`, `scale`, `parallax_deg`, `agreement` (share of the verified
    matches that agree with the cameras) and `warnings`. Raises PoseError when fewer than half
    of the photos, or fewer than three, can be placed together.
    """
    clock = Clock()
    frames = read_frames(target.capture)
    folder = target.capture / FRAMES_FOLDER
    work = target.capture / WORK_FOLDER
    try:
        job = Job(frames, folder, work, options, progress, clock, shelf)
        attempt = climb(job)[0]
        started = time.monotonic()
        doubts = doubted(job, attempt)
        attempt = doubts.attempt
        clock.add("doubts", started)
        _check_enough(frames, attempt)
    except PoseError:  # other photos are needed: what was worked out for these is of no more use
        shutil.rmtree(work, ignore_errors=True)
        raise
    left_out = why_left_out(frames, attempt.matched.features, attempt.matched.geometries, attempt.models)
    reconstruction = attempt.largest
    assert reconstruction is not None
    model = attempt.model or Model.of(reconstruction)
    cameras = _camera_summaries(reconstruction, frames, model)
    warnings = [*doubts.warnings, *_warnings(frames, attempt, model, doubts.torn), *_focal_warnings(cameras)]
    for text in warnings:
        progress.warning(text)
    started = time.monotonic()
    world = upright(
        model,
        [frames[n].gravity_in_cam for n in model.frames],
        [
            (folder / frames[n].name, reconstruction.image(n + 1).camera, mask_file(frames[n], folder))
            for n in model.frames
        ],
        thread_count(options.threads),
        options.seed,
        shelf,
    )
    for text in world.contradictions:
        progress.warning(text)
        warnings.append(text)
    floor, up_error = world.floor_height is not None, _rounded(world.error_deg)
    colmap_cameras = [_pose_only(p) for p in model.cam_from_world]
    world_from_colmap = set_world(world, colmap_cameras, model.points, model.median_depth)
    clock.add("upright", started)
    started = time.monotonic()
    posed_set = Posed(posed_photos(frames, reconstruction), reconstruction, world_from_colmap, floor)
    automatic = automatic_scales(
        posed_set.photos,
        folder,
        world.up,
        options.marker_size_mm,
        thread_count(options.threads),
        progress,
        shelf,
    )
    scale, unused = scale_of(posed_set, automatic, read_measurements(target.path))
    for text in scale_said(scale, unused, progress):
        warnings.append(text)
    clock.add("scale", started)
    if scale is not None:
        grown = scale.metres_per_unit / posed_set.size
        world_from_colmap = np.diag([grown, grown, grown, 1.0]) @ world_from_colmap
    with atomic_folder(target.poses) as output:
        started = time.monotonic()
        posed = _undistort(
            frames, model, reconstruction, world_from_colmap, folder, output, target, options, progress
        )
        (output / SPARSE_FOLDER).mkdir()
        reconstruction.write(str(output / SPARSE_FOLDER))
        clock.add("undistortion", started)
        extra = {
            "world_from_colmap": world_from_colmap.tolist(),
            "scale_known": scale is not None,
            "scale": scale_json(scale, automatic),
            "upright": True,
            "up_source": world.source,
            "up_error_deg": up_error,
            "floor": floor,
            "models": [[frames[i].name for i in sorted(m)] for m in attempt.models],
            "left_out": [{"name": x.name, "reason": x.reason} for x in left_out],
            "warnings": warnings,
        }
        write_posed_frames(output, posed, extra)
    known = {"upright": True, "up_source": world.source, "up_error_deg": up_error, "floor": floor}
    target.update_frame(**known, **frame_facts(scale))
    shutil.rmtree(work, ignore_errors=True)
    return {
        **_counts(Stations.of_frames(frames), frames, model.frames),
        "points": len(model.points),
        "mean_error_px": round(float(reconstruction.compute_mean_reprojection_error()), 4),
        "models": [len(m) for m in attempt.models],
        "left_out": extra["left_out"],
        "up_source": world.source,
        "up_error_deg": up_error,
        "floor": floor,
        "seconds": clock.seconds,
        "cameras": cameras,
        "method": attempt.method.value,
        "pairs": {
            "chosen_by": attempt.matched.chosen_by,
            "matched": attempt.matched.pairs,
            "verified": len(attempt.matched.geometries),
        },
        "scale": frame_facts(scale),
        "parallax_deg": round(model.parallax_deg(), 2),
        "agreement": doubts.share,
        "warnings": warnings,
    }


def _check_enough(frames: Sequence[CapturedFrame], attempt: Attempt) -> None:
    stations = Stations.of_frames(frames)
    sizes = [stations.among(m) for m in attempt.models]
    placed, given = sizes[0] if sizes else 0, stations.count
    if placed >= FEWEST_PLACED and 2 * placed >= given:
        return
    if placed >= FEWEST_PLACED and len(sizes) > 1:
        groups = ", ".join(str(n) for n in sizes)
        raise PoseError(
            f"the {given} photos fall into groups that show different places or do not overlap "
            f"({groups} photos placed in each). Build a set from the photos of one place, "
            "or take more between the groups."
        )
    found = [sum(attempt.matched.features[i].count for i in members) for members in stations.members]
    bare = sum(count < FEW_FEATURES for count in found)
    if 2 * bare > given:
        raise PoseError(
            f"only {placed} of {given} photos could be placed: {bare} show too little detail. "
            "Take sharp, well lit photos of things with texture; "
            "bare walls, glass and sky alone give nothing to hold on to."
        )
    raise PoseError(f"only {placed} of {given} photos could be placed: they overlap too little. {WALK}")


def _warnings(
    frames: Sequence[CapturedFrame], attempt: Attempt, model: Model, said: Collection[int]
) -> list[str]:
    warnings = []
    stations = Stations.of_frames(frames)
    name = stations.names(frames)
    placed = [{stations.of[i] for i in model_frames} for model_frames in attempt.models]
    over = set(range(stations.count)) - placed[0] - {stations.of[i] for i in said}
    links = [(stations.of[i], stations.of[j]) for i, j in attempt.matched.geometries]
    placed_together = [(i, j) for other in placed[1:] for i in other for j in other if i < j]
    for group in connected([*links, *placed_together], over):
        apart = sorted(group)
        if len(apart) >= 2:
            names = ", ".join(name[i] for i in apart[:8]) + (" ..." if len(apart) > 8 else "")
            warnings.append(
                f"{len(apart)} photos show another place, or nothing that the others show, and are not used: "
                f"{names}. Make a set of their own from them, or take photos in between."
            )
    parallax = model.parallax_deg()
    if parallax < LOW_PARALLAX_DEG:
        warnings.append(
            "the photos were taken from nearly the same spot (rays to a point differ by "
            f"{parallax:.1f} degrees): depth is uncertain. {WALK}"
        )
    return warnings


def _focal_warnings(cameras: list[dict[str, Any]]) -> list[str]:
    warnings = []
    for c in cameras:
        expected = c["focal_expected_px"]
        if expected and abs(c["focal_px"] / expected - 1) > FOCAL_MISMATCH:
            warnings.append(
                f"the {c['frames']} photos of {c['width']}x{c['height']} fit a focal length of "
                f"{c['focal_px']:.0f} pixels, but their metadata ({c['focal_source']}) promises "
                f"{expected:.0f}: they may have been cropped or scaled, "
                "or the poses are stretched along the view."
            )
    return warnings


def _counts(stations: Stations, frames: Sequence[CapturedFrame], posed: list[int]) -> dict[str, int]:
    views = [n for n in posed if frames[n].rig]
    return {
        "frames_posed": stations.among(posed),
        "panoramas": stations.among(views),
        "views": len(views),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _pose_only(cam_from_world: np.ndarray[Any, Any]) -> Camera:
    return Camera(1, 1, 1.0, 1.0, 0.5, 0.5, cam_from_world)


def _undistort(
    frames: Sequence[CapturedFrame],
    model: Model,
    reconstruction: Any,
    world_from_colmap: np.ndarray[Any, Any],
    folder: Path,
    output: Path,
    target: SetFolder,
    options: PoseOptions,
    progress: Progress,
) -> PosedFrames:
    (output / IMAGES_FOLDER).mkdir()
    (output / MASKS_FOLDER).mkdir()
    undistorters: dict[int, Undistorter] = {}
    stations = Stations.of_frames([frames[n] for n in model.frames])  # a panorama is kept from training whole
    kept = held_out(stations.count, options.held_out_every)
    jobs, posed = [], []
    for position, number in enumerate(model.frames):
        frame = frames[number]
        camera_id = reconstruction.image(number + 1).camera_id
        if camera_id not in undistorters:
            undistorters[camera_id] = Undistorter.of(reconstruction.camera(camera_id), options.image_side)
        undistorter = undistorters[camera_id]
        colmap_camera = replace(undistorter.pinhole, cam_from_world=model.cam_from_world[position])
        samples = colmap_camera.project(model.points[model.seen[position]])[:, :2]
        mask = mask_file(frame, folder)
        jobs.append(
            UndistortJob(
                folder / frame.name,
                undistorter,
                output / IMAGES_FOLDER / frame.name,
                samples,
                mask,
                output / MASKS_FOLDER / mask.name if mask else None,
            )
        )
        posed.append(
            PosedFrame(
                name=frame.name,
                image=f"{target.poses.name}/{IMAGES_FOLDER}/{frame.name}",
                mask=f"{target.poses.name}/{MASKS_FOLDER}/{mask.name}" if mask else None,
                camera=colmap_camera.transformed(world_from_colmap),
                split="test" if stations.of[position] in kept else "train",
                order=frame.order,
                instant=frame.rig.instant if frame.rig else None,
            )
        )
    samples_of = undistort_all(jobs, thread_count(options.threads), progress)
    posed, colours = with_photometry(posed, frames, model, reconstruction, jobs, samples_of)
    total = np.zeros((len(model.points), 3))
    for rows, found in zip(model.seen, colours, strict=True):
        total[rows] += found  # rows are unique within a frame
    views = np.bincount(np.concatenate(model.seen), minlength=len(model.points))
    in_world = model.points @ world_from_colmap[:3, :3].T + world_from_colmap[:3, 3]
    points = SparsePoints(
        points_in_world=in_world.astype(np.float32),
        rgb=np.clip(np.round(total / np.maximum(views, 1)[:, None]), 0, 255).astype(np.uint8),
        error_px=model.error_px,
        track_length=model.track_length,
    )
    return PosedFrames(tuple(posed), points)


def _camera_summaries(
    reconstruction: Any, frames: Sequence[CapturedFrame], model: Model
) -> list[dict[str, Any]]:
    summaries: list[dict[str, Any]] = []
    for camera_id, camera in sorted(reconstruction.cameras.items()):
        used = [n for n in model.frames if reconstruction.image(n + 1).camera_id == camera_id]
        if not used:
            continue
        first = frames[used[0]]
        if first.rig and any(s["lens"] == first.lens and s["width"] == camera.width for s in summaries):
            continue  # one line for all views of a kind of panorama
        focal = float(camera.mean_focal_length())
        summaries.append(
            {
                "make": first.make,
                "model": first.model,
                "lens": first.lens,
                "frames": len(used),
                "panoramas": first.rig is not None,
                "width": camera.width,
                "height": camera.height,
                "focal_px": round(focal, 2),
                "focal_35_mm": round(focal / np.hypot(camera.width, camera.height) * np.hypot(36, 24), 1),
                "focal_expected_px": round(first.focal_px, 2) if first.focal_px else None,
                "focal_source": first.focal_source,
                "distortion": [float(p) for p in camera.params[3:]],
            }
        )
    return summaries
