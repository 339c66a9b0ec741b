"""What the CPU engine promises beyond gradients: updates, edits, state, repeatability, hostile input."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from cpu_engine.comparison import GROUPS, group, usable_isas

from judge.batches import random_batch
from judge.engine import JudgeEngine
from judge.scenes import random_camera, random_splats
from setpiece.errors import TrainingError
from setpiece.reconstruct.cpu import CpuEngine
from setpiece.reconstruct.engine import Batch, Edit, LearningRates, Render
from setpiece.splats import Splats


def trained(splats: Splats, steps: int, threads: int = 1, isa: str | None = None) -> CpuEngine:
    engine = CpuEngine(splats, threads=threads, isa=isa)
    for i in range(steps):
        engine.step(replace(random_batch(60, 40), camera=random_camera(60, 40, seed=i), key=i))
    return engine


def look(engine: CpuEngine) -> Render:
    batch = random_batch(60, 40)
    return engine.render(batch.camera, background=batch.background, sh_degree=2, antialias=True)


def same(a: CpuEngine, b: CpuEngine) -> bool:
    first, second = a.state(), b.state()
    return all(np.array_equal(first[name], second[name]) for name in first)


def test_updates_and_statistics_follow_the_judge(isa: str) -> None:
    splats = random_splats(80, seed=1)
    engine, judge = CpuEngine(splats, threads=1, isa=isa), JudgeEngine(splats)
    rates = LearningRates(1e-4, 1e-4, 1e-4, 1e-4, 1e-4, 1e-4)
    for i in range(4):
        batch = replace(random_batch(30, 20, rates=rates), camera=random_camera(30, 20, seed=i))
        engine.step(batch)
        judge.step(batch)
    found, truth = engine.splats(), judge.splats()
    # Adam's first steps are +-rate whatever the size of the gradient, so a gradient that is zero but for
    # rounding may step the other way: nearly all values must agree, and none may be a whole run of steps off.
    for name in GROUPS:
        difference = np.abs(group(found, name) - group(truth, name))
        assert np.quantile(difference, 0.98) < 2e-6, name
        assert difference.max() < 2 * 4 * 1e-4, name
    ours, theirs = engine.statistics(), judge.statistics()
    np.testing.assert_array_equal(ours.seen, theirs.seen)
    for name in ("gradient", "error", "weight", "max_radius"):
        expected = getattr(theirs, name)
        np.testing.assert_allclose(
            getattr(ours, name), expected, rtol=1e-3, atol=1e-4 * expected.max(), err_msg=name
        )


def test_statistics_leave_masked_pixels_out(isa: str) -> None:
    splats = random_splats(40, seed=2)
    mask = np.zeros((20, 30), np.uint8)
    mask[:, :13] = 255
    batch = replace(random_batch(30, 20), mask=mask)
    engine, judge = CpuEngine(splats, threads=1, isa=isa), JudgeEngine(splats)
    engine.step(batch)
    judge.step(batch)
    np.testing.assert_array_equal(engine.statistics().seen, judge.statistics().seen)
    np.testing.assert_allclose(engine.statistics().weight, judge.statistics().weight, rtol=1e-4, atol=1e-4)


def test_unseen_gaussians_and_higher_terms_stand_still() -> None:
    splats = random_splats(50, seed=3)
    means = splats.means.copy()
    means[10] = 500.0
    splats = replace(splats, means=means)
    engine = CpuEngine(splats, threads=1)
    engine.step(random_batch(30, 20, sh_degree=1))
    after = engine.splats()
    np.testing.assert_array_equal(after.sh[:, 4:], splats.sh[:, 4:])
    assert np.abs(after.sh[:, :4] - splats.sh[:, :4]).max() > 0
    for name in GROUPS:
        np.testing.assert_array_equal(group(after, name)[10], group(splats, name)[10])


@pytest.mark.parametrize("isa", usable_isas())
def test_the_same_bits_for_any_number_of_threads(isa: str) -> None:
    splats = random_splats(700, seed=4)
    one = trained(splats, 5, threads=1, isa=isa)
    for threads in (1, 2, 5):
        other = trained(splats, 5, threads=threads, isa=isa)
        assert same(one, other)
        np.testing.assert_array_equal(look(one).colour, look(other).colour)


def test_state_goes_on_bit_by_bit() -> None:
    splats = random_splats(200, seed=5)
    whole = trained(splats, 3)
    state = whole.state()
    other = CpuEngine(random_splats(3, seed=6, sh_degree=1), threads=2)
    other.load_state(state)
    assert same(whole, other)
    for i in range(3):
        batch = replace(random_batch(60, 40), camera=random_camera(60, 40, seed=10 + i))
        assert whole.step(batch).total == other.step(batch).total
        whole.perturb(0.1, i)
        other.perturb(0.1, i)
    assert same(whole, other)


def test_unfit_states_are_refused() -> None:
    engine = trained(random_splats(20, seed=7), 1)
    state = engine.state()
    with pytest.raises(KeyError):
        engine.load_state({name: value for name, value in state.items() if name != "seen"})
    for name, wrong in {
        "values": state["values"][:, :13],
        "first_moments": state["first_moments"][:5],
        "sums": state["sums"][:3],
        "order": np.zeros(20, np.uint32),
        "steps": np.zeros(2, np.int64),
    }.items():
        with pytest.raises(ValueError, match=r"fit|values|permutation"):
            engine.load_state({**state, name: wrong})


def test_parameters_come_back_as_they_went_in() -> None:
    splats = random_splats(1000, seed=8)
    engine = CpuEngine(splats, threads=2)
    back = engine.splats()
    for name in GROUPS:
        np.testing.assert_array_equal(group(back, name), group(splats, name))
    np.testing.assert_array_equal(engine.opacity_logits(), splats.opacity_logits)
    np.testing.assert_array_equal(engine.log_scales(), splats.log_scales)
    assert engine.count == 1000


def test_edit_follows_the_judge() -> None:
    rng = np.random.default_rng(9)
    splats = random_splats(40, seed=9)
    engine, judge = CpuEngine(splats, threads=2), JudgeEngine(splats)
    batch = random_batch(30, 20)
    engine.step(batch)
    judge.step(batch)
    rows = rng.integers(0, 40, size=90)
    edit = Edit(
        parents=rows,
        offsets=np.where(rng.random((90, 1)) < 0.5, rng.normal(size=(90, 3)), 0.0).astype(np.float32),
        log_scale_change=rng.normal(size=90).astype(np.float32),
        opacity_logits=rng.normal(size=90).astype(np.float32),
        fresh=rng.random(90) < 0.5,
    )
    before = engine.splats()
    moments = engine.state()["second_moments"]
    engine.edit(edit)
    judge.edit(edit)
    assert engine.count == 90
    ours, theirs = engine.splats(), judge.splats()
    for name in GROUPS:
        # as in the updates: rounding may turn single first steps of Adam around
        difference = np.abs(group(ours, name) - group(theirs, name))
        assert np.quantile(difference, 0.95) < 1e-5, name
    still = ~edit.offsets.any(1)
    np.testing.assert_array_equal(ours.means[still], before.means[rows[still]])
    np.testing.assert_array_equal(ours.opacity_logits, edit.opacity_logits)
    after = engine.state()["second_moments"]
    np.testing.assert_array_equal(after[edit.fresh], np.zeros_like(after[edit.fresh]))
    np.testing.assert_array_equal(after[~edit.fresh], moments[rows[~edit.fresh]])
    assert engine.statistics().weight.max() == 0
    assert engine.statistics().seen.max() == 0
    engine.step(batch)


def test_edits_that_name_no_parent_are_refused() -> None:
    engine = CpuEngine(random_splats(4, seed=1), threads=1)
    one = np.zeros(1, np.float32)
    for parent in (4, -1):
        with pytest.raises(ValueError, match="parent"):
            engine.edit(Edit(np.array([parent]), np.zeros((1, 3), np.float32), one, one, np.array([True])))
    with pytest.raises(ValueError, match="length"):
        engine.edit(Edit(np.array([0, 1]), np.zeros((1, 3), np.float32), one, one, np.array([True])))


def test_edit_to_nothing() -> None:
    engine = CpuEngine(random_splats(4, seed=1), threads=1)
    none = np.zeros(0, np.float32)
    engine.edit(Edit(np.zeros(0, np.int64), np.zeros((0, 3), np.float32), none, none, np.zeros(0, np.bool_)))
    assert engine.count == 0
    engine.step(random_batch(20, 20))
    assert engine.splats().count == 0


def test_perturbation_has_the_shape_of_the_gaussian(isa: str) -> None:
    count = 4000
    splats = random_splats(1, seed=2).take(np.zeros(count, np.int64))
    splats = replace(splats, opacity_logits=np.full(count, -8.0, np.float32))
    engine = CpuEngine(splats, threads=2, isa=isa)
    engine.perturb(0.3, seed=5)
    moved = engine.splats().means - splats.means
    judge = JudgeEngine(splats)
    judge.perturb(0.3, seed=5)
    expected = np.cov((judge.splats().means - splats.means).T)
    # Both are samples of 4000: entries scatter by sqrt(2 / 4000) = 2.2 % of the variances, four of those.
    np.testing.assert_allclose(np.cov(moved.T), expected, atol=0.13 * np.trace(expected))
    assert np.abs(moved.mean(0)).max() < 5 * np.sqrt(np.trace(expected) / count)
    # Fourth moment of a normal distribution: 3, +- sqrt(96 / 4000) for the sample, five of those
    along = moved @ np.linalg.eigh(expected)[1][:, -1]
    assert (along**4).mean() / (along**2).mean() ** 2 == pytest.approx(3.0, abs=0.8)


def test_perturbation_is_repeatable_and_spares_the_opaque() -> None:
    splats = random_splats(300, seed=3)
    logits = np.where(np.arange(300) % 2 == 0, 3.0, -7.0).astype(np.float32)
    splats = replace(splats, opacity_logits=logits)
    results = []
    for threads, seed in ((1, 1), (2, 1), (1, 2)):
        engine = CpuEngine(splats, threads=threads)
        engine.perturb(1.0, seed)
        results.append(engine.splats().means)
    np.testing.assert_array_equal(results[0], results[1])
    assert np.abs(results[0] - results[2]).max() > 0
    np.testing.assert_array_equal(results[0][::2], splats.means[::2])
    assert (np.abs(results[0][1::2] - splats.means[1::2]).max(1) > 0).all()


def test_a_photo_is_known_again_by_its_key() -> None:
    splats = random_splats(30, seed=4)
    engine = CpuEngine(splats, threads=1)
    first, second = random_batch(30, 20, key=7), random_batch(30, 20, key=8)
    second = replace(second, image=255 - second.image)
    losses = [engine.gradients(b)[0].total for b in (first, second, first, second)]
    assert losses[0] == losses[2]
    assert losses[1] == losses[3]
    assert losses[0] != losses[1]
    smaller = random_batch(20, 10, key=7)
    assert engine.gradients(smaller)[0].total == CpuEngine(splats, threads=1).gradients(smaller)[0].total
    unkept = replace(first, key=0)
    assert engine.gradients(unkept)[0].total == losses[0]
    assert engine.gradients(replace(second, key=0))[0].total == losses[1]


def poisoned(splats: Splats, value: float) -> Splats:
    """Every kind of parameter spoilt in a few Gaussians of its own."""
    arrays = {name: getattr(splats, name).copy() for name in vars(splats)}
    for i, array in enumerate(arrays.values()):
        array[3 * i : 3 * i + 3] = value
    return Splats(**arrays)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38, 1e30, -1e30, 1e-40, 0.0])
def test_nonsense_in_some_gaussians_does_not_spread(isa: str, value: float) -> None:
    splats = poisoned(random_splats(100, seed=5), value)
    engine = CpuEngine(splats, threads=2, isa=isa)
    for i in range(4):
        losses = engine.step(replace(random_batch(40, 30), camera=random_camera(40, 30, seed=i)))
        assert np.isfinite(losses.total)
    after = engine.splats()
    sound = splats.finite()
    assert after.finite()[sound].all()
    assert np.isfinite(look(engine).colour).all()
    engine.perturb(1.0, 3)
    engine.state()


def test_a_photo_against_nonsense_changes_nothing(isa: str) -> None:
    splats = random_splats(50, seed=6)
    engine = CpuEngine(splats, threads=1, isa=isa)
    engine.step(random_batch(30, 20, exposure=np.full((3, 4), np.nan, np.float32)))
    assert engine.splats().finite().all()


def test_everything_stays_finite_at_rough_rates(isa: str) -> None:
    engine = CpuEngine(random_splats(300, seed=7), threads=1, isa=isa)
    rates = LearningRates(0.1, 0.3, 0.1, 0.5, 0.3, 0.1)
    for i in range(60):
        engine.step(replace(random_batch(40, 30, rates=rates), camera=random_camera(40, 30, seed=i % 5)))
    assert engine.splats().finite().all()


def test_training_lowers_the_loss(isa: str) -> None:
    truth = CpuEngine(random_splats(100, seed=8), threads=1)
    views: list[Batch] = []
    for i in range(4):
        batch = random_batch(40, 30, exposure=np.eye(3, 4, dtype=np.float32), key=i + 1)
        camera = random_camera(40, 30, seed=i)
        seen = truth.render(camera, background=batch.background, sh_degree=2, antialias=True).colour
        views.append(replace(batch, camera=camera, image=(255 * seen.clip(0, 1)).astype(np.uint8)))
    engine = CpuEngine(random_splats(100, seed=9), threads=1, isa=isa)
    start = np.mean([engine.gradients(view)[0].l1 for view in views])
    for step in range(200):
        engine.step(views[step % 4])
    assert np.mean([engine.gradients(view)[0].l1 for view in views]) < 0.5 * start


def test_large_pictures() -> None:
    engine = CpuEngine(random_splats(50, seed=10), threads=2)
    batch = random_batch(30, 20)
    camera = batch.camera.resized(4096, 4096)
    seen = engine.render(camera, background=batch.background, sh_degree=2, antialias=False)
    assert seen.colour.shape == (4096, 4096, 3)
    # the far corners are covered: the sum over the picture grows like its area
    small = engine.render(
        batch.camera.resized(256, 256), background=batch.background, sh_degree=2, antialias=False
    )
    assert seen.alpha.mean() == pytest.approx(small.alpha.mean(), rel=0.02)


def test_wrong_requests_are_refused() -> None:
    with pytest.raises(TrainingError, match="avx512, avx2 or plain"):
        CpuEngine(random_splats(3, seed=1), isa="sse9")
    with pytest.raises(TrainingError, match="threads"):
        CpuEngine(random_splats(3, seed=1), threads=-1)
    engine = CpuEngine(random_splats(3, seed=1), threads=1)
    batch = random_batch(30, 20)
    with pytest.raises(ValueError, match="photo"):
        engine.step(replace(batch, image=batch.image[:10]))


def test_the_environment_chooses_the_instruction_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SETPIECE_ISA", "plain")
    assert CpuEngine(random_splats(3, seed=1), threads=1).device == "cpu plain x1"


def test_timings_name_every_stage() -> None:
    engine = trained(random_splats(30, seed=1), 1)
    assert list(engine.timings()) == ["project", "bin", "forward", "loss", "backward", "update"]
    assert engine.projected()["visible"] > 0
