"""Which engine computes."""

from __future__ import annotations

from typing import Literal

from setpiece.errors import TrainingError
from setpiece.reconstruct.engine import Engine
from setpiece.splats import Splats
from setpiece.threads import thread_count

Device = Literal["auto", "cpu", "cuda"]


def make_engine(device: Device, splats: Splats, threads: int | None = None) -> Engine:
    """An engine that holds `splats`. `threads` counts for the CPU; None is one per usable core.

    `auto` takes CUDA where PyTorch, gsplat and a GPU are there, else the CPU. Raises MissingExtraError when
    CUDA is asked for and its packages are missing, TrainingError when there is no GPU.
    """
    if chosen_device(device) == "cuda":
        from setpiece.reconstruct.cuda.engine import CudaEngine

        return CudaEngine(splats)
    from setpiece.reconstruct.cpu.engine import CpuEngine

    return CpuEngine(splats, threads=thread_count(threads))


def chosen_device(device: Device) -> Literal["cpu", "cuda"]:
    """What `device` comes to on this machine."""
    if device == "cpu":
        return "cpu"
    if device not in ("auto", "cuda"):
        raise TrainingError(f"the device must be auto, cpu or cuda, not {device!r}.")
    from setpiece.reconstruct.cuda.available import cuda_problem

    problem = cuda_problem()
    if problem is None:
        return "cuda"
    if device == "cuda":
        raise problem
    return "cpu"
