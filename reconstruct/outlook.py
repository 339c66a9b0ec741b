"""What a training would take, for each quality, from a few steps tried on a few of the photos."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from setpiece.posed import PosedFrames
from setpiece.progress import SilentProgress
from setpiece.reconstruct.engines import make_engine
from setpiece.reconstruct.floaters import Surroundings
from setpiece.reconstruct.images import Images
from setpiece.reconstruct.initial import initial_splats, scene_extent
from setpiece.reconstruct.options import Quality, TrainOptions
from setpiece.reconstruct.schedule import Schedule, schedule_for
from setpiece.reconstruct.trainer import Scene, Trainer

# Peak memory of whole builds on the CPU (docs/performance.md): 0.79 GB with 100,000 Gaussians and fifty
# pictures of 539x960, 1.9 GB with 882,350.
BASE_BYTES, BYTES_PER_SPLAT = 0.55e9, 1450.0
MOST_PICTURE_BYTES = 0.5e9  # of decoded pictures (images.py)
PLY_BYTES = {0: 56, 1: 92, 2: 152, 3: 236}  # of a Gaussian in scene.ply, by degree
CHECKPOINT_BYTES = 3  # times the Gaussians' own: the values and Adam's two moments
CHECKPOINTS = 2


@dataclass(frozen=True)
class Outlook:
    """What one quality would take."""

    quality: str
    seconds: float
    splats: int
    memory_bytes: int  # of the whole process, at its peak
    disk_bytes: int  # of scene.ply and the checkpoints


def outlooks(
    folder: Path, sample: PosedFrames, photos: int, options: TrainOptions | None = None
) -> tuple[str, list[Outlook]]:
    """The device, and what each quality would take there for `photos` training photos like those sampled.

    `folder` is the set that the sample's pictures are in.
    """
    options = options or TrainOptions()
    longest = max(max(f.camera.width, f.camera.height) for f in sample.frames)
    schedule = schedule_for(options, photos, longest)
    trainer = _trainer(folder, sample, schedule, options)
    found = trainer.forecast()
    if found is None:
        return trainer.engine.device, []
    shown = []
    for quality in Quality:
        plan = schedule_for(replace(options, quality=quality), photos, longest)
        camera = sample.frames[0].camera
        shorter = min(camera.width, camera.height) / longest
        pictures = min(MOST_PICTURE_BYTES, 3.0 * photos * plan.max_side**2 * shorter)
        file = plan.max_splats * PLY_BYTES[plan.sh_degree]
        shown.append(
            Outlook(
                quality=quality.value,
                seconds=round(found.seconds(plan), 1),
                splats=plan.max_splats,
                memory_bytes=round(BASE_BYTES + pictures + BYTES_PER_SPLAT * plan.max_splats),
                disk_bytes=file * (1 + CHECKPOINT_BYTES * CHECKPOINTS),
            )
        )
    return trainer.engine.device, shown


def _trainer(folder: Path, sample: PosedFrames, schedule: Schedule, options: TrainOptions) -> Trainer:
    images = Images(folder, schedule.max_side)
    splats = initial_splats(
        sample.points,
        sample.frames,
        images,
        len(schedule.coarse_until),
        schedule.start_splats,
        schedule.sh_degree,
        np.random.default_rng((options.seed, 0)),
    )
    scene = Scene(
        train=sample.frames,
        test=(),
        images=images,
        extent=scene_extent(sample.points, sample.frames),
        background=np.zeros(3, dtype=np.float32),
        surroundings=Surroundings.of(sample.points, sample.frames),
    )
    engine = make_engine(options.device, splats, options.threads)
    return Trainer(engine, scene, schedule, SilentProgress(), antialias=options.antialias)
