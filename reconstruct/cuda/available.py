"""Whether the CUDA engine can run here, and if not, why."""

from __future__ import annotations

import ctypes
import importlib.util
import os

from setpiece.errors import MissingExtraError, SetpieceError, TrainingError


def cuda_problem() -> SetpieceError | None:
    """None when PyTorch, gsplat and a GPU are there; else what is in the way.

    PyTorch takes seconds to load, so it is asked last.
    """
    if importlib.util.find_spec("torch") is None or importlib.util.find_spec("gsplat") is None:
        return MissingExtraError("training on CUDA", "cuda")
    if not _has_driver():
        return TrainingError(
            "no NVIDIA driver was found, so there is no CUDA GPU to train on. Train on the CPU: --device cpu."
        )
    import torch

    if not torch.cuda.is_available():
        return TrainingError(
            "PyTorch finds no CUDA GPU. Train on the CPU with --device cpu, or install a PyTorch that fits "
            "the NVIDIA driver."
        )
    return None


def _has_driver() -> bool:
    try:
        ctypes.CDLL("nvcuda.dll" if os.name == "nt" else "libcuda.so.1")
    except OSError:
        return False
    return True
