"""How far the raster kernels are from what this core can do at best, measured in one run on one thread.

    python bench/floor.py                # needs AVX-512 and a C++ compiler (GCC or Clang)

The floor counts the multiplications and fused multiply-adds on sixteen floats that the algorithm needs, per
pair of splat and 4x4 block and per pair of splat and tile, and divides them by the rate at which this core
was measured to issue them. docs/performance.md derives the counts. Loads, stores, additions, comparisons,
lists and addresses are free in it, and no instruction ever waits for another or for memory. "unhindered" is
what a pair's instructions take, loads and stores included, when none waits for another. The engine counts the
pairs. Times are the least of several steps, as the rates are: a machine shared with others only adds to them.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import subprocess
import tempfile
from pathlib import Path

from kernels import batch, camera, room

from setpiece.reconstruct.cpu import CpuEngine

# Multiplications and fused multiply-adds, on sixteen floats each
FORWARD_PAIR = 14  # exponent 5, power 4, transmittance 1, weight 1, colour 3
FORWARD_SPLAT = 7.75  # ellipse against sixteen blocks, sixteen splats at once: 124
BACKWARD_PAIR = 25  # alpha and weight as before 11, g . c 3, d 1, R 1, moments of d 5, of the weight 4
BACKWARD_SPLAT = 0.2  # constants of the exponent, sixteen splats at once: 3
SOURCE = Path(__file__).with_name("floor.cpp")


def rates() -> dict[str, float]:
    """Clock in GHz, instructions per cycle, and cycles that the instructions of a pair take unhindered."""
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "floor.so"
        compiler = os.environ.get("CXX", "c++")
        flags = ["-std=c++17", "-O2", "-mavx512f", "-shared", "-fPIC"]
        subprocess.run([compiler, *flags, str(SOURCE), "-o", str(library)], check=True)
        code = ctypes.CDLL(str(library))
    names = ["sixteen_fma", "sixteen_add", "sixteen_load", "sixteen_store", "forward_pair", "backward_pair"]
    for name in ["hundred_cycles", *names]:
        getattr(code, name).restype = ctypes.c_double
    cycle = code.hundred_cycles() / 100
    found = {"ghz": 1e-9 / cycle}
    for name in names:
        cycles = getattr(code, name)() / cycle
        found[name] = cycles if name.endswith("pair") else 16 / cycles
    return found


def main() -> None:
    """Measure core and kernels in turns, print both."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=100_000, help="Gaussians")
    parser.add_argument("--size", action="append", help="HEIGHTxWIDTH; default 270x480 and 540x960")
    parser.add_argument("--runs", type=int, default=11)
    parser.add_argument("--json", type=Path, help="also write the figures there")
    options = parser.parse_args()
    splats, rows = room(options.count, 2), []
    for size in options.size or ["270x480", "540x960"]:
        height, width = (int(side) for side in size.split("x"))
        step = batch(camera(width, height), 2)
        engine = CpuEngine(splats, threads=1, isa="avx512")
        for _ in range(3):
            engine.step(step)
        core = rates()
        times = []
        for _ in range(options.runs):
            engine.step(step)
            times.append(engine.timings())
        counts = engine.projected()
        pairs, splat_tiles = counts["block_pairs"], counts["tile_pairs"]
        per_ms = 1e6 * core["ghz"]
        row = {"size": size, **core, **counts}
        for name, per_pair, per_splat in (
            ("forward", FORWARD_PAIR, FORWARD_SPLAT),
            ("backward", BACKWARD_PAIR, BACKWARD_SPLAT),
        ):
            cycles = (pairs * per_pair + splat_tiles * per_splat) / core["sixteen_fma"]
            took = min(t[name] for t in times)
            row[name] = {
                "ms": took,
                "floor_ms": cycles / per_ms,
                "times_floor": took * per_ms / cycles,
                "cycles_per_pair": took * per_ms / pairs,
                "floor_cycles_per_pair": cycles / pairs,
                "unhindered_cycles_per_pair": core[f"{name}_pair"],
            }
        rows.append(row)
        print(
            f"{size}: {core['ghz']:.2f} GHz; per cycle {core['sixteen_fma']:.2f} fused multiply-adds, "
            f"{core['sixteen_add']:.2f} additions, {core['sixteen_load']:.2f} loads, "
            f"{core['sixteen_store']:.2f} stores; {pairs:,} pairs with blocks, {splat_tiles:,} with tiles"
        )
        for name in ("forward", "backward"):
            f = row[name]
            print(
                f"  {name:8} {f['ms']:6.2f} ms, floor {f['floor_ms']:5.2f} ms: {f['times_floor']:.2f} times; "
                f"cycles per pair {f['cycles_per_pair']:.1f}, floor {f['floor_cycles_per_pair']:.1f}, "
                f"unhindered {f['unhindered_cycles_per_pair']:.1f}"
            )
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
