"""How long a training will take, from a few steps tried beforehand on the machine and the photos at hand."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from setpiece.reconstruct.engine import Batch, Edit, Engine, Float32
from setpiece.reconstruct.schedule import Schedule

FEWEST_STEPS = 200  # of a training worth a forecast
GROWS = 1.2  # times as many Gaussians in the end; less growth drowns in what one trial differs from the next
PROBES = 3  # photos tried at each size
TRIES = 3  # of each; the quickest counts, as nothing else makes it too quick
# A step of a training under way over one that was tried: Gaussians become opaque, rays end early. It was 0.7
# to 0.83 in five trainings of two captures, with measuring, editing and saving.
SETTLED = 0.78
SPREAD = 0.7  # standard deviations by which tried Gaussians move along their longest axis

Probe = Callable[[int, int], Batch]  # a step to try: its level, and which of the probes it is


@dataclass(frozen=True)
class Forecast:
    """Seconds per step at two sizes of the population; between and beyond them, on a straight line.

    Where both are the same the size counts for nothing.
    """

    few: int  # Gaussians
    many: int
    seconds_few: tuple[float, ...]  # per step at each level
    seconds_many: tuple[float, ...]

    def per_step(self, schedule: Schedule) -> NDArray[np.float64]:
        """Seconds of each step of a training that starts with the schedule's Gaussians, [steps]."""
        steps = range(schedule.steps)
        levels = np.array([min(schedule.level(s), len(self.seconds_few) - 1) for s in steps], np.int64)
        counts = np.array([schedule.splats_at(s, schedule.start_splats) for s in steps], np.float64)
        few, many = np.array(self.seconds_few)[levels], np.array(self.seconds_many)[levels]
        grown = (counts - self.few) / max(self.many - self.few, 1)
        seconds: NDArray[np.float64] = SETTLED * np.maximum(few + (many - few) * grown, 0.3 * few)
        return seconds

    def seconds(self, schedule: Schedule, done: int = 0) -> float:
        """Seconds of a training after `done` steps."""
        return float(self.per_step(schedule)[done:].sum())


def forecast(engine: Engine, schedule: Schedule, probe: Probe) -> Forecast | None:
    """Try a few steps with the engine, which is afterwards as it was; None where a training is too short."""
    if schedule.steps < FEWEST_STEPS:
        return None
    before = engine.state()
    levels = range(len(schedule.coarse_until) + 1)
    few = engine.count
    try:
        seconds_few = tuple(_seconds(engine, probe, level) for level in levels)
        many, seconds_many = few, seconds_few
        if schedule.max_splats > GROWS * few:
            engine.edit(_grown(engine, schedule.max_splats))
            many = engine.count
            seconds_many = tuple(_seconds(engine, probe, level) for level in levels)
    finally:
        engine.load_state(before)
    return Forecast(few, many, seconds_few, seconds_many)


def _seconds(engine: Engine, probe: Probe, level: int) -> float:
    """The mean over the probes of a step at a level."""
    return float(np.mean([_quickest(engine, probe(level, number)) for number in range(PROBES)]))


def _quickest(engine: Engine, batch: Batch) -> float:
    batch = replace(batch, rates=batch.rates.none())
    taken = []
    for _ in range(TRIES):
        started = time.perf_counter()
        engine.step(batch)
        taken.append(time.perf_counter() - started)
    return min(taken)


def _grown(engine: Engine, target: int) -> Edit:
    """Every Gaussian replaced by several smaller ones that cover about the same area."""
    count, log_scales = engine.count, engine.log_scales()
    parents = np.sort(np.arange(target, dtype=np.int64) % count)
    copies = np.bincount(parents, minlength=count)[parents]
    offsets: Float32 = np.zeros((target, 3), np.float32)
    place = np.random.default_rng(0).uniform(-SPREAD, SPREAD, target)
    offsets[np.arange(target), np.argmax(log_scales[parents], axis=1)] = place
    return Edit(
        parents=parents,
        offsets=offsets,
        log_scale_change=(-0.5 * np.log(copies)).astype(np.float32),
        opacity_logits=engine.opacity_logits()[parents],
        fresh=np.ones(target, dtype=bool),
    )
