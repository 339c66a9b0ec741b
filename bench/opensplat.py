"""Our CPU engine beside OpenSplat's `--cpu`, on the same photos, poses and Gaussians, in one run.

    python bench/opensplat.py SET --count 100000 --side 480 --json result.json

SET is a trained set: its Gaussians' places, thinned or doubled to `--count`, become the sparse points that
both start from, round and of opacity 0.1 as OpenSplat makes them. The photos are scaled to `--side` first.
`opensplat` must be on the PATH. Both use two threads. OpenSplat's first steps are left out of its median.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from setpiece.cameras import Camera
from setpiece.posed import PosedFrame, read_posed_frames
from setpiece.reconstruct.checkpoint import read_splats
from setpiece.reconstruct.cpu.engine import CpuEngine
from setpiece.reconstruct.engine import Batch, LearningRates
from setpiece.setfolder import SetFolder
from setpiece.splats import SH_C0, Splats

THREADS = 2
FIRST = 5  # steps of OpenSplat that are not counted


def main() -> None:
    """Parse, run both, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("set", type=Path, help="a trained set")
    parser.add_argument("--count", type=int, default=100_000, help="Gaussians")
    parser.add_argument("--side", type=int, default=480, help="pixels, longest side of the pictures")
    parser.add_argument("--steps", type=int, default=25, help="steps of OpenSplat")
    parser.add_argument("--json", type=Path, help="write the result to this file")
    given = parser.parse_args()
    program = shutil.which("opensplat")
    if program is None:
        sys.exit("bench/opensplat.py compares with OpenSplat; put its program `opensplat` on the PATH.")
    target = SetFolder.open(given.set)
    frames = read_posed_frames(target.poses).train
    points, rgb = places(target, given.count)
    with tempfile.TemporaryDirectory() as folder:
        pictures = write_project(Path(folder), target, frames, given.side, points, rgb)
        theirs = opensplat_seconds(program, Path(folder), given.steps)
    ours = {f"SH {d}": engine_seconds(pictures, points, rgb, d) for d in (0, 3)}
    result = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "gaussians": given.count,
        "picture": f"{pictures[0][0].width}x{pictures[0][0].height}",
        "opensplat_ms": round(1e3 * theirs, 1),
        "ours_ms": {name: round(1e3 * s, 1) for name, s in ours.items()},
        "times_faster": {name: round(theirs / s, 1) for name, s in ours.items()},
    }
    print(json.dumps(result, indent=1))
    if given.json:
        given.json.write_text(json.dumps(result, indent=1))


def places(target: SetFolder, count: int) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """`count` points [N, 3] and colours [N, 3] of the set's Gaussians; doubled ones are moved a little."""
    splats, rng = read_splats(target), np.random.default_rng(0)
    rows = np.concatenate(
        [np.arange(splats.count)] * (count // splats.count)
        + [rng.choice(splats.count, count % splats.count, replace=False)]
    )
    chosen = splats.take(rows)
    shift = np.exp(chosen.log_scales) * rng.normal(size=(count, 3)) * 0.5
    shift[: min(count, splats.count)] = 0
    colours = np.clip(0.5 + SH_C0 * chosen.sh[:, 0], 0, 1) * 255
    return (chosen.means + shift).astype(np.float32), colours.astype(np.uint8)


def write_project(
    folder: Path,
    target: SetFolder,
    frames: tuple[PosedFrame, ...],
    side: int,
    points: NDArray[np.float32],
    rgb: NDArray[np.uint8],
) -> list[tuple[Camera, NDArray[np.uint8]]]:
    """Write a COLMAP project (binary model, COLMAP 3 format) and return its cameras and pictures."""
    model, images = folder / "sparse" / "0", folder / "images"
    model.mkdir(parents=True)
    images.mkdir()
    cameras, poses, pictures = bytearray(), bytearray(), []
    for number, frame in enumerate(frames, start=1):
        scale = side / max(frame.camera.width, frame.camera.height)
        camera = frame.camera.resized(round(frame.camera.width * scale), round(frame.camera.height * scale))
        picture = cv2.imread(str(target.path / frame.image))
        assert picture is not None, frame.image
        picture = cv2.resize(picture, (camera.width, camera.height), interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(images / f"{number:04d}.png"), picture)
        pictures.append((camera, np.ascontiguousarray(picture[:, :, ::-1])))
        focal = (camera.focal_x_px, camera.focal_y_px, camera.centre_x_px, camera.centre_y_px)
        cameras += struct.pack("<IiQQ4d", number, 1, camera.width, camera.height, *focal)
        pose = camera.cam_from_world
        poses += struct.pack("<I4d3dI", number, *quaternion(pose[:3, :3]), *pose[:3, 3], number)
        poses += f"{number:04d}.png".encode() + b"\0" + struct.pack("<Q", 0)
    (model / "cameras.bin").write_bytes(struct.pack("<Q", len(frames)) + cameras)
    (model / "images.bin").write_bytes(struct.pack("<Q", len(frames)) + poses)
    rows = [
        struct.pack("<Q3d3BdQ", i, *p, *c, 0.0, 0) for i, (p, c) in enumerate(zip(points, rgb, strict=True))
    ]
    (model / "points3D.bin").write_bytes(struct.pack("<Q", len(points)) + b"".join(rows))
    return pictures


def quaternion(rotation: NDArray[np.float64]) -> tuple[float, float, float, float]:
    """Of a rotation matrix, wxyz; the eigenvector of Bar-Itzhack 2000, eq. 9 (any sign)."""
    r = rotation
    k = np.array(
        [
            [r[0, 0] - r[1, 1] - r[2, 2], r[1, 0] + r[0, 1], r[2, 0] + r[0, 2], r[2, 1] - r[1, 2]],
            [r[1, 0] + r[0, 1], r[1, 1] - r[0, 0] - r[2, 2], r[2, 1] + r[1, 2], r[0, 2] - r[2, 0]],
            [r[2, 0] + r[0, 2], r[2, 1] + r[1, 2], r[2, 2] - r[0, 0] - r[1, 1], r[1, 0] - r[0, 1]],
            [r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1], r[0, 0] + r[1, 1] + r[2, 2]],
        ]
    )
    x, y, z, w = np.linalg.eigh(k)[1][:, -1]
    return float(w), float(x), float(y), float(z)


def opensplat_seconds(program: str, project: Path, steps: int) -> float:
    """Median seconds of a step, from the times at which OpenSplat says that it did one."""
    command = [program, str(project), "--cpu", "-n", str(steps), "-d", "1", "--num-downscales", "0"]
    command += ["-o", str(project / "out.ply")]
    environment = {**os.environ, "OMP_NUM_THREADS": str(THREADS)}
    times = []
    with subprocess.Popen(
        ["stdbuf", "-oL", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if re.match(r"Step \d+:", line):
                times.append(time.monotonic())
    return statistics.median(np.diff(times)[FIRST:].tolist())


def engine_seconds(
    pictures: list[tuple[Camera, NDArray[np.uint8]]],
    points: NDArray[np.float32],
    rgb: NDArray[np.uint8],
    degree: int,
) -> float:
    """Median seconds of a step of our engine, over every picture twice after one round of warming up."""
    n = len(points)
    sh = np.zeros((n, (degree + 1) ** 2, 3), np.float32)
    sh[:, 0] = (rgb / 255.0 - 0.5) / SH_C0
    splats = Splats(
        means=points,
        log_scales=np.repeat(np.log(spacing(points))[:, None], 3, axis=1).astype(np.float32),
        quats_wxyz=np.tile(np.array([1, 0, 0, 0], np.float32), (n, 1)),
        opacity_logits=np.full(n, np.log(0.1 / 0.9), np.float32),
        sh=sh,
    )
    engine, seconds = CpuEngine(splats, threads=THREADS), []
    for turn in range(3):
        for key, (camera, image) in enumerate(pictures, start=1):
            batch = Batch(
                camera=camera,
                image=image,
                mask=None,
                exposure=np.eye(3, 4, dtype=np.float32),
                background=np.zeros(3, np.float32),
                sh_degree=degree,
                rates=LearningRates(1.6e-4, 5e-3, 1e-3, 5e-2, 2.5e-3, 1.25e-4),
                ssim_weight=0.2,
                antialias=False,
                key=key,
            )
            started = time.perf_counter()
            engine.step(batch)
            if turn:
                seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def spacing(points: NDArray[np.float32]) -> NDArray[np.float64]:
    """Mean distance of each point to its three nearest others, [N], as OpenSplat sizes its Gaussians."""
    index = cv2.flann.Index(points, {"algorithm": 4, "leaf_max_size": 10})  # 4: a single k-d tree
    _, squared = index.knnSearch(points, 4, params={})
    mean: NDArray[np.float64] = np.sqrt(np.maximum(squared[:, 1:], 0)).mean(axis=1)
    return np.maximum(mean, 1e-6)


if __name__ == "__main__":
    main()
