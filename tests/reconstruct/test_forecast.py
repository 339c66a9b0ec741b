"""How long a training will take, told before it starts."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("setpiece.reconstruct.cpu._native", reason="built without native code")

from judge.batches import random_batch
from judge.scenes import random_splats
from setpiece.durations import about
from setpiece.reconstruct import forecast as module
from setpiece.reconstruct.cpu import CpuEngine
from setpiece.reconstruct.engine import Batch, Edit
from setpiece.reconstruct.forecast import SETTLED, forecast
from setpiece.reconstruct.options import TrainOptions
from setpiece.reconstruct.schedule import Schedule, schedule_for

SCHEDULE = schedule_for(TrainOptions(steps=500, max_splats=900), 50, 960)


@dataclass
class Clockwork:
    """An engine whose steps take a known time on a clock of its own."""

    count: int
    now: float = 0.0
    tried: list[Batch] = field(default_factory=list)

    def perf_counter(self) -> float:
        return self.now

    def cost(self, level: int, count: int) -> float:
        return 0.02 / 4**level + 1e-5 * count

    def step(self, batch: Batch) -> None:
        self.tried.append(batch)
        self.now += self.cost(batch.key, self.count)

    def log_scales(self) -> np.ndarray:
        return np.zeros((self.count, 3), np.float32)

    def opacity_logits(self) -> np.ndarray:
        return np.zeros(self.count, np.float32)

    def edit(self, edit: Edit) -> None:
        self.count = len(edit.parents)

    def state(self) -> dict[str, Any]:
        return {"count": self.count}

    def load_state(self, state: dict[str, Any]) -> None:
        self.count = state["count"]


def true_seconds(engine: Clockwork, schedule: Schedule) -> float:
    return sum(
        engine.cost(schedule.level(s), schedule.splats_at(s, schedule.start_splats))
        for s in range(schedule.steps)
    )


def test_a_cost_that_is_linear_is_told_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Clockwork(SCHEDULE.start_splats)
    monkeypatch.setattr(module, "time", engine)
    found = forecast(engine, SCHEDULE, lambda level, number: random_batch(key=level))  # type: ignore[arg-type]
    assert found is not None
    assert engine.count == SCHEDULE.start_splats
    assert all(batch.rates == batch.rates.none() for batch in engine.tried)
    assert found.seconds(SCHEDULE) == pytest.approx(SETTLED * true_seconds(engine, SCHEDULE))
    longer = replace(SCHEDULE, steps=2000, max_splats=1800)
    assert found.seconds(longer) == pytest.approx(SETTLED * true_seconds(engine, longer))
    assert found.seconds(SCHEDULE, 499) == pytest.approx(SETTLED * engine.cost(0, SCHEDULE.max_splats))
    assert found.seconds(SCHEDULE, 500) == 0


def test_a_training_that_goes_on_with_all_its_gaussians(monkeypatch: pytest.MonkeyPatch) -> None:
    """One Gaussian less than the most is no size of its own: a line through both would point anywhere."""
    engine = Clockwork(SCHEDULE.max_splats - 1)
    monkeypatch.setattr(module, "time", engine)
    noise = iter(np.random.default_rng(0).uniform(0, 0.01, 10_000))
    monkeypatch.setattr(engine, "cost", lambda level, count: 0.02 / 4**level + next(noise))
    found = forecast(engine, SCHEDULE, lambda level, number: random_batch(key=level))  # type: ignore[arg-type]
    assert found is not None
    per_step = found.per_step(SCHEDULE)
    at_level = [per_step[s] for s in (0, SCHEDULE.steps // 3, SCHEDULE.steps - 1)]
    assert at_level == sorted(at_level)  # larger pictures take longer
    assert max(at_level) < SETTLED * 0.03


def test_the_engine_is_left_as_it_was() -> None:
    engine = CpuEngine(random_splats(200, seed=3, sh_degree=2), threads=1)
    for _ in range(3):
        engine.step(random_batch())
    before = engine.state()
    found = forecast(engine, SCHEDULE, lambda level, number: random_batch())
    assert found is not None
    assert (found.few, found.many) == (200, SCHEDULE.max_splats)
    after = engine.state()
    assert before.keys() == after.keys()
    for name, array in before.items():
        np.testing.assert_array_equal(array, after[name], err_msg=name)


def test_a_short_training_is_just_run() -> None:
    engine = Clockwork(10)
    short = schedule_for(TrainOptions(steps=module.FEWEST_STEPS - 1), 50, 960)
    assert forecast(engine, short, lambda level, number: random_batch()) is None  # type: ignore[arg-type]
    assert engine.tried == []


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.1, "about 1 s"),
        (7.4, "about 7 s"),
        (43.0, "about 45 s"),
        (87.4, "about 85 s"),
        (88.0, "about 1 min 30 s"),
        (119.0, "about 2 min"),
        (594.0, "about 9 min 50 s"),
        (1500.0, "about 25 min"),
        (3600.0, "about 1 h"),
        (11400.0, "about 3 h 10 min"),
    ],
)
def test_durations_are_no_finer_than_they_are_known(seconds: float, words: str) -> None:
    assert about(seconds) == words
