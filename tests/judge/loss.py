"""The training loss of `setpiece.reconstruct.engine.Batch`, in float64 PyTorch.

SSIM: Wang et al. 2004, eq. 13, Gaussian window of 11 taps and sigma 1.5, zero padding, C1 = 0.01^2,
C2 = 0.03^2, per colour channel.
"""

from __future__ import annotations

import torch
from torch import Tensor

WINDOW_TAPS = 11
WINDOW_SIGMA = 1.5
C1, C2 = 0.01**2, 0.03**2


def window() -> Tensor:
    """The normalised Gaussian window, [11] float64."""
    x = torch.arange(WINDOW_TAPS, dtype=torch.float64) - WINDOW_TAPS // 2
    weights = torch.exp(-0.5 * (x / WINDOW_SIGMA) ** 2)
    return weights / weights.sum()


def ssim_map(a: Tensor, b: Tensor) -> Tensor:
    """SSIM of two pictures [H, W, 3] at every pixel and channel, [H, W, 3]."""
    kernel = torch.outer(window(), window()).to(a)[None, None]

    def blur(picture: Tensor) -> Tensor:
        planes = picture.permute(2, 0, 1)[:, None]
        blurred: Tensor = torch.nn.functional.conv2d(planes, kernel, padding=WINDOW_TAPS // 2)
        return blurred[:, 0].permute(1, 2, 0)

    mean_a, mean_b = blur(a), blur(b)
    variance_a = blur(a * a) - mean_a**2
    variance_b = blur(b * b) - mean_b**2
    covariance = blur(a * b) - mean_a * mean_b
    luminance = (2 * mean_a * mean_b + C1) / (mean_a**2 + mean_b**2 + C1)
    structure = (2 * covariance + C2) / (variance_a + variance_b + C2)
    return luminance * structure


def photo_losses(
    colour: Tensor, photo: Tensor, mask: Tensor | None, ssim: bool
) -> tuple[Tensor, Tensor | None]:
    """Mean absolute error and mean SSIM (None unless asked) of an exposed render against its photo.

    `colour` and `photo` are [H, W, 3] in 0 to 1, `mask` [H, W] bool or None. Masked pixels are 0 in both
    pictures; the means run over the others. A picture that is
    masked altogether has no error and an SSIM of 1.
    """
    keep = torch.ones(colour.shape[:2], dtype=torch.bool) if mask is None else mask
    count = int(keep.sum())
    if count == 0:
        return colour.sum() * 0.0, colour.sum() * 0.0 + 1.0 if ssim else None
    colour = torch.where(keep[..., None], colour, torch.zeros_like(colour))
    photo = torch.where(keep[..., None], photo, torch.zeros_like(photo))
    l1 = (colour - photo).abs().sum() / (3 * count)
    if not ssim:
        return l1, None
    return l1, (ssim_map(colour, photo) * keep[..., None]).sum() / (3 * count)
