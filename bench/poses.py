"""Time and accuracy of the poses of a capture, beside COLMAP's defaults in the same run.

    python bench/poses.py ../shared/data/fox/images --reference ../shared/data/fox/transforms.json

COLMAP's defaults are its SIFT, exhaustive matching and incremental mapping through pycolmap, with the cameras
that it makes by itself. "one camera" is the same features and matches with one camera shared by all photos:
the fair control for accuracy.
"""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pycolmap

from setpiece.capture.align import pose_errors
from setpiece.capture.colmap import Lens, View, open_database, verify_matches, write_database
from setpiece.capture.estimate import estimate_poses
from setpiece.capture.frames import read_frames
from setpiece.capture.grey import GreyShelf
from setpiece.capture.ingest import ingest
from setpiece.capture.mapping import quiet
from setpiece.capture.options import CaptureOptions, PoseOptions
from setpiece.capture.sources import find_sources
from setpiece.posed import read_posed_frames
from setpiece.progress import SilentProgress
from setpiece.setfolder import SetFolder

Poses = dict[str, Any]  # cam_from_world [4, 4] by file name


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("photos", type=Path, help="folder of photos")
    parser.add_argument("--reference", type=Path, help="transforms.json or reference_poses.json")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--skip-colmap", action="store_true", help="measure ours alone")
    parser.add_argument("--json", type=Path, help="write the figures there")
    arguments = parser.parse_args()
    reference = read_reference(arguments.reference) if arguments.reference else {}
    with tempfile.TemporaryDirectory() as folder:
        results = {"setpiece": ours(arguments.photos, Path(folder), arguments.threads, reference)}
        if not arguments.skip_colmap:
            results |= colmap(arguments.photos, Path(folder), arguments.threads, reference)
    report = {
        "photos": arguments.photos.as_posix(),
        "machine": platform.processor() or platform.machine(),
        "threads": arguments.threads,
        "pycolmap": pycolmap.__version__,
        "results": results,
    }
    if not arguments.skip_colmap:
        report["speedup"] = round(results["colmap"]["seconds"] / results["setpiece"]["seconds"], 2)
    for name, result in results.items():
        print(f"{name:18} {json.dumps(result)}")
    if "speedup" in report:
        print(f"speed against COLMAP's defaults: {report['speedup']}x")
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n")


def ours(photos: Path, folder: Path, threads: int, reference: Poses) -> dict[str, Any]:
    """Photos to poses.json with this project."""
    target = SetFolder.create(folder / "set")
    progress, shelf = SilentProgress(), GreyShelf()
    started = time.perf_counter()
    ingest(target, find_sources(photos), CaptureOptions(), progress, shelf)
    ingested = time.perf_counter() - started
    result = estimate_poses(target, replace(PoseOptions(), threads=threads), progress, shelf)
    seconds = time.perf_counter() - started
    sources = {f.name: f.source for f in read_frames(target.capture)}
    poses = {sources[f.name]: f.camera.cam_from_world for f in read_posed_frames(target.poses).frames}
    return {
        "seconds": round(seconds - result["seconds"]["undistortion"], 2),  # COLMAP's time has none either
        "seconds_with_pictures": round(seconds, 2),
        "steps": {"reading": round(ingested, 2), **result["seconds"]},
        "method": result["method"],
        "focal_px": [c["focal_px"] for c in result["cameras"]],
        "distortion": [c["distortion"] for c in result["cameras"]],
        "mean_error_px": result["mean_error_px"],
        "registered": result["frames_posed"],
        "points": result["points"],
        "up": [result["up_source"], result["up_error_deg"], result["floor"]],
        **against(poses, reference),
    }


def colmap(photos: Path, folder: Path, threads: int, reference: Poses) -> dict[str, Any]:
    """COLMAP's defaults, and its features and matches with one camera."""
    database = folder / "colmap.db"
    steps: dict[str, float] = {}
    extraction, matching = pycolmap.FeatureExtractionOptions(), pycolmap.FeatureMatchingOptions()
    extraction.num_threads = matching.num_threads = threads
    mapping = pycolmap.IncrementalPipelineOptions()
    mapping.num_threads = threads
    with quiet():
        started = time.perf_counter()
        pycolmap.extract_features(str(database), str(photos), extraction_options=extraction)
        steps["features"] = time.perf_counter() - started
        started = time.perf_counter()
        pycolmap.match_exhaustive(str(database), matching_options=matching)
        steps["matching"] = time.perf_counter() - started
        started = time.perf_counter()
        models = pycolmap.incremental_mapping(str(database), str(photos), str(folder), options=mapping)
        steps["mapping"] = time.perf_counter() - started
        results = {"colmap": _colmap_result(models, sum(steps.values()), steps, reference)}
        shared = _with_one_camera(database, folder / "one.db", threads)
        if shared:
            (folder / "one").mkdir()
            started = time.perf_counter()
            models = pycolmap.incremental_mapping(
                str(folder / "one.db"), str(photos), str(folder / "one"), options=mapping
            )
            mapped = time.perf_counter() - started
            results["colmap one camera"] = _colmap_result(models, mapped, {"mapping": mapped}, reference)
    return results


def _with_one_camera(source: Path, output: Path, threads: int) -> bool:
    with open_database(source) as database:
        cameras = {(c.width, c.height) for c in database.read_all_cameras()}
        if len(cameras) != 1:
            return False
        images = sorted(database.read_all_images(), key=lambda i: i.name)
        number = {image.image_id: n for n, image in enumerate(images)}
        views = [View(i.name, 0, np.asarray(database.read_keypoints(i.image_id))) for i in images]
        ids, found = database.read_all_matches()
        matches = {}
        for pair_id, rows in zip(ids, found, strict=True):
            a, b = (number[i] for i in pycolmap.pair_id_to_image_pair(pair_id))
            rows = np.asarray(rows)
            matches[(min(a, b), max(a, b))] = np.ascontiguousarray(rows if a < b else rows[:, ::-1])
    ((width, height),) = cameras
    write_database(output, [Lens(width, height, None, "")], views, "SIMPLE_RADIAL")
    verify_matches(output, matches, 0, threads, pycolmap.TwoViewGeometryOptions())
    return True


def _colmap_result(
    models: dict[int, Any], seconds: float, steps: dict[str, float], reference: Poses
) -> dict[str, Any]:
    largest = max(models.values(), key=lambda m: m.num_reg_images())
    poses = {}
    for i in largest.reg_image_ids():
        pose = np.eye(4)
        pose[:3] = largest.image(i).cam_from_world().matrix()
        poses[largest.image(i).name] = pose
    return {
        "seconds": round(seconds, 2),
        "steps": {k: round(v, 2) for k, v in steps.items()},
        "focal_px": [round(c.mean_focal_length(), 2) for c in list(largest.cameras.values())[:3]],
        "mean_error_px": round(largest.compute_mean_reprojection_error(), 4),
        "models": sorted((m.num_reg_images() for m in models.values()), reverse=True),
        "registered": largest.num_reg_images(),
        "points": largest.num_points3D(),
        **against(poses, reference),
    }


def against(poses: Poses, reference: Poses) -> dict[str, Any]:
    """Errors against the reference, in its units and in degrees."""
    names = sorted(set(poses) & set(reference))
    if len(names) < 3:
        return {}
    errors = pose_errors(np.array([poses[n] for n in names]), np.array([reference[n] for n in names]))
    return {
        "compared": len(names),
        "centre_rms": round(errors.centre_rms, 5),
        "centre_median": round(errors.centre_median, 5),
        "centre_max": round(float(errors.centre.max()), 5),
        "extent": round(errors.extent, 3),
        "rotation_median_deg": round(float(np.median(errors.rotation_deg)), 4),
        "relative_rotation_median_deg": round(float(np.median(errors.relative_rotation_deg)), 4),
    }


def read_reference(path: Path) -> Poses:
    """cam_from_world by file name from a NeRF transforms.json or a list of R and C."""
    document = json.loads(path.read_text())
    poses = {}
    if "frames" in document:  # camera-to-world in OpenGL axes: y up, z backward
        for frame in document["frames"]:
            world_from_cam = np.array(frame["transform_matrix"]) @ np.diag([1.0, -1.0, -1.0, 1.0])
            poses[Path(frame["file_path"]).name] = np.linalg.inv(world_from_cam)
    else:
        for image in document["images"]:
            pose = np.eye(4)
            pose[:3, :3] = np.array(image["R_world_to_cam"])
            pose[:3, 3] = -pose[:3, :3] @ np.array(image["C"])
            poses[image["name"]] = pose
    return poses


if __name__ == "__main__":
    main()
