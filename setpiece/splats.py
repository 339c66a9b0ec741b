"""Gaussian splats as plain arrays: the type that engines, files and exporters exchange."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]

SH_C0 = 0.28209479177387814  # 1 / (2 sqrt(pi)): the constant spherical harmonic


@dataclass(frozen=True)
class Splats:
    """N anisotropic 3D Gaussians with view-dependent colour (Kerbl et al. 2023, section 4).

    The colour seen along a direction is `0.5 + sum(sh[k] * Y_k(direction))`, clipped at 0 from below, in
    display-referred sRGB; the direction runs from the camera centre to the mean, in world axes. The
    harmonics and their signs are those of the 3DGS PLY files.
    """

    means: Float32  # [N, 3] world, set units
    log_scales: Float32  # [N, 3] natural logarithm of the standard deviations along the local axes
    quats_wxyz: Float32  # [N, 4] world_from_local rotation, not necessarily of unit length
    opacity_logits: Float32  # [N] opacity = 1 / (1 + exp(-logit))
    sh: Float32  # [N, (degree + 1)^2, 3] coefficients, then red green blue

    def __post_init__(self) -> None:
        n = len(self.means)
        shapes = {
            "means": (n, 3),
            "log_scales": (n, 3),
            "quats_wxyz": (n, 4),
            "opacity_logits": (n,),
            "sh": (n, (self.sh_degree + 1) ** 2, 3),
        }
        for name, shape in shapes.items():
            array = getattr(self, name)
            if array.shape != shape or array.dtype != np.float32:
                raise ValueError(f"{name} must be float32 {shape}, not {array.dtype} {array.shape}")

    @property
    def count(self) -> int:
        """How many Gaussians there are."""
        return len(self.means)

    @property
    def sh_degree(self) -> int:
        """The degree of the spherical harmonics, 0 to 3."""
        return math.isqrt(self.sh.shape[1]) - 1

    def take(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> Splats:
        """The Gaussians of the given rows, in that order; `rows` is an index or a boolean mask."""
        return Splats(
            means=self.means[rows],
            log_scales=self.log_scales[rows],
            quats_wxyz=self.quats_wxyz[rows],
            opacity_logits=self.opacity_logits[rows],
            sh=self.sh[rows],
        )

    def finite(self) -> NDArray[np.bool_]:
        """True for the Gaussians all of whose values are finite, [N]."""
        columns = [self.means, self.log_scales, self.quats_wxyz, self.opacity_logits, self.sh]
        rows = np.concatenate([c.reshape(self.count, -1) for c in columns], axis=1)
        ok: NDArray[np.bool_] = np.isfinite(rows).all(axis=1)
        return ok
