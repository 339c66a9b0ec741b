"""The photo terms of the training loss in PyTorch, as `setpiece.reconstruct.engine.Batch` defines them."""

from __future__ import annotations

import torch
from torch import Tensor

_C1, _C2 = 0.01**2, 0.03**2


def photo_losses(
    shown: Tensor, photo: Tensor, keep: Tensor | None, ssim: bool
) -> tuple[Tensor, Tensor | None]:
    """Mean absolute error, and mean SSIM if asked, of [H, W, 3] pictures over the pixels where `keep` is 1.

    `keep` is [H, W] float or None for all. Without any pixel the error is 0 and the SSIM 1.
    """
    if keep is None:
        count = 3 * shown.shape[0] * shown.shape[1]
        weights = torch.ones_like(shown[..., :1])
    else:
        weights = keep[..., None]
        count = 3 * int(keep.sum())
        shown, photo = torch.where(weights > 0, shown, 0.0), torch.where(weights > 0, photo, 0.0)
    if count == 0:
        nothing = (shown * 0).sum()
        return nothing, nothing + 1 if ssim else None
    l1 = (shown - photo).abs().sum() / count
    return l1, (ssim_map(shown, photo) * weights).sum() / count if ssim else None


def ssim_map(a: Tensor, b: Tensor) -> Tensor:
    """SSIM at every pixel and channel, [H, W, 3] (Wang et al. 2004, eq. 13); 0 beyond the edges."""
    five = torch.stack([a, b, a * a, b * b, a * b]).permute(0, 3, 1, 2)  # [5, 3, H, W]
    mean_a, mean_b, square_a, square_b, product = _blur(five)
    luminance = (2 * mean_a * mean_b + _C1) / (mean_a**2 + mean_b**2 + _C1)
    variances = square_a - mean_a**2 + square_b - mean_b**2
    similarity: Tensor = luminance * (2 * (product - mean_a * mean_b) + _C2) / (variances + _C2)
    return similarity.permute(1, 2, 0)


def _blur(pictures: Tensor) -> Tensor:
    """[B, 3, H, W] under a Gaussian window of 11 taps and sigma 1.5, rows first, then columns."""
    taps = torch.arange(-5, 6, device=pictures.device, dtype=pictures.dtype)
    window = torch.exp(-0.5 * (taps / 1.5) ** 2)
    window = (window / window.sum()).expand(3, 1, 11)
    rows = torch.nn.functional.conv2d(pictures, window[..., None, :], padding=(0, 5), groups=3)
    blurred: Tensor = torch.nn.functional.conv2d(rows, window[..., None], padding=(5, 0), groups=3)
    return blurred
