"""What can be chosen about training."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Literal

from setpiece.options import check_options, option


class Quality(str, enum.Enum):
    """How much work training does. Times are for fifty photos on two CPU cores."""

    DRAFT = "draft"  # about fifteen seconds: is the capture any good?
    STANDARD = "standard"  # about forty seconds
    HIGH = "high"  # about two minutes


@dataclass(frozen=True)
class TrainOptions:
    """How posed frames become Gaussians. None means that `quality` and the number of photos decide."""

    quality: Quality = option(Quality.STANDARD, "How long to train: draft, standard or high.")
    steps: int | None = option(
        None, "Training steps, one photo each; default: by quality and photos.", least=1, most=10_000_000
    )
    max_splats: int | None = option(
        None, "Most Gaussians to have; default: by quality and photos.", least=1, most=100_000_000
    )
    max_side: int | None = option(
        None, "Longest side of the training pictures in pixels; default: by quality.", least=16
    )
    sh_degree: int | None = option(
        None, "Degree of the view-dependent colour, 0 to 3; default: by quality.", least=0, most=3
    )
    antialias: bool = option(True, "Keep thin Gaussians from growing bold when seen from afar.")
    ssim_weight: float = option(0.2, "Share of the structural term in the loss, 0 to 1.", least=0, most=1)
    exposure: bool = option(True, "Learn how each photo's exposure and white balance differ.")
    keep_moving: bool = option(
        False, "Keep what moved while the photos were taken; default: people, cars and the like are masked."
    )
    checkpoint_seconds: float = option(
        20.0, "Seconds between checkpoints, at most 25.", changes_result=False, least=0
    )
    seed: int = option(0, "Seed of every random choice.", least=0, most=2**31 - 1)
    threads: int | None = option(
        None, "CPU threads; default: one per core.", changes_result=False, least=1, most=1024
    )
    device: Literal["auto", "cpu", "cuda"] = option(
        "auto", "What to train on; auto takes CUDA where it works.", changes_result=False
    )

    def __post_init__(self) -> None:
        check_options(self)
