"""A figure that walks through the sample capture: how much of it is left in the set.

    python bench/moving.py                                 # make both captures, build both, compare
    python bench/moving.py --walker passing --quality draft --folder FOLDER --json moving.json

The empty film set is photographed, and the same with a figure in a third of the photos. Both become sets.
Where a photo shows the figure, what the set renders in its stead is compared with the photo of the empty film
set; the same pixels of the set made from empty photos are the mark, although it has trained on just these.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pycolmap
from numpy.typing import NDArray
from PIL import Image

from setpiece.capture.demo import DemoCapture, DemoOptions, make_demo
from setpiece.capture.mask import load_mask
from setpiece.capture.undistort import Undistorter
from setpiece.pipeline import BuildOptions, build
from setpiece.posed import PosedFrame, read_posed_frames
from setpiece.reconstruct.checkpoint import read_splats
from setpiece.reconstruct.engine import Engine
from setpiece.reconstruct.engines import make_engine
from setpiece.reconstruct.evaluation import shown_by
from setpiece.reconstruct.metrics import psnr_db
from setpiece.reconstruct.options import Quality, TrainOptions
from setpiece.setfolder import SetFolder
from setpiece.stage import stage_record

IMAGE_SIDE = 1600  # pixels; of the training pictures


class Judge:
    """Compares a set's renders with photos of the empty film set, in the set's own pictures."""

    def __init__(self, target: SetFolder, empty: DemoCapture, visited: DemoCapture) -> None:
        self.target, self.empty, self.visited = target, empty, visited
        self.engine: Engine = make_engine("auto", read_splats(target))
        model = pycolmap.Reconstruction(str(target.poses / "sparse"))
        self.lenses = {
            image.name: Undistorter.of(image.camera, IMAGE_SIDE) for image in model.images.values()
        }
        self.exposure = json.loads((target.splats / "metrics.json").read_text())["exposure"]
        self.frames = {f.name: f for f in read_posed_frames(target.poses).frames}

    def region(self, name: str) -> NDArray[np.bool_]:
        """Where the figure is in a photo, [H, W]."""
        file = self.visited.truth_folder / "figure" / f"{name}.png"
        return ~self.lenses[name].mask(load_mask(file))

    def psnr(self, frame: PosedFrame, region: NDArray[np.bool_] | None) -> float:
        """Of the render against the photo of the empty film set, in dB."""
        with Image.open(self.empty.photo_folder / frame.name) as photo:
            upright = np.asarray(photo.rotate(-90, expand=True) if photo.getexif().get(0x112) == 6 else photo)
        expected = self.lenses[frame.name].picture(np.ascontiguousarray(upright)).astype(np.float32) / 255
        seen = self.engine.render(
            frame.camera, background=np.zeros(3, np.float32), sh_degree=3, antialias=True
        )
        shown = shown_by(seen, np.array(self.exposure[frame.name], np.float32))
        return psnr_db(shown, expected, region)

    def masked(self, frame: PosedFrame) -> NDArray[np.bool_]:
        """What training masked, [H, W]."""
        file = self.target.splats / "moving" / f"{frame.name}.png"
        size = (frame.camera.height, frame.camera.width)
        return np.zeros(size, bool) if not file.exists() else ~load_mask(file)


def compare(empty: Judge, visited: Judge, names: list[str]) -> dict[str, Any]:
    """Figures of both sets; `names` are the photos that show the figure."""
    rows, found, wrong = [], [], []
    for name, frame in visited.frames.items():
        region = (
            visited.region(name)
            if name in names
            else np.zeros((frame.camera.height, frame.camera.width), bool)
        )
        masked = visited.masked(frame)
        near = cv2.dilate(region.astype(np.uint8), np.ones((41, 41), np.uint8)) > 0
        wrong.append(float((masked & ~near).mean()))
        if name in names and name in empty.frames:
            found.append(float(masked[region].mean()))
            mark = empty.psnr(empty.frames[name], empty.region(name))
            rows.append(
                {
                    "name": name,
                    "split": frame.split,
                    "psnr": visited.psnr(frame, region),
                    "mark": mark,
                    "found": found[-1],
                }
            )
    held_out = {
        which: float(np.mean([judge.psnr(f, None) for f in judge.frames.values() if f.split == "test"]))
        for which, judge in (("empty", empty), ("visited", visited))
    }
    return {
        "photos_with_figure": len(names),
        "found_share": float(np.mean(found)),
        "falsely_masked_share": float(np.mean(wrong)),
        "psnr_there": float(np.mean([r["psnr"] for r in rows])),
        "psnr_there_empty": float(np.mean([r["mark"] for r in rows])),
        "held_out_psnr_against_empty": held_out,
        "photos": rows,
    }


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--walker", choices=["scattered", "passing"], default="scattered")
    parser.add_argument("--quality", type=Quality, choices=list(Quality), default=Quality.STANDARD)
    parser.add_argument("--keep-moving", action="store_true", help="mask nothing, to see what is left then")
    parser.add_argument("--tiny", action="store_true", help="a small capture, for a quick look")
    parser.add_argument("--folder", type=Path, help="keep what is made, use what is there")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        figures = measure(given.folder or Path(temporary), given)
    print(json.dumps(figures, indent=1))
    if given.json:
        given.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def measure(folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Make, build and compare in `folder`."""
    options = replace(DemoOptions.tiny() if given.tiny else DemoOptions(), panoramas=0)
    empty = make_demo(folder / "empty", options)
    visited = make_demo(folder / given.walker, replace(options, walker=given.walker))
    train = TrainOptions(quality=given.quality, keep_moving=given.keep_moving)
    sets = [
        build(demo.photo_folder, demo.folder / f"set-{given.quality.value}", BuildOptions(train=train))
        for demo in (empty, visited)
    ]
    judges = [Judge(target, empty, visited) for target in sets]
    names = sorted(p.name[: -len(".png")] for p in (visited.truth_folder / "figure").iterdir())
    figures = compare(judges[0], judges[1], names)
    record = stage_record(sets[1], "train") or {}
    return {"walker": given.walker, "quality": given.quality.value, **figures, "train": record.get("result")}


if __name__ == "__main__":
    main()
