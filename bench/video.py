"""The demo's walk as a video beside stills from the same places; how fast clips are read, in what memory.

    python bench/video.py                      # all three parts
    python bench/video.py --part film          # HLG, on its side, VFR, 20 % blurred: poses against truth
    python bench/video.py --part speed         # frames per second of the first pass, for codecs and sizes
    python bench/video.py --part memory        # peak memory of a 4K clip and of one twelve times as long
    python bench/video.py --cache FOLDER       # keep what is rendered, use what is there

Pose errors are taken after the best similarity, as in bench/demo.py: percent of the largest distance between
two true centres, and degrees. The stills are the clip's own renders before encoding, at the times of the
chosen frames.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import psutil
from PIL import Image

from setpiece.capture.align import pose_errors
from setpiece.capture.demo import DemoOptions
from setpiece.capture.demo.film import FilmOptions, film_frames, film_plan, write_film
from setpiece.capture.demo.make import build_set
from setpiece.capture.estimate import estimate_poses
from setpiece.capture.frames import CapturedFrame, read_frames
from setpiece.capture.ingest import ingest
from setpiece.capture.options import CaptureOptions, PoseOptions
from setpiece.capture.sources import find_sources
from setpiece.capture.video.clip import open_clip
from setpiece.capture.video.scan import scan
from setpiece.memory import PeakMemory
from setpiece.posed import read_posed_frames
from setpiece.progress import SilentProgress
from setpiece.setfolder import SetFolder
from setpiece.threads import thread_count

PHOTO = replace(DemoOptions(), width=640, texel_scale=1.5, light_samples=6, bounce_samples=32, lumel_m=0.03)
FILM = FilmOptions()
CLIPS = {  # codec, pixel format, size, frames
    "1080p H.264": ("libx264", "yuv420p", (1920, 1080), 150),
    "1080p HEVC 10 bit": ("libx265", "yuv420p10le", (1920, 1080), 150),
    "1080p AV1": ("libsvtav1", "yuv420p", (1920, 1080), 150),
    "4K H.264": ("libx264", "yuv420p", (3840, 2160), 60),
    "4K HEVC 10 bit": ("libx265", "yuv420p10le", (3840, 2160), 60),
}
ENCODERS = {
    "libx264": {"preset": "veryfast", "crf": "20"},
    "libx265": {"preset": "ultrafast", "crf": "20", "x265-params": "log-level=none"},
    "libsvtav1": {"preset": "10", "crf": "30"},
}
LONGER = 12  # times, of the long clip


def film(folder: Path) -> dict[str, Any]:
    """Poses from the video and from stills at the same places, against the truth and each other."""
    clip, stills = folder / "walk.mov", folder / "stills.npz"
    plan = film_plan(FILM, PHOTO)
    if not (clip.exists() and stills.exists()):
        with ThreadPoolExecutor(thread_count(None)) as workers:
            lit = build_set(PHOTO, workers)
            pictures = list(film_frames(lit, plan, FILM, PHOTO, workers))
        np.savez(stills, pictures=np.array(pictures))
        write_film(clip, iter(pictures), plan)
    times = np.array([f.time_s for f in plan])
    frames, of_video, seconds, result = posed(clip, folder)
    rows = {f.name: int(np.abs(times - (f.clip_time_s or 0)).argmin()) for f in frames}
    photos = folder / "stills"
    photos.mkdir(exist_ok=True)
    for file in photos.iterdir():
        file.unlink()
    pictures = np.load(stills)["pictures"]
    for row in rows.values():
        Image.fromarray(pictures[row]).save(photos / f"{row:04d}.jpg", quality=97, subsampling=0)
    _, of_stills, _, _ = posed(photos, folder)
    by_row = {int(name[:4]): pose for name, pose in of_stills.items()}
    both = [(of_video[n], by_row[r]) for n, r in rows.items() if n in of_video and r in by_row]
    true = {name: plan[row].camera.cam_from_world for name, row in rows.items()}
    return {
        "frames_in_clip": len(plan),
        "blurred_in_clip": sum(f.blurred for f in plan),
        "frames_chosen": len(frames),
        "blurred_chosen": sum(plan[row].blurred for row in rows.values()),
        "posed": len(of_video),
        "seconds": seconds,
        "notes": result["notes"],
        "video_to_truth": differences([(p, true[n]) for n, p in of_video.items()]),
        "stills_to_truth": differences([(p, plan[r].camera.cam_from_world) for r, p in by_row.items()]),
        "video_to_stills": differences(both),
    }


def posed(
    capture: Path, folder: Path
) -> tuple[list[CapturedFrame], dict[str, np.ndarray], dict[str, float], dict[str, Any]]:
    """The frames of a capture, their cam_from_world by name, the seconds it took, what was said."""
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        target = SetFolder.create(Path(temporary) / "set")
        started = time.monotonic()
        result = ingest(target, find_sources(capture), CaptureOptions(), SilentProgress())
        read = time.monotonic() - started
        estimate_poses(target, PoseOptions(), SilentProgress())
        seconds = {"reading": round(read, 2), "poses": round(time.monotonic() - started - read, 2)}
        poses = {f.name: f.camera.cam_from_world for f in read_posed_frames(target.poses).frames}
        return read_frames(target.capture), poses, seconds, result


def differences(pairs: list[tuple[np.ndarray, np.ndarray]]) -> dict[str, float]:
    """Of poses from reference poses."""
    errors = pose_errors(np.array([p for p, _ in pairs]), np.array([q for _, q in pairs]))
    return {
        "centre_percent_rms": round(100 * errors.centre_rms / errors.extent, 4),
        "centre_percent_max": round(100 * float(errors.centre.max()) / errors.extent, 4),
        "rotation_deg_max": round(float(errors.rotation_deg.max()), 4),
    }


def speed(folder: Path) -> dict[str, Any]:
    """Frames of the clip that the first pass gets through per second, and decoding all of them alone."""
    figures = {}
    for name in CLIPS:
        clip = made(folder, name)
        started = time.monotonic()
        with av.open(str(clip)) as container:
            container.streams.video[0].thread_type = "AUTO"
            container.streams.video[0].codec_context.thread_count = thread_count(None)
            count = sum(1 for _ in container.decode(video=0))
        alone = time.monotonic() - started
        started = time.monotonic()
        look(clip)
        figures[name] = {
            "frames_per_second": round(count / (time.monotonic() - started), 1),
            "decoding_alone": round(count / alone, 1),
        }
    return figures


def memory(folder: Path) -> dict[str, Any]:
    """Peak memory above the start of reading a 4K clip, and of one that is many times as long."""
    clip, peaks = made(folder, "4K HEVC 10 bit"), {}
    for name, times in (("warm-up", 1), ("short", 1), ("long", LONGER)):
        path = repeated(clip, folder / f"{times}.mp4", times)
        before = psutil.Process().memory_info().rss
        with PeakMemory() as peak, tempfile.TemporaryDirectory(dir=folder) as temporary:
            target = SetFolder.create(Path(temporary) / "set")
            result = ingest(target, find_sources(path), CaptureOptions(), SilentProgress())
        frames = result["clips"][0]["frames_in_clip"]
        peaks[name] = {
            "frames": frames,
            "used": result["frames_used"],
            "peak_mb": round((peak.bytes - before) / 1e6),
        }
    del peaks["warm-up"]
    return peaks


def look(clip: Path) -> None:
    """The first pass alone."""
    with open_clip(clip, thread_count(None), quick=True) as opened, SilentProgress().task("", 1) as task:
        scan(opened, task)


def made(folder: Path, name: str) -> Path:
    """A pan over noise, encoded."""
    codec, pix_fmt, size, count = CLIPS[name]
    path = folder / f"{name}.mp4"
    if path.exists():
        return path
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=30, options={**ENCODERS[codec], "g": "30"})
        (stream.width, stream.height), stream.pix_fmt = size, pix_fmt
        for i, picture in enumerate(pan(size, count)):
            frame = av.VideoFrame.from_ndarray(picture, "gray").reformat(format=pix_fmt)
            frame.pts, frame.time_base = i, Fraction(1, 30)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def pan(size: tuple[int, int], count: int) -> Iterator[np.ndarray]:
    """Views of noise of all sizes, two hundredths of a width apart."""
    rng, step = np.random.default_rng(0), size[0] // 50
    width, height = size[0] + step * count, size[1]
    whole = np.full((height, width), 128, np.float32)
    for cell, strength in ((64, 40), (16, 28), (5, 20), (2, 12)):
        small = rng.normal(0, strength, (height // cell, width // cell)).astype(np.float32)
        whole += cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    grey = np.clip(whole, 0, 255).astype(np.uint8)
    for i in range(count):
        yield np.ascontiguousarray(grey[:, i * step : i * step + size[0]])


def repeated(clip: Path, path: Path, times: int) -> Path:
    """The clip, several times over, without coding it again."""
    with av.open(str(path), "w") as output:
        stream, offset = None, 0
        for _ in range(times):
            with av.open(str(clip)) as source:
                given = source.streams.video[0]
                stream = stream or output.add_stream_from_template(given)
                for packet in source.demux(given):
                    if packet.dts is None or packet.pts is None:
                        continue
                    packet.pts, packet.dts = packet.pts + offset, packet.dts + offset
                    packet.stream = stream
                    output.mux(packet)
                offset += given.duration or 0
    return path


PARTS = {"film": film, "speed": speed, "memory": memory}


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--part", choices=list(PARTS), help="only this one")
    parser.add_argument("--cache", type=Path, help="where clips are kept; default: a temporary folder")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.cache or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        names = [arguments.part] if arguments.part else list(PARTS)
        figures = {name: PARTS[name](folder) for name in names}
    print(json.dumps(figures, indent=1))
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
