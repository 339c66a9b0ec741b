"""The training loop: which photo, which size, which rates, when to edit, to measure and to save."""

from __future__ import annotations

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
from setpiece.reconstruct.images import Images
from setpiece.reconstruct.interrupt import Interrupt
from setpiece.reconstruct.schedule import Schedule

T = TypeVar("T")

MEASURES = 8  # evaluations on the way
MEASURED_FRAMES = 4  # held-out frames of each
PATIENCE = 20  # steps in a row whose loss may be not finite


@dataclass(frozen=True)
class Scene:
    """What is trained on."""

    train: tuple[PosedFrame, ...]
    test: tuple[PosedFrame, ...]
    images: Images
    extent: float  # how far away the scene is, set units
    background: Float32  # [3]


@dataclass
class Trainer:
    """A training under way. All of its state is in the engine, in `exposures` and in the fields below."""

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

    def __post_init__(self) -> None:
        self.start_splats = self.start_splats or self.engine.count
        self.exposures = Exposures([frame.order for frame in self.scene.train])

    def run(self, save: Callable[[], None], save_seconds: float) -> None:
        """Train to the last step. `save` is called every `save_seconds` and on Ctrl-C, between two steps.

        Raises KeyboardInterrupt after Ctrl-C, TrainingError when the numbers run away for good.
        """
        total = self.schedule.steps
        saved = clock = time.monotonic()
        with Interrupt() as interrupt, self.progress.task("Training", total, self._bar(self.step)) as bar:
            while self.step < total:
                self._one_step()
                now = time.monotonic()
                self.seconds += now - clock
                self.pace = now - clock if self.pace == 0 else 0.9 * self.pace + 0.1 * (now - clock)
                self._say(bar)
                if self.step in self._measured_steps():  # before it is saved, or a stop here would lose it
                    self._measure()
                if interrupt.asked or (now - saved >= save_seconds and self.step < total):
                    save()
                    saved = time.monotonic()
                if interrupt.asked:
                    raise KeyboardInterrupt
                clock = time.monotonic()

    def _one_step(self) -> None:
        schedule, scene, step = self.schedule, self.scene, self.step
        index = self._frame_at(step)
        level = schedule.level(step)
        picture = scene.images.picture(scene.train[index], level)
        losses = self.engine.step(
            Batch(
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
                key=1 + index * 8 + level,
            )
        )
        self.step = step = step + 1
        if self.learn_exposure and step >= schedule.exposure_from * schedule.steps:
            self.exposures.update(index, losses.exposure_gradient, schedule.exposure_rate(step))
        self._guard(losses)
        if schedule.noise > 0 and step < schedule.grow_until * schedule.steps:
            decay = schedule.rates(step, 1.0).means / schedule.rates(0, 1.0).means
            self.engine.perturb(schedule.noise * decay, seed=self.seed * 1_000_003 + step)
        if schedule.edits_at(step):
            self._edit()

    def _frame_at(self, step: int) -> int:
        """Every frame once in each round, in an order of its own."""
        count = len(self.scene.train)
        turn, place = divmod(step, count)
        order = np.random.default_rng((self.seed, 1, turn)).permutation(count)
        return int(order[place])

    def _edit(self) -> None:
        edit = planned_edit(
            self.engine.statistics(),
            self.engine.opacity_logits(),
            self.engine.log_scales(),
            self.schedule.splats_at(self.step, self.start_splats),
            np.random.default_rng((self.seed, 2, self.step)),
        )
        if edit is not None:
            self.engine.edit(edit)

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

    def look(self) -> Look:
        """How frames are rendered to be compared now."""
        degree = self.schedule.sh_degree_at(max(0, self.step - 1))
        return Look(self.scene.background, degree, self.antialias)

    def test_views(self) -> list[View]:
        """The held-out frames, with the exposure that their neighbours suggest."""
        return [View(f, self.exposures.predicted(f.order)) for f in self.scene.test]

    def train_views(self) -> list[View]:
        """The training frames with their exposures."""
        return [View(f, self.exposures.maps[i]) for i, f in enumerate(self.scene.train)]

    def _bar(self, steps: int) -> int:
        """Where the bar stands: by work rather than by steps, so that the time left is right."""
        work = self.schedule.pixels_seen(steps) / self.schedule.pixels_seen(self.schedule.steps)
        return int(work * self.schedule.steps)

    def _say(self, bar: Task) -> None:
        done = self._bar(self.step) - self._bar(self.step - 1)
        rate = 1.0 / max(self.pace, 1e-9)
        bar.advance(done, f"{self.engine.count:,} splats, loss {self.loss:.4f}, {rate:.0f} it/s")

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
        return {**engine, **exposures}

    def restore(self, step: int, facts: dict[str, Any], arrays: Arrays) -> None:
        """Go on from a checkpoint. Raises KeyError or ValueError when it does not fit."""
        if facts["engine"] != self.engine.name:
            raise ValueError(f"it is of the engine {facts['engine']}, not {self.engine.name}")
        self.exposures.load_state(_part(arrays, "exposures."))
        self.engine.load_state(_part(arrays, "engine."))
        self.step, self.seconds, self.start_splats = step, facts["seconds"], facts["start_splats"]
        self.loss = math.nan if facts["loss"] is None else facts["loss"]
        self.curve = list(facts["curve"])


def _part(arrays: Arrays, prefix: str) -> dict[str, NDArray[np.generic]]:
    return {name[len(prefix) :]: array for name, array in arrays.items() if name.startswith(prefix)}
