"""The axis systems in which the set leaves the house, as rotations from the set's world.

The world is right-handed and Z up. All of these are proper rotations: nothing is ever mirrored. A writer or
a page converts once, at its border, and says so at that line (docs/conventions.md).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from setpiece.sh import rotate_sh
from setpiece.splats import Splats

PLY_FROM_WORLD: NDArray[np.float64] = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]], dtype=np.float64)
"""RDF, the axes of splat PLY files: x right, y down, z forward (world x, minus world z, world y)."""

WORLD_FROM_PLY: NDArray[np.float64] = PLY_FROM_WORLD.T

PLAYCANVAS_FROM_WORLD: NDArray[np.float64] = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]], dtype=np.float64)
"""Y up with z towards the viewer, the axes of PlayCanvas and glTF (world x, world z, minus world y)."""


def rotate_splats(splats: Splats, new_from_old: NDArray[np.float64]) -> Splats:
    """The same Gaussians in rotated axes: means, quaternions and spherical harmonics all turn.

    `new_from_old` is [3, 3], a proper rotation. Raises ValueError when it is not one.
    """
    if new_from_old.shape != (3, 3) or not np.allclose(new_from_old @ new_from_old.T, np.eye(3), atol=1e-9):
        raise ValueError("new_from_old must be a 3 x 3 rotation")
    if np.linalg.det(new_from_old) < 0:
        raise ValueError("new_from_old mirrors; Gaussians can only be rotated")
    turn = quat_from_rotation(new_from_old)
    return Splats(
        means=(splats.means.astype(np.float64) @ new_from_old.T).astype(np.float32),
        log_scales=splats.log_scales,
        quats_wxyz=quat_product(turn, splats.quats_wxyz.astype(np.float64)).astype(np.float32),
        opacity_logits=splats.opacity_logits,
        sh=rotate_sh(splats.sh, new_from_old),
    )


def quat_product(left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    """The Hamilton product of quaternions wxyz, [..., 4]: the rotation `right` first, then `left`."""
    lw, lx, ly, lz = np.moveaxis(left, -1, 0)
    rw, rx, ry, rz = np.moveaxis(right, -1, 0)
    return np.stack(
        [
            lw * rw - lx * rx - ly * ry - lz * rz,
            lw * rx + lx * rw + ly * rz - lz * ry,
            lw * ry - lx * rz + ly * rw + lz * rx,
            lw * rz + lx * ry - ly * rx + lz * rw,
        ],
        axis=-1,
    )


def quat_from_rotation(rotation: NDArray[np.float64]) -> NDArray[np.float64]:
    """The unit quaternion wxyz, [4], of a rotation matrix [3, 3], its largest component positive."""
    r = rotation
    # The four squared components times 4; the largest is the safe one to divide by.
    squares = np.array(
        [
            1 + r[0, 0] + r[1, 1] + r[2, 2],
            1 + r[0, 0] - r[1, 1] - r[2, 2],
            1 - r[0, 0] + r[1, 1] - r[2, 2],
            1 - r[0, 0] - r[1, 1] + r[2, 2],
        ]
    )
    products = np.array(
        [
            [squares[0], r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1]],
            [r[2, 1] - r[1, 2], squares[1], r[1, 0] + r[0, 1], r[0, 2] + r[2, 0]],
            [r[0, 2] - r[2, 0], r[1, 0] + r[0, 1], squares[2], r[2, 1] + r[1, 2]],
            [r[1, 0] - r[0, 1], r[0, 2] + r[2, 0], r[2, 1] + r[1, 2], squares[3]],
        ]
    )
    row = products[int(np.argmax(squares))]
    quat: NDArray[np.float64] = row / np.linalg.norm(row)
    return quat


def rotation_from_quat(quats_wxyz: NDArray[np.floating]) -> NDArray[np.float64]:
    """The rotation matrices, [..., 3, 3], of quaternions wxyz, [..., 4], of any length but zero."""
    q = np.asarray(quats_wxyz, dtype=np.float64)
    w, x, y, z = np.moveaxis(q / np.linalg.norm(q, axis=-1, keepdims=True), -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)
