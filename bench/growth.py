"""How the time of the poses grows with the photos of a walk, and how matching gains from threads.

    python bench/growth.py --folder FOLDER          # keep the walk that is made, use what is there
    python bench/growth.py --matching PHOTOS        # matching of a capture with one thread and with two

The walk is the sample capture's, 200 photos of 640x480 along one path; the first 50, 100 and 200 are posed.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from poses import ours

from setpiece.capture.demo import DemoOptions, make_demo
from setpiece.capture.features import FeatureSettings, extract_all
from setpiece.capture.matching import match_pairs
from setpiece.capture.options import PoseOptions
from setpiece.capture.pairs import choose_pairs
from setpiece.progress import SilentProgress

COUNTS = (50, 100, 200)
WIDTH = 640  # pixels


def growth(folder: Path, threads: int, counts: list[int]) -> list[dict[str, Any]]:
    """Seconds per step of the first photos of the walk in `folder`, which is made where it is not there."""
    walk = make_demo(folder, DemoOptions(photos=max(COUNTS), width=WIDTH, panoramas=0, threads=threads))
    rows = []
    for count in counts:
        with tempfile.TemporaryDirectory() as temporary:
            photos = Path(temporary) / "photos"
            photos.mkdir()
            for photo in walk.photos[:count]:
                shutil.copy(photo, photos)
            result = ours(photos, Path(temporary), threads, {})
        kept = ("seconds", "registered", "method", "steps")
        rows.append({"photos": count, **{k: result[k] for k in kept}})
    return rows


def matching(photos: Path, runs: int) -> dict[str, Any]:
    """Milliseconds of choosing pairs and of matching them, with one thread and with two."""
    files = sorted(p for p in photos.iterdir() if p.suffix.lower() in (".jpg", ".jpeg", ".png"))
    settings, options = FeatureSettings(1000, 2048), PoseOptions()
    with tempfile.TemporaryDirectory() as cache:
        features = extract_all(files, settings, Path(cache), 2, SilentProgress())
    pairs, _ = choose_pairs(features, options.neighbours, options.window, 2)
    result: dict[str, Any] = {"photos": len(files), "pairs": len(pairs)}
    times: dict[tuple[str, int], list[float]] = {}
    for _ in range(runs):
        for threads in (1, 2):
            started = time.perf_counter()
            choose_pairs(features, options.neighbours, options.window, threads)
            chosen = time.perf_counter()
            match_pairs(features, pairs, threads, SilentProgress())
            times.setdefault(("choosing", threads), []).append(chosen - started)
            times.setdefault(("matching", threads), []).append(time.perf_counter() - chosen)
    for step in ("choosing", "matching"):
        one, two = (1000 * statistics.median(times[step, threads]) for threads in (1, 2))
        result[step] = {"one_ms": round(one), "two_ms": round(two), "gain": round(one / two, 2)}
    return result


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, help="where the walk is kept; default: a temporary one")
    parser.add_argument("--counts", type=int, nargs="+", default=list(COUNTS), help="photos to pose")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--matching", type=Path, metavar="PHOTOS", help="measure matching of these alone")
    parser.add_argument("--runs", type=int, default=5, help="of which matching takes the median")
    arguments = parser.parse_args()
    if arguments.matching:
        print(json.dumps(matching(arguments.matching, arguments.runs)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary) / "walk"
        rows = growth(folder, arguments.threads, arguments.counts)
    for before, row in zip([None, *rows], rows, strict=False):
        times = f"{row['seconds'] / before['seconds']:.2f}x" if before else ""
        print(f"{row['photos']:4} photos {row['seconds']:7.2f} s {times:6} {json.dumps(row)}")


if __name__ == "__main__":
    main()
