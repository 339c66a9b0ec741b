"""Photos made on the spot, and sets posed from them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from setpiece.capture.estimate import estimate_poses
from setpiece.capture.ingest import ingest
from setpiece.capture.options import CaptureOptions, PoseOptions
from setpiece.capture.sources import find_sources
from setpiece.progress import SilentProgress
from setpiece.setfolder import SetFolder


def pose(photos: Path, set_folder: Path) -> tuple[SetFolder, dict[str, object]]:
    """A set with poses, and what the poses stage said."""
    target = SetFolder.create(set_folder)
    ingest(target, find_sources(photos), CaptureOptions(), SilentProgress())
    return target, estimate_poses(target, PoseOptions(threads=2), SilentProgress())


def copy_photos(source: Path, photos: Path, start: int = 0, stop: int | None = None) -> list[Path]:
    """Copies of some photos of a folder, in name order."""
    files = sorted(source.iterdir())[start:stop]
    return [Path(shutil.copy(f, photos)) for f in files]


def pan(photos: Path, count: int, step_deg: float) -> None:
    """Photos of a far, richly textured surrounding, taken by turning on the spot."""
    focal, width, height = 500.0, 640, 480
    x, y = np.meshgrid(np.arange(width) + 0.5 - width / 2, np.arange(height) + 0.5 - height / 2)
    rays = np.stack([x / focal, y / focal, np.ones_like(x)], axis=-1)
    rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
    for i in range(count):
        angle = np.radians(i * step_deg)
        turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
        grey = sum(_noise(rays @ turn.T * f, seed) / (seed + 1) for seed, f in enumerate((12, 40, 90)))
        pixels = np.clip(128 + 90 * np.asarray(grey), 0, 255).astype(np.uint8)
        Image.fromarray(np.repeat(pixels[..., None], 3, axis=2)).save(photos / f"{i:02d}.jpg", quality=95)


def _noise(at: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """Smooth noise in space, -1 to 1: random values on a lattice, interpolated."""
    lattice = np.random.default_rng(seed).uniform(-1, 1, (64, 64, 64))
    corner = np.floor(at).astype(int)
    part = at - corner
    part = part * part * (3 - 2 * part)
    total = np.zeros(at.shape[:-1])
    for dx in (0, 1):
        for dy in (0, 1):
            for dz in (0, 1):
                value = lattice[tuple((corner[..., k] + d) % 64 for k, d in enumerate((dx, dy, dz)))]
                weight = np.ones(at.shape[:-1])
                for k, d in enumerate((dx, dy, dz)):
                    weight = weight * (part[..., k] if d else 1 - part[..., k])
                total += weight * value
    return total
