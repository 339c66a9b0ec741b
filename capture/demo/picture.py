"""Taking a picture: one ray through every pixel's centre, and more where an edge runs through it.

Textures come blurred to the pixel's footprint, so only the outlines of things need several rays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from setpiece.capture.demo.geometry.patch import Float32
from setpiece.capture.demo.litset import Look

ROWS = 128  # rows of pixels that are worked on together, so that their arrays stay in the cache
DEPTH_STEP = 0.03  # relative change of depth between neighbours that counts as an edge

Aim = Callable[
    [NDArray[np.float64]], Float32
]  # picture positions [N, 2] px -> directions [N, 3] in the world


@dataclass(frozen=True)
class Picture:
    """What a perfect camera records."""

    colour: Float32  # [H, W, 3] linear radiance
    distance: Float32  # [H, W] along the pixel's centre, in lengths of its direction; 0 where nothing is
    patch: NDArray[np.int32]  # [H, W] which patch the pixel's centre shows, -1 where nothing is


def take(
    lit: Look,
    origin: Float32,
    aim: Aim,
    size: tuple[int, int],
    spacing: float,
    samples: int,
) -> Picture:
    """The picture of `size` (width, height) from `origin` [3]; `spacing` as in `LitSet.look`."""
    width, height = size
    colour = np.empty((height, width, 3), np.float32)
    distance = np.empty((height, width), np.float32)
    patch = np.empty((height, width), np.int32)
    for top in range(0, height, ROWS):
        bottom = min(top + ROWS, height)
        grid = np.mgrid[top:bottom, 0:width].astype(np.float64) + 0.5
        seen = lit.look(origin, aim(np.stack([grid[1].ravel(), grid[0].ravel()], axis=1)), spacing)
        colour[top:bottom] = seen.colour.reshape(-1, width, 3)
        distance[top:bottom] = seen.distance.reshape(-1, width)
        patch[top:bottom] = seen.patch.reshape(-1, width)
    if samples > 1:
        rows, columns = np.nonzero(_edges(patch, distance))
        total = np.zeros((len(rows), 3), np.float32)
        for offset in _offsets(samples):
            at = np.stack([columns, rows], axis=1) + offset
            for start in range(0, len(rows), ROWS * 1024):
                part = slice(start, start + ROWS * 1024)
                total[part] += lit.look(origin, aim(at[part]), spacing).colour
        colour[rows, columns] = total / samples
    return Picture(colour, distance, patch)


def _offsets(count: int) -> NDArray[np.float64]:
    """Positions inside a pixel, evenly spread (Hammersley's points), [count, 2]."""
    k = np.arange(count)
    reversed_bits, place = np.zeros(count), 0.5
    rest = k.copy()
    while rest.any():
        reversed_bits += place * (rest % 2)
        rest //= 2
        place /= 2
    return np.stack([(k + 0.5) / count, (reversed_bits + place) % 1], axis=1)


def _edges(patch: NDArray[np.int32], distance: Float32) -> NDArray[np.bool_]:
    """True on both sides of a change of patch or a step in depth, [H, W]."""
    edge = np.zeros(patch.shape, bool)
    for axis in (0, 1):
        low = tuple(slice(None, -1) if a == axis else slice(None) for a in (0, 1))
        high = tuple(slice(1, None) if a == axis else slice(None) for a in (0, 1))
        near, far = np.minimum(distance[low], distance[high]), np.maximum(distance[low], distance[high])
        change = (patch[low] != patch[high]) | (far > near * np.float32(1 + DEPTH_STEP))
        edge[low] |= change
        edge[high] |= change
    return edge
