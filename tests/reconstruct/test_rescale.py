"""A training goes on after its world was brought to another size as if nothing had happened."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")  # the judge

from heard import Heard

from judge.batches import RATES, random_batch
from judge.scenes import random_splats
from judge.sets import make_tiny_set
from setpiece.reconstruct.checkpoint import FINAL, folder_of, read_checkpoint, read_splats
from setpiece.reconstruct.cpu.engine import CpuEngine
from setpiece.reconstruct.engine import Batch
from setpiece.reconstruct.options import TrainOptions
from setpiece.reconstruct.rescale import rescaled, write_rescaled_checkpoints
from setpiece.reconstruct.train import train

FACTOR = 0.4


def at_size(batch: Batch, factor: float) -> Batch:
    return replace(
        batch,
        camera=batch.camera.transformed(np.diag([factor, factor, factor, 1.0])),
        rates=replace(RATES, means=RATES.means * factor),
        scale_penalty=batch.scale_penalty / factor,
    )


def test_steps_after_a_change_of_size_are_those_without_it() -> None:
    batch = random_batch(scale_penalty=0.0)  # looks at each scale; in training it follows the extent
    small, large = (CpuEngine(random_splats(60, seed=2), threads=1) for _ in range(2))
    for engine in (small, large):
        for _ in range(5):
            engine.step(batch)
    state = {f"engine.{k}": v for k, v in large.state().items()}
    grown = {k[len("engine.") :]: v for k, v in rescaled(state, FACTOR).items()}
    large.load_state(grown)
    for _ in range(5):
        a, b = small.step(batch), large.step(at_size(batch, FACTOR))
        assert b.total == pytest.approx(a.total, rel=1e-3)  # float32, and 1e-15 of Adam
    assert np.allclose(large.splats().means, small.splats().means * FACTOR, atol=2e-4)
    assert np.allclose(large.splats().log_scales, small.splats().log_scales + np.log(FACTOR), atol=5e-3)


def test_a_finished_training_changes_its_size(tmp_path: Path, heard: Heard) -> None:
    target = make_tiny_set(tmp_path / "set")
    train(target, TrainOptions(steps=20, max_splats=80, sh_degree=0, device="cpu", threads=1))
    before = read_splats(target)
    path = folder_of(target) / FINAL
    digest = read_checkpoint(path).digest
    write_rescaled_checkpoints(target, FACTOR, tmp_path, heard)
    (tmp_path / FINAL).replace(path)
    after = read_splats(target)
    assert np.allclose(after.means, before.means * FACTOR)
    assert np.allclose(after.log_scales, before.log_scales + np.log(FACTOR), atol=1e-6)
    assert np.array_equal(after.sh, before.sh)
    assert read_checkpoint(path).digest == digest
    path.write_bytes(b"{}\n")
    write_rescaled_checkpoints(target, FACTOR, tmp_path, heard)
    assert "damaged" in heard.warnings[0]


def test_the_names_of_the_other_engine() -> None:
    arrays = {
        f"engine.{name}": np.ones((2, 3), np.float32)
        for name in ("means", "first.means", "second.means", "log_scales", "first.log_scales", "sh")
    }
    grown = rescaled(dict(arrays), FACTOR)
    for name, value in {"means": 0.4, "first.means": 2.5, "second.means": 6.25, "sh": 1}.items():
        assert np.allclose(np.asarray(grown[f"engine.{name}"], np.float32), value), name
    assert np.allclose(np.asarray(grown["engine.log_scales"], np.float32), 1 + np.log(FACTOR))
    assert np.array_equal(grown["engine.first.log_scales"], arrays["engine.first.log_scales"])


def test_arrays_of_something_else_are_refused() -> None:
    with pytest.raises(KeyError):
        rescaled({"exposures.maps": np.zeros(3, np.float32)}, 2.0)
