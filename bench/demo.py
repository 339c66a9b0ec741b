"""The sample capture through the whole pipeline, compared with its truth.

    python bench/demo.py                              # make it, build it, compare
    python bench/demo.py --folder FOLDER             # keep what is made, use what is there
    python bench/demo.py --poses-only --json demo.json

Camera errors are taken after the best similarity between the estimated and the true centres: distances of the
centres in percent of the path's extent (the largest distance between two true centres), rotations in degrees,
once after removing one constant rotation and once over all pairs of cameras. Held-out PSNR and SSIM are those
that training reports on the photos that it never saw.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from setpiece.capture.align import pose_errors
from setpiece.capture.demo import DemoCapture, DemoOptions, make_demo
from setpiece.capture.estimate import estimate_poses
from setpiece.capture.grey import GreyShelf
from setpiece.capture.ingest import ingest
from setpiece.capture.options import CaptureOptions, PoseOptions
from setpiece.capture.sources import find_sources
from setpiece.pipeline import build
from setpiece.posed import read_posed_frames
from setpiece.progress import SilentProgress
from setpiece.setfolder import SetFolder
from setpiece.stage import stage_record

STAGES = ("capture", "poses", "train", "scene")


def compare(demo: DemoCapture, target: SetFolder) -> dict[str, Any]:
    """How far the set's cameras are from the truth."""
    truth, posed = demo.truth(), read_posed_frames(target.poses)
    estimated = np.array([f.camera.cam_from_world for f in posed.frames])
    true = np.array([truth.photos[f.name].camera.cam_from_world for f in posed.frames])
    errors = pose_errors(estimated, true)
    percent = 100 * errors.centre / errors.extent
    turns = errors.rotation_deg
    return {
        "photos": len(demo.photos),
        "posed": len(posed.frames),
        "extent_m": errors.extent,
        "centre_percent": {
            "rms": float(np.sqrt((percent**2).mean())),
            "median": float(np.median(percent)),
            "max": float(percent.max()),
        },
        "rotation_deg": {"median": float(np.median(turns)), "max": float(turns.max())},
        "relative_rotation_deg": {"median": float(np.median(errors.relative_rotation_deg))},
    }


def measure(folder: Path, poses_only: bool) -> dict[str, Any]:
    """Make the capture in `folder`, build it, compare it."""
    started = time.monotonic()
    demo = make_demo(folder, DemoOptions())
    made = time.monotonic() - started
    if poses_only:
        target = SetFolder.create(folder / "poses-only")
        started = time.monotonic()
        shelf = GreyShelf()
        ingest(target, find_sources(demo.photo_folder), CaptureOptions(), SilentProgress(), shelf)
        estimate_poses(target, PoseOptions(), SilentProgress(), shelf)
        return {"capture_seconds": made, "poses_seconds": time.monotonic() - started, **compare(demo, target)}
    target = build(demo.photo_folder, folder / "set")
    records = {name: stage_record(target, name) or {} for name in STAGES}
    training = records["train"].get("result", {})
    return {
        "capture_seconds": made,
        "stage_seconds": {name: record.get("seconds") for name, record in records.items()},
        "held_out": {key: training.get(key) for key in ("psnr", "ssim")},
        **compare(demo, target),
    }


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--folder", type=Path, help="where the capture and the set go; default: a temporary one"
    )
    parser.add_argument("--poses-only", action="store_true", help="stop before training")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        figures = measure(arguments.folder or Path(temporary) / "demo", arguments.poses_only)
    print(json.dumps(figures, indent=1))
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
