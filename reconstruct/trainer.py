"""The training loop: which photo, which size, which rates, when to edit, to measure and to save."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from setpiece.errors import TrainingError
from setpiece.posed import PosedFrame
from setpiece.progress import Progress, Task
from setpiece.reconstruct.checkpoint import Arrays
from setpiece.reconstruct.density import kept_rows, planned_edit
from setpiece.reconstruct.engine import Batch, Engine, Float32, Losses
from setpiece.reconstruct.evaluation import Look, Score, View, mean_of, scores
from setpiece.reconstruct.exposure import Exposures
from setpiece.reconstruct.floaters import Surroundings, floaters
from setpiece.reconstruct.forecast import PROBES, Forecast, forecast
from setpiece.reconstruct.images import Images
from setpiece.reconstruct.interrupt import Interrupt
from setpiece.reconstruct.masking import Moving
from setpiece.reconstruct.schedule import Schedule

T = TypeVar("T")

MEASURES = 6  # evaluations on the way
MEASURED_FRAMES = 3  # held-out frames of each
AHEAD = 8  # steps, this one included, whose pictures are decoded beforehand
PATIENCE = 20  # steps in a row whose loss may be not finite


@dataclass(frozen=True)
class Scene:
    """What is trained on."""

    train: tuple[PosedFrame, ...]
    test: tuple[PosedFrame, ...]
    images: Images
    extent: float  # how far away the scene is, set units
    background: Float32  # [3]
    surroundings: Surroundings


@dataclass
class Trainer:
    """A training under way. Its state is in the engine, `exposures`, `moving` and the fields below."""

    engine: Engine
    scene: Scene
    schedule: Schedule
    progress: Progress
    antialias: bool = True
    learn_exposure: bool = True
    seed: int = 0
    step: int = 0  # steps done
    seconds: float = 0.0  # of steps so far: neither measuring nor saving
    pace: float = 0.0  # seconds per step, smoothed
    start_splats: int = 0
    loss: float = math.nan  # smoothed
    bad_steps: int = 0  # in a row
    curve: list[dict[str, Any]] = field(default_factory=list)
    expected: Forecast | None = None  # how long steps take

    def __post_init__(self) -> None:
        self.start_splats = self.start_splats or self.engine.count
        self.moving = Moving()
        gains = [frame.gains if self.learn_exposure else None for frame in self.scene.train]
        self.exposures = Exposures([frame.order for frame in self.scene.train], gains)

    def run(self, save: Callable[[], None], save_seconds: float) -> None:
        """Train to the last step. `save` is called every `save_seconds` and on Ctrl-C, between two steps.

        Raises KeyboardInterrupt after Ctrl-C, TrainingError when the numbers run away for good.
        """
        total, bar_at = self.schedule.steps, self._bar_positions()
        saved = clock = time.monotonic()
        with Interrupt() as interrupt, self.progress.task("Training", total, int(bar_at[self.step])) as bar:
            while self.step < total:
                self._one_step()
                now = time.monotonic()
                self.seconds += now - clock
                self.pace = now - clock if self.pace == 0 else 0.9 * self.pace + 0.1 * (now - clock)
                self._say(bar, int(bar_at[self.step] - bar_at[self.step - 1]))
                if self.step in self._measured_steps():  # before it is saved, or a stop here would lose it
                    self._measure()
                if interrupt.asked or (now - saved >= save_seconds and self.step < total):
                    save()
                    saved = time.monotonic()
                if interrupt.asked:
                    raise KeyboardInterrupt
                clock = time.monotonic()

    def forecast(self) -> Forecast | None:
        """How long the steps will take; None where there are too few to tell."""
        count = len(self.scene.train)

        def probe(level: int, number: int) -> Batch:
            first = next((s for s in range(self.schedule.steps) if self.schedule.level(s) == level), 0)
            return self._batch(number * count // PROBES, level, first)

        self.expected = forecast(self.engine, self.schedule, probe)
        return self.expected

    def _one_step(self) -> None:
        schedule, scene, step = self.schedule, self.scene, self.step
        scene.images.ask(self._wanted(k) for k in range(step, min(step + AHEAD, schedule.steps)))
        index, level = self._frame_at(step), schedule.level(step)
        losses = self.engine.step(self._batch(index, level, step))
        self.step = step = step + 1
        if self.learn_exposure and step >= schedule.exposure_from * schedule.steps:
            self.exposures.update(index, losses.exposure_gradient, schedule.exposure_rate(step))
        self._guard(losses)
        if schedule.noise > 0 and step < schedule.grow_until * schedule.steps:
            decay = schedule.rates(step, 1.0).means / schedule.rates(0, 1.0).means
            self.engine.perturb(schedule.noise * decay, seed=self.seed * 1_000_003 + step)
        if schedule.edits_at(step):
            self._edit()
        if schedule.looks_for_moving_at(step):
            self._look_for_moving()

    def _frame_at(self, step: int) -> int:
        """Every frame once in each round, in an order of its own."""
        turn, place = divmod(step, len(self.scene.train))
        return int(_order(len(self.scene.train), self.seed, turn)[place])

    def _batch(self, index: int, level: int, step: int) -> Batch:
        """What the engine is given at a step."""
        schedule, scene = self.schedule, self.scene
        picture = scene.images.picture(scene.train[index], level)
        return Batch(
            camera=picture.camera,
            image=picture.image,
            mask=picture.mask,
            exposure=self.exposures.maps[index],
            background=scene.background,
            sh_degree=schedule.sh_degree_at(step),
            rates=schedule.rates(step, scene.extent),
            ssim_weight=schedule.ssim_weight_at(step),
            antialias=self.antialias,
            opacity_penalty=schedule.opacity_penalty,
            scale_penalty=schedule.scale_penalty / scene.extent,
            key=1 + index * 8 + level + (self.moving.looks << 40),
        )

    def _wanted(self, step: int) -> tuple[PosedFrame, int]:
        """The frame and the level of a step."""
        return self.scene.train[self._frame_at(step)], self.schedule.level(step)

    def _edit(self) -> None:
        splats = self.engine.splats()
        unwanted = floaters(self.scene.surroundings, splats.means)
        if self.schedule.grows_at(self.step):
            edit = planned_edit(
                self.engine.statistics(),
                splats.opacity_logits,
                splats.log_scales,
                self.schedule.splats_at(self.step, self.start_splats),
                np.random.default_rng((self.seed, 2, self.step)),
                unwanted,
            )
        else:
            edit = kept_rows(~unwanted, splats.opacity_logits) if unwanted.any() else None
        if edit is not None:
            self.engine.edit(edit)

    def _look_for_moving(self) -> None:
        """Mask what moves in all frames, from now on."""
        views = self.train_views() + self.test_views()
        self.moving = self.moving.looked(self.engine, self.scene.images, views, self.look())
        self.scene.images.mask_moving(self.moving.masks)

    def _guard(self, losses: Losses) -> None:
        """Drop Gaussians whose numbers ran away."""
        if math.isfinite(losses.total):
            self.bad_steps = 0
            self.loss = losses.l1 if math.isnan(self.loss) else 0.98 * self.loss + 0.02 * losses.l1
            return
        self.bad_steps += 1
        finite = self.engine.splats().finite()
        bad, count = int((~finite).sum()), self.engine.count
        if bad == count or self.bad_steps > PATIENCE:
            raise TrainingError(
                f"training ran away at step {self.step:,}: the loss is not a number. "
                "Run the same command again to go on from the last checkpoint; if that does not help, "
                "estimate the poses again."
            )
        if bad:
            self.engine.edit(kept_rows(finite, self.engine.opacity_logits()))
            self.progress.warning(f"Removed {bad:,} of {count:,} splats: not a number.")

    def _measured_steps(self) -> set[int]:
        total = self.schedule.steps
        return {round(total * (k + 1) / (MEASURES + 1)) for k in range(MEASURES)}

    def _measure(self) -> None:
        """Add a point to the curve, at full size whatever the size trained at."""
        found = scores(self.engine, self.scene.images, self._few(self.test_views()), self.look())
        self._add_to_curve(found)

    def end_curve(self, found: list[Score]) -> None:
        """Add the last point from the scores of all held-out frames: of the same few as every other point."""
        self._add_to_curve(self._few(found))

    def _few(self, frames: list[T]) -> list[T]:
        """Those of the held-out frames that every point of the curve is measured on."""
        return frames[:: -(-len(frames) // MEASURED_FRAMES) or 1]

    def _add_to_curve(self, found: list[Score]) -> None:
        """Remember how good the Gaussians are now."""
        self.curve.append(
            {
                "step": self.step,
                "seconds": round(self.seconds, 3),
                "psnr": mean_of([s.psnr for s in found]),
                "ssim": mean_of([s.ssim for s in found]),
                "loss": None if math.isnan(self.loss) else self.loss,
                "count": self.engine.count,
            }
        )

    @property
    def _frames(self) -> list[PosedFrame]:
        return [*self.scene.train, *self.scene.test]

    def look(self) -> Look:
        """How frames are rendered to be compared now."""
        degree = self.schedule.sh_degree_at(max(0, self.step - 1))
        return Look(self.scene.background, degree, self.antialias)

    def test_views(self) -> list[View]:
        """The held-out frames, with the exposure that their neighbours suggest."""
        return [
            View(f, self.exposures.predicted(f.order, f.gains if self.learn_exposure else None))
            for f in self.scene.test
        ]

    def train_views(self) -> list[View]:
        """The training frames with their exposures."""
        return [View(f, self.exposures.maps[i]) for i, f in enumerate(self.scene.train)]

    def _bar_positions(self) -> NDArray[np.int64]:
        """Where the bar stands after each step, [steps + 1]: by expected time, for a true time left."""
        steps = self.schedule.steps
        seconds = np.ones(steps) if self.expected is None else self.expected.per_step(self.schedule)
        share = np.concatenate([[0.0], np.cumsum(seconds)]) / seconds.sum()
        places: NDArray[np.int64] = np.round(share * steps).astype(np.int64)
        return places

    def _say(self, bar: Task, moved: int) -> None:
        rate = 1.0 / max(self.pace, 1e-9)
        bar.advance(moved, f"{self.engine.count:,} splats, loss {self.loss:.4f}, {rate:.0f} it/s")

    def facts(self) -> dict[str, Any]:
        """The JSON part of the state, for a checkpoint."""
        return {
            "engine": self.engine.name,
            "seconds": self.seconds,
            "start_splats": self.start_splats,
            "loss": None if math.isnan(self.loss) else self.loss,
            "curve": self.curve,
        }

    def arrays(self) -> Arrays:
        """The array part of the state, for a checkpoint."""
        engine = {f"engine.{k}": v for k, v in self.engine.state().items()}
        exposures = {f"exposures.{k}": v for k, v in self.exposures.state().items()}
        moving = {f"moving.{k}": v for k, v in self.moving.state().items()}
        return {**engine, **exposures, **moving}

    def restore(self, step: int, facts: dict[str, Any], arrays: Arrays) -> None:
        """Go on from a checkpoint. Raises KeyError or ValueError when it does not fit."""
        if facts["engine"] != self.engine.name:
            raise ValueError(f"it is of the engine {facts['engine']}, not {self.engine.name}")
        self.exposures.load_state(_part(arrays, "exposures."))
        self.engine.load_state(_part(arrays, "engine."))
        self.moving = Moving.of_state(_part(arrays, "moving."), self._frames)
        self.scene.images.mask_moving(self.moving.masks)
        self.step, self.seconds, self.start_splats = step, facts["seconds"], facts["start_splats"]
        self.loss = math.nan if facts["loss"] is None else facts["loss"]
        self.curve = list(facts["curve"])


@functools.lru_cache(maxsize=4)
def _order(count: int, seed: int, turn: int) -> NDArray[np.int64]:
    """The order of the frames in a round."""
    order: NDArray[np.int64] = np.random.default_rng((seed, 1, turn)).permutation(count)
    return order


def _part(arrays: Arrays, prefix: str) -> dict[str, NDArray[np.generic]]:
    return {name[len(prefix) :]: array for name, array in arrays.items() if name.startswith(prefix)}
