"""360 panoramas from pictures to a trained set: poses against the truth, and renders that training never saw.

    python bench/panoramas.py                                  # the demo's 360 walk, with its truth
    python bench/panoramas.py --folder FOLDER --count 12        # more panoramas; keep what is made
    python bench/panoramas.py ../shared/data/openmvg_360_flat_half/images
    python bench/panoramas.py --poses-only --json panoramas.json

Camera errors are those of the panoramas, after the best similarity between estimated and true centres:
distances of the centres in percent of the walk's extent (the largest distance between two true centres),
rotations in degrees after removing one constant rotation. Held-out scores are means over the views of whole
panoramas that training never saw.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from setpiece.axes import rotation_from_quat
from setpiece.capture.align import pose_errors
from setpiece.capture.demo import DemoOptions, make_demo
from setpiece.capture.demo.truth import read_truth
from setpiece.capture.frames import read_frames
from setpiece.capture.options import CaptureOptions, PoseOptions
from setpiece.pipeline import BuildOptions, build
from setpiece.posed import read_posed_frames
from setpiece.progress import SilentProgress
from setpiece.reconstruct.options import Quality, TrainOptions
from setpiece.setfolder import SetFolder
from setpiece.stage import stage_record

STAGES = ("capture", "poses", "train")
Poses = dict[str, Any]  # cam_from_world [4, 4] of panoramas by file name


def panorama_poses(target: SetFolder) -> tuple[Poses, float]:
    """Where the panoramas of a set stand, and how far their views are from being rigid (degrees)."""
    frames = {f.name: f for f in read_frames(target.capture)}
    found: dict[str, list[Any]] = {}
    for posed in read_posed_frames(target.poses).frames:
        rig = frames[posed.name].rig
        if rig is None:
            continue
        rig_from_cam = np.eye(4)
        rig_from_cam[:3, :3] = rotation_from_quat(np.array(rig.cam_from_rig)).T
        found.setdefault(frames[posed.name].source, []).append(rig_from_cam @ posed.camera.cam_from_world)
    bent = max(np.abs(np.array(p)[:, :3, :3] - p[0][:3, :3]).max() for p in found.values())
    return {name: poses[0] for name, poses in found.items()}, float(np.degrees(bent))


def against(poses: Poses, truth: Poses) -> dict[str, Any]:
    """Errors of the panoramas' cameras."""
    names = sorted(set(poses) & set(truth))
    errors = pose_errors(np.array([poses[n] for n in names]), np.array([truth[n] for n in names]))
    percent = 100 * errors.centre / errors.extent
    return {
        "extent_m": round(errors.extent, 3),
        "centre_percent": {
            "rms": round(float(np.sqrt((percent**2).mean())), 4),
            "max": round(float(percent.max()), 4),
        },
        "rotation_deg": {
            "median": round(float(np.median(errors.rotation_deg)), 4),
            "max": round(float(errors.rotation_deg.max()), 4),
        },
    }


def measure(
    panoramas: Path, folder: Path, truth: Poses, options: BuildOptions, train: bool
) -> dict[str, Any]:
    """Build a set of the panoramas and say what came out."""
    if train:
        target = build(panoramas, folder / "set", options)
    else:
        from setpiece.capture.estimate import estimate_poses
        from setpiece.capture.ingest import ingest
        from setpiece.capture.sources import find_sources
        from setpiece.stage import run_stage

        target = SetFolder.create(folder / "poses-only")
        sources, silent = find_sources(panoramas), SilentProgress()
        run_stage(
            target,
            "capture",
            options.capture,
            "",
            lambda: ingest(target, sources, options.capture, silent),
            (),
        )
        run_stage(
            target, "poses", options.poses, "", lambda: estimate_poses(target, options.poses, silent), ()
        )
    records = {name: stage_record(target, name) or {} for name in STAGES}
    capture, poses, training = (records[name].get("result", {}) for name in STAGES)
    stood, bent = panorama_poses(target)
    return {
        "panoramas": capture["panoramas"],
        "posed": poses["panoramas"],
        "views": poses["views"],
        "mean_error_px": poses["mean_error_px"],
        "points": poses["points"],
        "up": [poses["up_source"], poses["up_error_deg"], poses["floor"]],
        "rig_bent_deg": bent,
        "seconds": {name: record.get("seconds") for name, record in records.items()},
        "steps": poses["seconds"],
        "held_out": {k: training.get(k) for k in ("test_panoramas", "test_views", "psnr", "ssim", "splats")},
        **(against(stood, truth) if truth else {}),
    }


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("panoramas", type=Path, nargs="?", help="folder of panoramas; default: the demo's")
    parser.add_argument(
        "--count", type=int, default=6, help="panoramas of the demo (default: 6, as it comes)"
    )
    parser.add_argument("--folder", type=Path, help="where the demo and the set go; default: a temporary one")
    parser.add_argument("--quality", choices=[q.value for q in Quality], default="standard")
    parser.add_argument("--poses-only", action="store_true", help="stop before training")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE")
    arguments = parser.parse_args()
    options = BuildOptions(CaptureOptions(), PoseOptions(), TrainOptions(quality=Quality(arguments.quality)))
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        panoramas, truth = arguments.panoramas, {}
        if panoramas is None:
            demo = make_demo(folder / "demo", replace(DemoOptions(), photos=1, panoramas=arguments.count))
            panoramas, truth = demo.panorama_folder, read_truth(demo.truth_folder).panoramas
        figures = measure(panoramas, folder, truth, options, not arguments.poses_only)
    print(json.dumps(figures, indent=1))
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
