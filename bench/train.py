"""Time to quality of training on a posed set, and where the time of an iteration goes.

    python bench/train.py SET --threads 2 --json result.json
    python bench/train.py SET --validate          # held-out photos are taken from the training photos
    python bench/train.py SET --hold-out 0003.jpg --hold-out 0007.jpg     # these, and no others

SET is only read: training runs in a copy of its poses. Loading and evaluation are not counted as training.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from setpiece.posed import PosedFrames, read_posed_frames, write_posed_frames
from setpiece.progress import SilentProgress
from setpiece.reconstruct import train as stage
from setpiece.reconstruct.engine import Engine
from setpiece.reconstruct.options import Quality, TrainOptions
from setpiece.setfolder import SetFolder

VALIDATE_EVERY = 8


def main() -> None:
    """Train, and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("set", type=Path, help="a set whose poses are known")
    parser.add_argument("--quality", type=Quality, choices=list(Quality), default=Quality.STANDARD)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--max-splats", type=int)
    parser.add_argument("--max-side", type=int)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
    parser.add_argument("--validate", action="store_true", help="judge on training photos kept aside")
    parser.add_argument("--hold-out", action="append", metavar="NAME", help="judge on these photos instead")
    parser.add_argument("--keep", type=Path, help="leave the trained set in this new folder")
    parser.add_argument("--json", type=Path, help="write the result to this file")
    given = parser.parse_args()
    options = TrainOptions(
        quality=given.quality,
        steps=given.steps,
        max_splats=given.max_splats,
        max_side=given.max_side,
        threads=given.threads,
        seed=given.seed,
        device=given.device,
    )
    with tempfile.TemporaryDirectory() as temporary:
        target = _copy_of_poses(given.set, given.keep or Path(temporary) / "set", given)
        result = _measured(target, options)
    result["set"], result["validate"] = given.set.name, given.validate
    for row in result["curve"]:
        psnr = "" if row["psnr"] is None else f"{row['psnr']:6.2f} dB"
        print(f"{row['seconds']:7.1f} s  {row['step']:6} steps  {row['count']:7} splats  {psnr}")
    print(json.dumps({k: v for k, v in result.items() if k not in ("curve", "frames")}, indent=1))
    if given.json:
        given.json.write_text(json.dumps(result, indent=1))


def _copy_of_poses(source: Path, destination: Path, given: argparse.Namespace) -> SetFolder:
    """A new set with the same poses; with `validate` the held-out photos are left out altogether."""
    posed = read_posed_frames(source / "poses")
    frames = posed.frames
    if given.hold_out:
        frames = tuple(replace(f, split="test" if f.name in given.hold_out else "train") for f in frames)
    elif given.validate:
        frames = tuple(
            replace(frame, split="test" if k % VALIDATE_EVERY == VALIDATE_EVERY // 2 else "train")
            for k, frame in enumerate(posed.train)
        )
    target = SetFolder.create(destination)
    target.poses.mkdir()
    for frame in frames:
        for file in filter(None, (frame.image, frame.mask)):
            (target.path / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / file, target.path / file)
    write_posed_frames(target.poses, PosedFrames(frames, posed.points), {})
    return target


def _measured(target: SetFolder, options: TrainOptions) -> dict[str, Any]:
    engines: list[Engine] = []
    make = stage.make_engine

    def remember(*given: Any) -> Engine:
        engines.append(make(*given))
        return engines[0]

    stage.make_engine = remember  # to ask the engine for its timings afterwards
    clock = time.perf_counter()
    result = stage.train(target, options, SilentProgress())
    result["seconds"] = round(time.perf_counter() - clock, 2)
    metrics = json.loads((target.splats / "metrics.json").read_text(encoding="utf-8"))
    timings = getattr(engines[0], "timings", None)
    result["milliseconds_per_step"] = round(1000 * result["train_seconds"] / result["steps"], 3)
    result["timings"] = timings() if timings else None
    result["machine"] = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    return {**result, "curve": metrics["curve"], "frames": metrics["frames"]}


if __name__ == "__main__":
    main()
