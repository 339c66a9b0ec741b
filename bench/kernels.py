"""Milliseconds per stage of the CPU engine's training step, on a scene made by code.

    python bench/kernels.py                          # every instruction set, 1 and 2 threads
    python bench/kernels.py --isa avx512 --threads 2 --size 540x960 --json kernels.json

The scene is a room-like cloud: Gaussians on surfaces of a box and of spheres, flat along the surface, sized
as training leaves them; two thirds of them are in view. The photo is noise: what the loss compares does not
change its cost. The same step runs again and again with learning rates of 0, so that every run measures the
same work. Figures are medians; "cpu" is the processor time of all threads together, waiting in place between
stages included: on a busy machine it says more than "total".
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from pathlib import Path

import numpy as np

from setpiece.cameras import Camera
from setpiece.reconstruct.cpu import CpuEngine
from setpiece.reconstruct.engine import Batch, LearningRates
from setpiece.splats import Splats

STAGES = ("project", "bin", "forward", "loss", "backward", "update")
COLUMNS = (*STAGES, "total", "cpu")


def room(count: int, sh_degree: int, seed: int = 0) -> Splats:
    """`count` Gaussians on the walls of a box of 6 x 3 x 6 and on eight spheres in it."""
    rng = np.random.default_rng(seed)
    half = np.array([3.0, 1.5, 3.0])
    points = rng.uniform(-1, 1, size=(count, 3))
    walls = rng.random(count) < 0.6
    axis = rng.choice(3, size=count, p=[0.25, 0.5, 0.25])
    normals = np.zeros((count, 3))
    normals[np.arange(count), axis] = np.where(points[np.arange(count), axis] < 0, 1.0, -1.0)
    points[np.arange(count), axis] = -normals[np.arange(count), axis]
    points *= half
    balls = ~walls
    direction = rng.normal(size=(count, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    centres = rng.uniform(-0.6, 0.6, size=(8, 3)) * half
    which = rng.integers(0, 8, size=count)
    points[balls] = (centres[which] + 0.45 * direction)[balls]
    normals[balls] = direction[balls]

    # Half the spacing: about as many pairs of splat and tile as a capture of a room has after training.
    area = 2 * (6 * 6 + 4 * 6 * 3 / 2) + 8 * 4 * np.pi * 0.45**2
    spacing = np.sqrt(area / count)
    scales = 0.5 * spacing * np.exp(rng.normal(0.0, 0.55, size=(count, 3)))
    scales[:, 2] *= 0.15  # flat along the normal
    quats = _turn_z_to(normals)
    terms = (sh_degree + 1) ** 2
    sh = 0.05 * rng.normal(size=(count, terms, 3))
    sh[:, 0] = rng.uniform(-1, 1, size=(count, 3))
    return Splats(
        means=points.astype(np.float32),
        log_scales=np.log(scales).astype(np.float32),
        quats_wxyz=quats.astype(np.float32),
        opacity_logits=rng.normal(0.0, 2.0, size=count).astype(np.float32),
        sh=sh.astype(np.float32),
    )


def _turn_z_to(normals: np.ndarray) -> np.ndarray:
    """Quaternions wxyz that turn (0, 0, 1) to each normal, [N, 4]."""
    z = np.array([0.0, 0.0, 1.0])
    quats = np.concatenate(
        [1 + normals @ z[:, None], np.cross(np.broadcast_to(z, normals.shape), normals)], 1
    )
    quats[np.linalg.norm(quats, axis=1) < 1e-6] = [0.0, 1.0, 0.0, 0.0]
    unit: np.ndarray = quats / np.linalg.norm(quats, axis=1, keepdims=True)
    return unit


def camera(width: int, height: int) -> Camera:
    """A camera behind the open end of the room, looking along it."""
    pose = np.eye(4)
    pose[2, 3] = 4.2
    focal = 0.85 * max(width, height)
    return Camera(width, height, focal, focal, width / 2, height / 2, pose)


def batch(view: Camera, sh_degree: int) -> Batch:
    """A step against a noisy photo that moves nothing."""
    rng = np.random.default_rng(1)
    return Batch(
        camera=view,
        image=rng.integers(60, 200, size=(view.height, view.width, 3), dtype=np.uint8),
        mask=None,
        exposure=np.eye(3, 4, dtype=np.float32),
        background=np.zeros(3, np.float32),
        sh_degree=sh_degree,
        rates=LearningRates(0, 0, 0, 0, 0, 0),
        ssim_weight=0.2,
        antialias=True,
        key=1,
    )


def measure(engine: CpuEngine, step: Batch, runs: int) -> dict[str, float]:
    """Median milliseconds of each stage, of the whole step, and of processor time."""
    for _ in range(3):
        engine.step(step)
    rows = []
    for _ in range(runs):
        start, busy = time.perf_counter(), time.process_time()
        engine.step(step)
        total, cpu = 1e3 * (time.perf_counter() - start), 1e3 * (time.process_time() - busy)
        rows.append({**engine.timings(), "total": total, "cpu": cpu})
    return {name: statistics.median(row[name] for row in rows) for name in COLUMNS}


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=100_000, help="Gaussians")
    parser.add_argument("--size", action="append", help="HEIGHTxWIDTH; default 270x480 and 540x960")
    parser.add_argument("--sh-degree", type=int, default=2)
    parser.add_argument("--isa", action="append", help="default: all that this machine has")
    parser.add_argument("--threads", type=int, action="append", help="default: 1 and 2")
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--json", type=Path, help="also write the figures there")
    options = parser.parse_args()
    splats = room(options.count, options.sh_degree)
    results = []
    print(
        f"{platform.machine()} {os.cpu_count()} cores, {options.count} Gaussians, "
        f"SH {options.sh_degree}, ms per step"
    )
    print(f"{'size':>9} {'isa':>7} {'threads':>7} " + " ".join(f"{name:>8}" for name in COLUMNS))
    for size in options.size or ["270x480", "540x960"]:
        height, width = (int(side) for side in size.split("x"))
        step = batch(camera(width, height), options.sh_degree)
        for isa in options.isa or ["avx512", "avx2", "plain"]:
            for threads in options.threads or [1, 2]:
                try:
                    engine = CpuEngine(splats, threads=threads, isa=isa)
                except Exception as error:
                    print(f"{size:>9} {isa:>7} {threads:>7} skipped: {error}")
                    break
                figures = measure(engine, step, options.runs)
                figures_text = " ".join(f"{figures[name]:8.2f}" for name in COLUMNS)
                print(f"{size:>9} {isa:>7} {threads:>7} {figures_text}")
                results.append(
                    {"size": size, "isa": isa, "threads": threads, "ms": figures, **engine.projected()}
                )
        print(f"{'':>9} visible {results[-1]['visible']}, tile pairs {results[-1]['tile_pairs']}")
    if options.json:
        options.json.write_text(json.dumps({"count": options.count, "results": results}, indent=2) + "\n")


if __name__ == "__main__":
    main()
