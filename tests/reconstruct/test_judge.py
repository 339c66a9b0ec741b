"""The judge judged: laws that need no other renderer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from judge.batches import random_batch as batch  # noqa: E402
from judge.engine import Judged, JudgeEngine  # noqa: E402
from judge.renderer import Parameters  # noqa: E402
from judge.scenes import random_camera, random_splats  # noqa: E402
from setpiece.reconstruct.engine import Edit  # noqa: E402


@pytest.mark.parametrize("name", ["means", "log_scales", "quats", "opacity_logits", "sh"])
def test_gradients_are_slopes(name: str) -> None:
    splats = random_splats(12, seed=1)
    step = 1e-6

    def loss(parameters: Parameters) -> float:
        return Judged(parameters, batch()).losses.total

    parameters = Parameters.of(splats)
    loss(parameters)
    leaf = parameters.named()[name]
    gradient = leaf.grad.clone()
    direction = torch.randn(leaf.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    with torch.no_grad():
        leaf += step * direction
    above = loss(parameters)
    with torch.no_grad():
        leaf -= 2 * step * direction
    below = loss(parameters)
    # Central differences err by step^2; the jumps at the alpha threshold are avoided by the seed.
    assert (above - below) / (2 * step) == pytest.approx(float((gradient * direction).sum()), rel=1e-4)


def test_nothing_to_see_is_background() -> None:
    camera = random_camera(8, 6, seed=0)
    engine = JudgeEngine(random_splats(0, seed=0))
    seen = engine.render(camera, background=np.full(3, 0.5, np.float32), sh_degree=3, antialias=True)
    assert np.all(seen.colour == 0.5)
    assert not seen.alpha.any()
    assert not seen.depth.any()


def test_masked_pixels_do_not_matter() -> None:
    mask = np.full((18, 24), 255, dtype=np.uint8)
    mask[:, 10:] = 0
    one, other = batch(mask=mask), batch(mask=mask)
    other.image[:, 10:] = 77
    splats = random_splats(20, seed=2)
    a, b = Judged(Parameters.of(splats), one), Judged(Parameters.of(splats), other)
    assert a.losses.total == b.losses.total
    nothing = Judged(Parameters.of(splats), batch(mask=np.zeros_like(mask)))
    assert (nothing.losses.l1, nothing.losses.ssim) == (0.0, 1.0)


def test_training_goes_on_bit_by_bit() -> None:
    one, other = (JudgeEngine(random_splats(20, seed=3)) for _ in range(2))
    first = one.step(batch()).total
    other.load_state(one.state())
    losses = [(one.step(batch()).total, other.step(batch()).total) for _ in range(3)]
    assert all(a == b for a, b in losses)
    assert losses[-1][0] < first


def test_edit_keeps_what_is_inherited() -> None:
    engine = JudgeEngine(random_splats(5, seed=4))
    engine.step(batch())
    before = engine.splats()
    parents = np.array([0, 0, 3])
    engine.edit(
        Edit(
            parents=parents,
            offsets=np.array([[0, 0, 0], [1, 0, 0], [0, 0, 0]], dtype=np.float32),
            log_scale_change=np.array([0, -1, 0], dtype=np.float32),
            opacity_logits=np.array([0.5, -0.5, 1.0], dtype=np.float32),
            fresh=np.array([False, True, False]),
        )
    )
    after = engine.splats()
    np.testing.assert_array_equal(after.sh, before.sh[parents])
    np.testing.assert_array_equal(after.opacity_logits, [0.5, -0.5, 1.0])
    moved = np.linalg.norm(after.means - before.means[parents], axis=1)
    # One standard deviation along the first axis; float32 parameters.
    np.testing.assert_allclose(moved, [0, np.exp(before.log_scales[0, 0]), 0], rtol=1e-5, atol=1e-6)
    assert not engine.statistics().seen.any()
    assert not engine.first["means"][1].any()


def test_noise_moves_only_the_transparent() -> None:
    splats = replace(random_splats(40, seed=6), opacity_logits=np.repeat([-8.0, 4.0], 20).astype(np.float32))
    engine = JudgeEngine(splats)
    engine.perturb(1.0, seed=1)
    moved = np.linalg.norm(engine.splats().means - splats.means, axis=1)
    assert moved[:20].mean() > 0.01
    assert np.all(moved[20:] == 0)
