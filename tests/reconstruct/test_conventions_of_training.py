"""What a loss and an exposure are, said with other arithmetic than the engines' (docs/conventions.md)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")

from judge.batches import random_batch
from judge.engine import JudgeEngine
from judge.scenes import random_splats
from setpiece.reconstruct.cpu.engine import CpuEngine
from setpiece.reconstruct.metrics import ssim

ENGINES = pytest.mark.parametrize("engine", [JudgeEngine, CpuEngine])


@ENGINES
@pytest.mark.parametrize("masked", [False, True])
def test_the_loss_is_what_the_protocol_says(engine: type, masked: bool) -> None:
    mask = np.full((18, 24), 255, dtype=np.uint8)
    if masked:
        mask[4:9, 3:20] = 0
    batch = random_batch(
        mask=mask if masked else None, ssim_weight=0.3, opacity_penalty=0.0, scale_penalty=0.0
    )
    computes = engine(random_splats(30, seed=3))
    view = {"background": batch.background, "sh_degree": batch.sh_degree, "antialias": batch.antialias}
    colour = computes.render(batch.camera, **view).colour
    shown = (colour @ batch.exposure[:, :3].T + batch.exposure[:, 3]).astype(np.float32)
    photo = batch.image.astype(np.float32) / np.float32(255)
    losses = computes.step(batch)
    l1 = np.abs(shown - photo)[mask != 0].mean()
    alike = ssim(shown, photo, mask != 0)
    # float32 pictures and sums
    assert losses.l1 == pytest.approx(l1, abs=1e-5)
    assert losses.ssim == pytest.approx(alike, abs=1e-4)
    assert losses.total == pytest.approx(0.7 * l1 + 0.3 * (1 - alike), abs=1e-4)


@ENGINES
def test_a_photo_shows_its_exposure_times_the_render(engine: type) -> None:
    background = np.array([0.8, 0.5, 0.2], dtype=np.float32)
    exposure = np.array([[0.9, 0.1, 0, 0.02], [0, 0.7, 0.3, -0.01], [0.2, 0, 1.1, 0.05]], dtype=np.float32)
    batch = random_batch(ssim_weight=0.0, opacity_penalty=0.0, scale_penalty=0.0)
    image = np.empty_like(batch.image)
    image[:] = np.rint(255 * (exposure[:, :3] @ background + exposure[:, 3]))
    batch = replace(batch, image=image, exposure=exposure, background=background)
    # Nothing but background: what is left is the rounding to bytes.
    assert engine(random_splats(0, seed=0)).step(batch).l1 <= 0.5 / 255 + 1e-6
