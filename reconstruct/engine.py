"""The narrow protocol between the trainer and whatever does the arithmetic.

The trainer owns frames, schedule, densification policy, exposure, evaluation, checkpoints, progress and
report. An engine owns the parameters and the optimizer's moments, and computes. Arrays cross the border as
NumPy, so that a CPU engine in C++, a CUDA engine and a slow reference serve the same trainer.

Conventions every engine follows (those of gsplat's `rasterization(packed=False)`; Kerbl et al. 2023):
EWA splatting with 0.3 px^2 added to the 2D covariance, the Jacobian taken at a mean clamped to 1.3 times the
field of view, near plane 0.01, alpha clipped at 0.999 and ignored below 1/255, compositing front to back by
depth along z until transmittance falls to 1e-4, colour clipped at 0 from below.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from setpiece.cameras import Camera
from setpiece.splats import Splats

Float32 = NDArray[np.float32]


@dataclass(frozen=True)
class LearningRates:
    """Adam step sizes of one iteration, per parameter group."""

    means: float  # set units
    log_scales: float
    quats: float
    opacity_logits: float
    sh0: float  # the constant colour term
    sh_rest: float  # all higher terms

    def none(self) -> LearningRates:
        """Rates that move nothing."""
        return LearningRates(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Batch:
    """One training step: a photo, its camera, and what the schedule says for this step.

    The loss, the same in every engine: with x the exposed render (not clipped) and y the photo in 0 to 1,
    both set to 0 where the mask is 0, and n the number of pixels that are not masked,

        L1   = sum |x - y| / 3n             over those pixels and the three channels
        SSIM = sum of the SSIM map / 3n     over the same; 11 taps, sigma 1.5, zero padding, C1 = 0.01^2,
                                            C2 = 0.03^2, each channel by itself (Wang et al. 2004, eq. 13)
        loss = (1 - w) L1 + w (1 - SSIM) + opacity_penalty x mean opacity + scale_penalty x mean deviation

    (L1 = 0 and SSIM = 1 when n = 0.) The last two means run over the visible Gaussians, those that touch
    a pixel, the deviations over their three axes too; an engine that can't tell takes those whose extent
    reaches into the picture. Masked pixels count in neither `error` nor `weight` of the statistics.
    """

    camera: Camera  # of the size of `image`
    image: NDArray[np.uint8]  # [H, W, 3] sRGB
    mask: NDArray[np.uint8] | None  # [H, W], 0 where the photo must be ignored, else 255
    exposure: Float32  # [3, 4]: the photo shows exposure[:, :3] @ rendered_rgb + exposure[:, 3]
    background: Float32  # [3] colour behind the Gaussians
    sh_degree: int  # terms above this degree are neither used nor updated
    rates: LearningRates
    ssim_weight: float  # loss = (1 - w) * L1 + w * (1 - SSIM); 0 skips SSIM altogether
    antialias: bool  # opacity compensation (Yu et al. 2024, Mip-Splatting, eq. 9)
    opacity_penalty: float = 0.0  # weight of the mean opacity of the visible Gaussians
    scale_penalty: float = 0.0  # weight of the mean standard deviation of the visible Gaussians
    key: int = 0  # same key, same photo at the same size: what depends on the photo alone may be kept


@dataclass(frozen=True)
class Losses:
    """What one step measured before its update."""

    total: float
    l1: float  # mean absolute error, 0 to 1
    ssim: float  # mean SSIM, nan when it was not computed
    exposure_gradient: Float32  # [3, 4] dL/d(exposure)


@dataclass(frozen=True)
class Statistics:
    """Per-Gaussian sums since the last edit, [N] each."""

    gradient: Float32  # sum over steps of |dL/d(2D mean)| in units of half the image size, as in 3DGS
    error: Float32  # sum over steps and pixels of blending weight x mean absolute colour error
    weight: Float32  # sum over steps and pixels of the blending weight
    max_radius: Float32  # largest 2D radius seen, as a fraction of the longer image side
    seen: NDArray[np.int32]  # in how many steps the Gaussian touched a pixel


@dataclass(frozen=True)
class Edit:
    """A new population made from the old one: row i descends from `parents[i]`.

    A row's mean moves by `offsets[i]`, given in the parent's local axes in units of its standard deviations;
    all other parameters are inherited. Rows marked fresh start with zero Adam moments. The statistics are
    zero afterwards.
    """

    parents: NDArray[np.int64]  # [M]
    offsets: Float32  # [M, 3]
    log_scale_change: Float32  # [M] added to all three log scales
    opacity_logits: Float32  # [M] the new values
    fresh: NDArray[np.bool_]  # [M]


@dataclass(frozen=True)
class Render:
    """What a camera sees."""

    colour: Float32  # [H, W, 3] sRGB, background included; may exceed 1
    alpha: Float32  # [H, W] 0 to 1
    depth: Float32  # [H, W] expected z depth in set units, 0 where alpha is 0
    normals: Float32 | None = field(default=None)  # [H, W, 3] world, towards the camera; None if not asked


class Engine(Protocol):
    """The parameters of N Gaussians and the arithmetic on them."""

    name: str  # "cpu", "cuda", ...

    @property
    def count(self) -> int:
        """How many Gaussians there are."""

    @property
    def device(self) -> str:
        """What it runs on, for the report: "cpu avx512 x2", "NVIDIA RTX 4090"."""

    def step(self, batch: Batch) -> Losses:
        """Render, compare, differentiate and update the parameters once."""

    def statistics(self) -> Statistics:
        """The sums since the last edit."""

    def opacity_logits(self) -> Float32:
        """Current opacity logits, [N]: small enough to fetch often."""

    def log_scales(self) -> Float32:
        """Current log scales, [N, 3]."""

    def edit(self, edit: Edit) -> None:
        """Replace the population."""

    def perturb(self, strength: float, seed: int) -> None:
        """Move every mean by N(0, covariance) x `strength` x sigmoid(100 (0.005 - opacity)).

        The exploration noise of 3DGS-MCMC (Kheradmand et al. 2024, eq. 9); repeatable for a given seed.
        """

    def render(
        self,
        camera: Camera,
        *,
        background: Float32,
        sh_degree: int,
        antialias: bool,
        normals: bool = False,
    ) -> Render:
        """The picture, alpha and depth that `camera` sees; nothing is updated."""

    def splats(self) -> Splats:
        """A copy of the parameters."""

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Parameters, moments, step count and statistics: all that `load_state` needs to go on bit by bit."""

    def load_state(self, state: dict[str, NDArray[np.generic]]) -> None:
        """Go on from `state`, whatever the population was before. Raises KeyError or ValueError if unfit."""
