"""Whether the CUDA engine can run here, and if not, why."""

from __future__ import annotations

import importlib.util

from setpiece.errors import MissingExtraError, SetpieceError, TrainingError


def cuda_problem() -> SetpieceError | None:
    """None when PyTorch, gsplat and a GPU are there; else what is in the way."""
    if importlib.util.find_spec("torch") is None or importlib.util.find_spec("gsplat") is None:
        return MissingExtraError("training on CUDA", "cuda")
    import torch

    if not torch.cuda.is_available():
        return TrainingError(
            "PyTorch finds no CUDA GPU here. Train on the CPU with --device cpu, or check the driver."
        )
    return None
