"""The CUDA engine: PyTorch and gsplat."""
