"""The CPU engine: fused iteration in C++."""

from setpiece.reconstruct.cpu.engine import CpuEngine

__all__ = ["CpuEngine"]
