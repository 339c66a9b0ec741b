"""A random training step for the judge and the engines."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from judge.scenes import random_camera
from setpiece.reconstruct.engine import Batch, LearningRates

RATES = LearningRates(means=1e-3, log_scales=5e-3, quats=1e-3, opacity_logits=5e-2, sh0=1e-2, sh_rest=1e-3)


def random_batch(width: int = 24, height: int = 18, **changes: object) -> Batch:
    """A photo of noise seen by a camera that looks at the origin; `changes` replace fields."""
    rng = np.random.default_rng(7)
    whole = Batch(
        camera=random_camera(width, height, seed=5),
        image=rng.integers(0, 256, (height, width, 3), dtype=np.uint8),
        mask=None,
        exposure=np.eye(3, 4, dtype=np.float32) + 0.05 * rng.normal(size=(3, 4)).astype(np.float32),
        background=np.array([0.1, 0.2, 0.3], dtype=np.float32),
        sh_degree=2,
        rates=RATES,
        ssim_weight=0.2,
        antialias=True,
        opacity_penalty=0.01,
        scale_penalty=0.01,
    )
    return replace(whole, **changes)  # type: ignore[arg-type]
