"""The CPU engine: fused iteration in C++."""

from .engine import CpuEngine

__all__ = ["CpuEngine"]
