"""The CPU engine: fused iteration in C++."""
