"""A tiny set with a known answer: photos rendered by the judge from hidden Gaussians."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from judge.engine import JudgeEngine
from judge.scenes import random_splats
from setpiece.cameras import Camera
from setpiece.posed import PosedFrame, PosedFrames, SparsePoints, write_posed_frames
from setpiece.setfolder import SetFolder
from setpiece.splats import SH_C0, Splats

WIDTH, HEIGHT, PHOTOS = 40, 30, 10


def hidden_splats() -> Splats:
    """What the tiny set shows: forty soft balls."""
    splats = random_splats(40, seed=11, sh_degree=0, extent=0.5)
    return replace(
        splats,
        log_scales=np.clip(splats.log_scales, np.log(0.1), np.log(0.3)).astype(np.float32),
        opacity_logits=np.full(40, 3.0, dtype=np.float32),
    )


def ring_camera(turn: float, width: int = WIDTH, height: int = HEIGHT) -> Camera:
    """A camera on a circle around the origin, `turn` of the way around; Z is up."""
    angle = 2 * np.pi * turn
    centre = np.array([3 * np.cos(angle), 3 * np.sin(angle), 0.8])
    forward = -centre / np.linalg.norm(centre)
    right = np.cross(forward, [0, 0, 1])
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, np.cross(forward, right), forward])
    pose[:3, 3] = -pose[:3, :3] @ centre
    return Camera(width, height, 1.2 * width, 1.2 * width, width / 2, height / 2, pose)


def make_tiny_set(folder: Path, *, test_every: int = 5, masked: bool = False) -> SetFolder:
    """A set of `PHOTOS` photos on an arc; every `test_every`-th is held out (none with 0)."""
    target = SetFolder.create(folder)
    images = target.poses / "images"
    images.mkdir(parents=True)
    splats = hidden_splats()
    engine = JudgeEngine(splats)
    frames = []
    for k in range(PHOTOS):
        camera = ring_camera(0.6 * k / PHOTOS)
        seen = engine.render(camera, background=np.zeros(3, np.float32), sh_degree=0, antialias=True)
        name = f"photo {k:02d}é.png"
        _write(images / name, np.rint(np.clip(seen.colour, 0, 1) * 255).astype(np.uint8)[..., ::-1])
        mask = None
        if masked:
            mask = f"poses/images/{k:02d}.mask.png"
            blind = np.full((HEIGHT, WIDTH), 255, dtype=np.uint8)
            blind[:8, :8] = 0
            _write(target.path / mask, blind)
        split = "test" if test_every and k % test_every == 2 else "train"
        frames.append(PosedFrame(name, f"poses/images/{name}", mask, camera, split, k))
    rng = np.random.default_rng(3)
    jitter = 0.05 * rng.normal(size=(40, 3))
    points = SparsePoints(
        points_in_world=(splats.means + jitter).astype(np.float32),
        rgb=np.clip((0.5 + SH_C0 * splats.sh[:, 0]) * 255, 0, 255).astype(np.uint8),
        error_px=np.full(40, 0.5, dtype=np.float32),
        track_length=np.full(40, 3, dtype=np.int32),
    )
    write_posed_frames(target.poses, PosedFrames(tuple(frames), points), {})
    return target


def _write(path: Path, image: np.ndarray) -> None:
    _, data = cv2.imencode(".png", image)
    path.write_bytes(data.tobytes())
