"""The training stage: posed frames in a set become Gaussians, a score and pictures to judge it by."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

import numpy as np

from setpiece.atomic import atomic_folder, write_atomic
from setpiece.durations import about
from setpiece.errors import TrainingError
from setpiece.posed import PosedFrames, read_posed_frames
from setpiece.progress import Progress, SilentProgress
from setpiece.reconstruct.checkpoint import (
    Checkpoint,
    finished,
    folder_of,
    forget,
    newest_checkpoint,
    write_checkpoint,
    write_final,
)
from setpiece.reconstruct.engine import Engine
from setpiece.reconstruct.engines import make_engine
from setpiece.reconstruct.evaluation import Score, View, mean_of, scores, write_pictures
from setpiece.reconstruct.floaters import Surroundings
from setpiece.reconstruct.images import Images, size_at
from setpiece.reconstruct.initial import initial_splats, scene_extent
from setpiece.reconstruct.options import Quality, TrainOptions
from setpiece.reconstruct.schedule import Schedule, schedule_for
from setpiece.reconstruct.trainer import Scene, Trainer
from setpiece.setfolder import SetFolder
from setpiece.stage import digest_before_rescaling, files_digest, telling_options

METRICS_SCHEMA = 1
PICTURED_FRAMES = 8  # at most so many held-out frames are written as pictures
SCORED_TRAIN_FRAMES = 8
MOST_CHECKPOINT_SECONDS = 25.0  # with the time to write one, at most half a minute of work is lost


def train(target: SetFolder, options: TrainOptions, progress: Progress | None = None) -> dict[str, Any]:
    """Train the set's Gaussians, or go on where a training with the same options stopped.

    Leaves `splats/checkpoints/final`, `splats/metrics.json`, `splats/evaluation/` and `splats/moving/`.
    Returns what came out: splats, steps, psnr and ssim (means over the held-out frames; None without any),
    psnr_train, train_frames, test_frames (of them test_views of test_panoramas), device, image_width and
    image_height, train_seconds, expected_seconds (of all steps, as forecast before the first; None where
    they are few), resumed_from_step (None when it ran in one go), moving_frames (in how many something that
    moves was masked), moving_share (of the pixels of all frames), psnr_with_moving (the score on whole
    held-out frames; None where nothing in them was masked).
    Raises TrainingError or MissingExtraError; KeyboardInterrupt after Ctrl-C, when everything is saved.
    """
    progress = progress or SilentProgress()
    posed = read_posed_frames(target.poses)
    if not posed.train:
        raise TrainingError(f"{target.path} has no photos to train on. Estimate the poses with more photos.")
    digest = training_digest(target, options)
    done = finished(target, digest, progress)
    if done is not None and (target.splats / "metrics.json").exists():
        return done
    longest = max(max(f.camera.width, f.camera.height) for f in posed.train)
    schedule = schedule_for(options, len(posed.train), longest)
    trainer = _trainer(target, posed, schedule, options, progress)
    # An engine cannot read another's state: each has checkpoints of its own, and leaves others alone.
    running_digest = checkpoint_digest(digest, trainer.engine.name)
    resumed_from = _resume(trainer, target, running_digest, progress)

    expected = _say_how_long(trainer, options, progress)

    def save() -> None:
        write_checkpoint(
            folder_of(target), Checkpoint(running_digest, trainer.step, trainer.facts(), trainer.arrays())
        )

    try:
        trainer.run(save, min(options.checkpoint_seconds, MOST_CHECKPOINT_SECONDS))
    except KeyboardInterrupt:
        progress.line(f"Stopped at step {trainer.step:,} of {schedule.steps:,}; everything is saved.")
        raise
    return _finish(trainer, target, digest, resumed_from, expected)


def training_digest(target: SetFolder, options: TrainOptions) -> str:
    """What a training is recognised by: its input, and the options that change what comes out."""
    files = digest_before_rescaling(
        target, "poses", files_digest([target.poses / "poses.json", target.poses / "points.npz"])
    )
    text = json.dumps([telling_options(options), files], sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def checkpoint_digest(digest: str, engine: str) -> str:
    """What the running checkpoints of the training with `digest` on an engine are recognised by."""
    return hashlib.blake2b(f"{engine}\0{digest}".encode(), digest_size=16).hexdigest()


def _trainer(
    target: SetFolder, posed: PosedFrames, schedule: Schedule, options: TrainOptions, progress: Progress
) -> Trainer:
    rng = np.random.default_rng((options.seed, 0))
    images = Images(target.path, schedule.max_side)
    splats = initial_splats(
        posed.points,
        posed.train,
        images,
        len(schedule.coarse_until),
        schedule.start_splats,
        schedule.sh_degree,
        rng,
    )
    engine: Engine = make_engine(options.device, splats, options.threads)
    scene = Scene(
        train=posed.train,
        test=posed.test,
        images=images,
        extent=scene_extent(posed.points, posed.train),
        background=np.zeros(3, dtype=np.float32),
        surroundings=Surroundings.of(posed.points, posed.train),
    )
    return Trainer(
        engine,
        scene,
        schedule,
        progress,
        antialias=options.antialias,
        learn_exposure=options.exposure,
        seed=options.seed,
    )


def _resume(trainer: Trainer, target: SetFolder, digest: str, progress: Progress) -> int | None:
    """Bring the trainer to the newest fitting checkpoint; the step it stands at, None without one."""
    checkpoint = newest_checkpoint(folder_of(target), digest, progress)
    if checkpoint is None:
        return None
    try:
        trainer.restore(checkpoint.step, checkpoint.facts, checkpoint.arrays)
    except (KeyError, ValueError) as error:
        progress.warning(
            f"The checkpoint of step {checkpoint.step:,} does not fit ({error}); training starts again."
        )
        forget(folder_of(target), digest)  # or those of the new start would count as the older ones
        return None
    progress.line(f"Going on from step {checkpoint.step:,}.")
    return checkpoint.step


def _say_how_long(trainer: Trainer, options: TrainOptions, progress: Progress) -> float | None:
    """Say how long the training will take, and would at other qualities; seconds of all its steps."""
    found = trainer.forecast()
    if found is None:
        return None
    seconds, quality = found.seconds(trainer.schedule, trainer.step), Quality(options.quality)
    text = f"Training  {about(seconds)} at {quality.value} quality"
    if not options.steps:
        count, side = len(trainer.scene.train), trainer.schedule.max_side
        others = {
            q.value: found.seconds(schedule_for(replace(options, quality=q), count, side))
            for q in Quality
            if q is not quality
        }
        text += " (" + ", ".join(f"{name} {about(seconds)}" for name, seconds in others.items()) + ")"
    progress.line(text)
    return round(found.seconds(trainer.schedule), 1)


def _finish(
    trainer: Trainer, target: SetFolder, digest: str, resumed_from: int | None, expected: float | None
) -> dict[str, Any]:
    scene, engine = trainer.scene, trainer.engine
    views, look = trainer.test_views(), trainer.look()
    found = scores(engine, scene.images, views, look)
    trainer.end_curve(found)
    with_moving = _psnr_with_moving(trainer, views, found)
    some = trainer.train_views()[:: max(1, len(scene.train) // SCORED_TRAIN_FRAMES)]
    on_train = scores(engine, scene.images, some, look)
    target.splats.mkdir(exist_ok=True)
    with atomic_folder(target.splats / "evaluation") as folder:
        shown = views[:: max(1, -(-len(views) // PICTURED_FRAMES))]
        write_pictures(engine, scene.images, shown, look, folder)
    with atomic_folder(target.splats / "moving") as folder:
        trainer.moving.write(folder, scene.train + scene.test)
    write_atomic(target.splats / "metrics.json", json.dumps(_metrics(trainer, found), indent=1).encode())
    width, height = size_at(scene.train[0].camera, trainer.schedule.max_side, 0)
    result = {
        "splats": engine.count,
        "steps": trainer.step,
        "psnr": mean_of([s.psnr for s in found]),
        "ssim": mean_of([s.ssim for s in found]),
        "psnr_train": mean_of([s.psnr for s in on_train]),
        "train_frames": len(scene.train),
        "test_frames": len(scene.test),
        "test_panoramas": len({f.instant for f in scene.test if f.instant}),
        "test_views": sum(f.instant is not None for f in scene.test),
        "device": engine.device,
        "image_width": width,
        "image_height": height,
        "train_seconds": round(trainer.seconds, 3),
        "expected_seconds": expected,
        "resumed_from_step": resumed_from,
        "moving_frames": len(trainer.moving.masks),
        "moving_share": round(trainer.moving.mean_share(scene.train + scene.test), 5),
        "psnr_with_moving": with_moving,
    }
    if trainer.moving.masks:
        trainer.progress.line(trainer.moving.sentence(len(scene.train + scene.test)))
    write_final(target, digest, trainer.step, engine.splats(), result)
    return result


def _psnr_with_moving(trainer: Trainer, views: list[View], found: list[Score]) -> float | None:
    """The mean score of the held-out frames had nothing that moves been masked; None where nothing was."""
    scene, moving = trainer.scene, trainer.moving
    masked = [v for v in views if v.frame.name in moving.masks]
    if not masked:
        return None
    scene.images.mask_moving({})
    whole = {s.name: s.psnr for s in scores(trainer.engine, scene.images, masked, trainer.look())}
    scene.images.mask_moving(moving.masks)
    return mean_of([whole.get(s.name, s.psnr) for s in found])


def _metrics(trainer: Trainer, found: list[Score]) -> dict[str, Any]:
    exposures = {v.frame.name: v.exposure.tolist() for v in trainer.train_views() + trainer.test_views()}
    return {
        "schema": METRICS_SCHEMA,
        "steps": trainer.step,
        "seconds": round(trainer.seconds, 3),
        "curve": trainer.curve,
        "frames": [{"name": s.name, "psnr": s.psnr, "ssim": s.ssim} for s in found],
        "exposure": exposures,
        "moving": {name: round(float(mask.mean()), 5) for name, mask in trainer.moving.masks.items()},
    }
