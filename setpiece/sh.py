"""Real spherical harmonics of degree 0 to 3, in the order and with the signs of the 3DGS PLY files.

`Y_k(d)` for a unit direction d = (x, y, z): within degree l the index runs over m = -l..l, with the
Condon-Shortley phase, as in Sloan (2013), "Efficient Spherical Harmonic Evaluation", appendix A2. Degree 1
is thus -y, z, -x times sqrt(3 / (4 pi)).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_CHUNK = 65536  # splats rotated at a time, to bound the memory taken

_C0 = 0.5 * np.sqrt(1 / np.pi)
_C1 = np.sqrt(3 / (4 * np.pi))
_C2 = [0.5 * np.sqrt(15 / np.pi), 0.25 * np.sqrt(5 / np.pi), 0.25 * np.sqrt(15 / np.pi)]
_C3 = [
    0.25 * np.sqrt(35 / (2 * np.pi)),
    0.5 * np.sqrt(105 / np.pi),
    0.25 * np.sqrt(21 / (2 * np.pi)),
    0.25 * np.sqrt(7 / np.pi),
    0.25 * np.sqrt(105 / np.pi),
]


def sh_basis(directions: NDArray[np.floating[Any]], degree: int) -> NDArray[np.float64]:
    """The values Y_k, [N, (degree + 1)^2], along unit directions [N, 3]."""
    x, y, z = np.asarray(directions, dtype=np.float64).T
    columns = [np.full_like(x, _C0)]
    if degree >= 1:
        columns += [-_C1 * y, _C1 * z, -_C1 * x]
    if degree >= 2:
        columns += [
            _C2[0] * x * y,
            -_C2[0] * y * z,
            _C2[1] * (3 * z * z - 1),
            -_C2[0] * x * z,
            _C2[2] * (x * x - y * y),
        ]
    if degree >= 3:
        columns += [
            -_C3[0] * y * (3 * x * x - y * y),
            _C3[1] * x * y * z,
            -_C3[2] * y * (5 * z * z - 1),
            _C3[3] * z * (5 * z * z - 3),
            -_C3[2] * x * (5 * z * z - 1),
            _C3[4] * z * (x * x - y * y),
            -_C3[0] * x * (x * x - 3 * y * y),
        ]
    return np.stack(columns, axis=1)


def sh_rotation(new_from_old: NDArray[np.float64], degree: int) -> NDArray[np.float64]:
    """The matrix M, [(degree + 1)^2] squared, with sh_new = M @ sh_old when the axes turn.

    A function with coefficients c along d has coefficients M @ c along R @ d. Each degree is closed under
    rotation, so M is found exactly by asking for that along enough directions. It is block diagonal and
    orthogonal.
    """
    count = (degree + 1) ** 2
    # 64 directions spread evenly (a Fibonacci lattice): far more than the 7 unknowns of degree 3, so the
    # normal equations are well conditioned and the result is exact to rounding.
    k = np.arange(64) + 0.5
    z = 1 - 2 * k / len(k)
    radius, angle = np.sqrt(1 - z * z), np.pi * (1 + np.sqrt(5)) * k
    directions = np.stack([radius * np.cos(angle), radius * np.sin(angle), z], axis=1)
    old, new = sh_basis(directions, degree), sh_basis(directions @ new_from_old.T, degree)
    matrix = np.zeros((count, count))
    for order in range(degree + 1):
        block = slice(order**2, (order + 1) ** 2)
        matrix[block, block] = np.linalg.lstsq(new[:, block], old[:, block], rcond=None)[0]
    matrix[np.abs(matrix) < 1e-12] = 0  # rounding noise, which would turn exact zeros into tiny numbers
    return matrix


def rotate_sh(sh: NDArray[np.float32], new_from_old: NDArray[np.float64]) -> NDArray[np.float32]:
    """Coefficients [N, K, 3] of the same radiance in axes rotated by `new_from_old` [3, 3]."""
    matrix = sh_rotation(new_from_old, round(sh.shape[1] ** 0.5) - 1)
    out = np.empty_like(sh)
    for start in range(0, len(sh), _CHUNK):
        part = sh[start : start + _CHUNK].astype(np.float64)
        out[start : start + _CHUNK] = np.einsum("kj,njc->nkc", matrix, part, optimize=True)
    return out
