"""The instruction sets of this machine, and comparison of the CPU engine with the judge."""

from __future__ import annotations

import numpy as np
import pytest

from judge.engine import Judged
from judge.renderer import Parameters
from setpiece.reconstruct.cpu import CpuEngine, _native
from setpiece.reconstruct.engine import Batch
from setpiece.splats import Splats

ISAS = ["plain", "avx2", "avx512"]

# Float32 against float64. A colour sums up to some hundred weights of one rounding (6e-8) each, and an alpha
# near 1/255 may fall on either side of the threshold: one weight of 4e-3 more or less at single pixels is
# allowed for by comparing means as well as maxima.
IMAGE_TOLERANCE = 1e-5
# Gradients pass through the inverse of a 2D covariance, whose condition number (up to 1e3 in these scenes)
# multiplies the rounding; compared with the largest gradient of the group.
GRADIENT_TOLERANCE = 1e-4

GROUPS = ("means", "log_scales", "quats", "opacity_logits", "sh")


def usable_isas() -> list[str]:
    """The instruction sets that this machine can run."""
    return ISAS[: ISAS.index(_native.best_isa()) + 1]


def group(gradient: Splats, name: str) -> np.ndarray:
    """One parameter group of gradients, by the judge's name for it."""
    array: np.ndarray = getattr(gradient, "quats_wxyz" if name == "quats" else name)
    return array


def assert_agrees(splats: Splats, batch: Batch, isa: str | None, threads: int = 1) -> None:
    """Losses, picture and all gradients are those of the judge."""
    parameters = Parameters.of(splats)
    judged = Judged(parameters, batch)
    engine = CpuEngine(splats, threads=threads, isa=isa)
    losses, gradient = engine.gradients(batch)
    seen = engine.render(
        batch.camera,
        background=batch.background,
        sh_degree=batch.sh_degree,
        antialias=batch.antialias,
        normals=True,
    )
    picture = judged.picture
    assert losses.total == pytest.approx(judged.losses.total, abs=1e-6)
    assert losses.l1 == pytest.approx(judged.losses.l1, abs=1e-6)
    assert losses.ssim == pytest.approx(judged.losses.ssim, abs=1e-6, nan_ok=True)
    brightest = max(1.0, float(picture.colour.detach().max()))
    np.testing.assert_allclose(seen.colour, picture.colour.detach(), atol=IMAGE_TOLERANCE * brightest, rtol=0)
    np.testing.assert_allclose(seen.alpha, picture.alpha.detach(), atol=IMAGE_TOLERANCE, rtol=0)
    # Depth is a ratio of sums: where alpha is small its rounding is divided by it.
    bound = IMAGE_TOLERANCE * picture.depth.detach().numpy().max(initial=1.0)
    error = np.abs(seen.depth - picture.depth.detach().numpy()) * picture.alpha.detach().numpy()
    assert error.max() <= bound
    assert seen.normals is not None
    # Blended normals that nearly cancel have no direction to speak of.
    error = np.abs(seen.normals - picture.normals.numpy()).max(-1) * picture.alpha.detach().numpy()
    assert np.quantile(error, 0.99) <= 1e-3
    close(losses.exposure_gradient, judged.losses.exposure_gradient, GRADIENT_TOLERANCE, "exposure")
    for name in GROUPS:
        leaf = getattr(parameters, name)
        truth = np.zeros(leaf.shape) if leaf.grad is None else leaf.grad.numpy()
        close(group(gradient, name), truth, GRADIENT_TOLERANCE, name)


def close(found: np.ndarray, truth: np.ndarray, tolerance: float, name: str) -> None:
    """Within `tolerance` of the largest value of the truth."""
    assert np.isfinite(found).all(), name
    largest = np.abs(truth).max(initial=1e-12)
    worst = np.abs(found - truth).max(initial=0.0) / largest
    assert worst <= tolerance, f"{name}: off by {worst:.1e} of the largest, {largest:.1e}"
