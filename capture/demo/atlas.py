"""The atlas: the textures of all patches side by side in one picture, lit, with coarser copies of itself.

Texel centres lie at whole numbers here, as OpenCV's `remap` has it. Every patch has a gutter that repeats its
edge, wide enough for the coarsest copy.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from setpiece.capture.demo.geometry.patch import Float32, Patch
from setpiece.capture.demo.textures.sheet import Sheet

LEVELS = 5  # copies, each half as fine as the one before
GUTTER = 8  # texels around a patch in the finest copy
BRIGHTEST = 6.0  # linear radiance of a full 16-bit texel
WIDTH = 8192  # texels


@dataclass(frozen=True)
class Layout:
    """Where each patch lies in the finest copy."""

    rects: NDArray[np.int64]  # [P, 4] left, top, width, height of the patch without its gutter, texels
    height: int  # texels of the whole atlas
    texel_m: Float32  # [P] metres, the true size of a texel


def lay_out(patches: Sequence[Patch], texel_scale: float) -> Layout:
    """Places for all patches, on shelves, the highest first."""
    sizes = []
    for patch in patches:
        texel = patch.texel_m * texel_scale
        w, h = patch.size_m
        sizes.append([min(max(round(w / texel), 4), WIDTH - 64), max(round(h / texel), 4)])
    size = np.array(sizes, np.int64)
    rects = np.zeros((len(patches), 4), np.int64)
    left = top = shelf = 0
    for i in np.lexsort((np.arange(len(patches)), -size[:, 1])):
        w, h = size[i]
        outer_w, outer_h = (int(-(-(n + 2 * GUTTER) // 16) * 16) for n in (w, h))
        if left + outer_w > WIDTH:
            left, top, shelf = 0, top + shelf, 0
        rects[i] = left + GUTTER, top + GUTTER, w, h
        left, shelf = left + outer_w, max(shelf, outer_h)
    metres = np.array([p.size_m[0] for p in patches]) / rects[:, 2]
    return Layout(rects=rects, height=int(-(-(top + shelf) // 16) * 16), texel_m=metres.astype(np.float32))


def paint_patches(patches: Sequence[Patch], layout: Layout, seed: int, workers: Executor) -> list[Float32]:
    """The albedo of every patch, linear: arrays of [h, w, 3]."""

    def one(i: int) -> Float32:
        _, _, w, h = (int(n) for n in layout.rects[i])
        own = zlib.crc32(patches[i].name.encode()) + i * (seed + 1)
        sheet = Sheet(height=h, width=w, texel_m=float(layout.texel_m[i]), seed=own)
        return linear(np.asarray(patches[i].paint(sheet), np.float32))

    return list(workers.map(one, range(len(patches))))


def linear(srgb: Float32) -> Float32:
    """Linear light of display-referred sRGB, 0 to 1 (a cubic that is within 0.003 of the standard)."""
    out: Float32 = srgb * (
        srgb * (srgb * np.float32(0.305306011) + np.float32(0.682171111)) + np.float32(0.012522878)
    )
    return out


class Atlas:
    """Radiance and mirror strength of every texel, in LEVELS copies of falling fineness."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self._levels: list[NDArray[np.uint16]] = [np.zeros((layout.height, WIDTH, 4), np.uint16)]

    def put(self, i: int, radiance: Float32, mirror: Float32) -> None:
        """Fill in patch `i`: radiance [h, w, 3] linear and mirror strength [h, w] 0 to 1."""
        left, top, w, h = (int(n) for n in self.layout.rects[i])
        texels = np.empty((h, w, 4), np.float32)
        np.multiply(radiance, np.float32(65535 / BRIGHTEST), out=texels[..., :3])
        texels[..., 3] = mirror * np.float32(65535)
        whole = np.clip(texels, 0, 65535).astype(np.uint16)
        padded = cv2.copyMakeBorder(whole, GUTTER, GUTTER, GUTTER, GUTTER, cv2.BORDER_REPLICATE)
        self._levels[0][top - GUTTER : top + h + GUTTER, left - GUTTER : left + w + GUTTER] = padded

    def finish(self) -> None:
        """Make the coarser copies, once all patches are in."""
        for _ in range(LEVELS - 1):
            last = self._levels[-1]
            half = (last.shape[1] // 2, last.shape[0] // 2)
            self._levels.append(cv2.resize(last, half, interpolation=cv2.INTER_AREA))

    def sample(self, x: Float32, y: Float32, level: Float32) -> Float32:
        """Radiance and mirror strength [N, 4] at texel positions of the finest copy, between two copies."""
        level = np.clip(level, 0, LEVELS - 1.001)
        lower = level.astype(np.int8)
        out = np.empty((len(x), 4), np.float32)
        for k in range(LEVELS - 1):
            rows = np.flatnonzero(lower == k)
            if not len(rows):
                continue
            blend = (level[rows] - np.float32(k))[:, None]
            fine, coarse = (self._read(x[rows], y[rows], k + j) for j in (0, 1))
            out[rows] = fine + (coarse - fine) * blend
        out *= np.float32(1 / 65535)
        out[:, :3] *= np.float32(BRIGHTEST)
        return out

    def _read(self, x: Float32, y: Float32, level: int) -> Float32:
        scale = np.float32(0.5**level)
        n = len(x)
        across = 4096  # remap takes pictures, not lists, and none with a side above 32767
        rows = -(-n // across)
        at = np.zeros((2, rows * across), np.float32)
        at[0, :n] = (x + np.float32(0.5)) * scale - np.float32(0.5)
        at[1, :n] = (y + np.float32(0.5)) * scale - np.float32(0.5)
        grid = at.reshape(2, rows, across)
        texels = cv2.remap(
            self._levels[level], grid[0], grid[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        out: Float32 = texels.reshape(-1, 4)[:n].astype(np.float32)
        return out
