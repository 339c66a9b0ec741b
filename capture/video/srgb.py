"""A decoded frame as an upright 8-bit sRGB picture."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from setpiece.capture.video.colour import Colour, Transfer, bt709_from, luminance_of, rgb_from_ycbcr
from setpiece.capture.video.transfer import (
    hlg_gain,
    hlg_scene_light,
    pq_gain,
    pq_nits,
    srgb_light,
    srgb_signal,
)

Pixels = NDArray[np.uint8]
Float32 = NDArray[np.float32]

_ROWS = 64  # that are worked on together, so that their arrays stay in the cache
_RGB = ("gbr", "rgb", "bgr", "arg", "abg", "0rg", "0bg", "pal")  # beginnings of the names of formats
_STEPS = 4096  # of a curve's table
_DEPTHS = {  # formats whose planes are read as they are: bits per sample
    "yuv420p": 8,
    "yuvj420p": 8,
    "yuv422p": 8,
    "yuvj422p": 8,
    "yuv444p": 8,
    "yuvj444p": 8,
    "yuv420p10le": 10,
    "yuv422p10le": 10,
    "yuv444p10le": 10,
    "yuv420p12le": 12,
    "yuv422p12le": 12,
    "yuv444p12le": 12,
}


def srgb_pixels(frame: Any, colour: Colour) -> Pixels:
    """The sRGB picture [H, W, 3] of an av.VideoFrame, lying as it is stored."""
    is_rgb = frame.format.name.startswith(_RGB)
    if is_rgb:
        wide, bits = [frame.reformat(format="rgb48le").to_ndarray()], 16
        affine = np.column_stack([np.eye(3) / 65535, np.zeros(3)])
    else:
        wide, bits = _full_planes(frame)
        affine = _affine(colour, bits)
    height, width = wide[0].shape[:2]
    result = np.empty((height, width, 3), np.uint8)
    for top in range(0, height, _ROWS):
        band = slice(top, min(top + _ROWS, height))
        samples = np.asarray(wide[0][band] if is_rgb else cv2.merge([plane[band] for plane in wide]))
        if bits == 8 and colour.is_plain:  # rounded and clipped to bytes on the way out
            result[band] = cv2.transform(samples, affine * 255)
            continue
        signal = np.asarray(cv2.transform(samples.astype(np.float32), affine), np.float32)
        result[band] = _eight_bit(signal) if colour.is_plain else _shown(signal, colour)
    return result


def upright(pixels: Pixels, matrix: tuple[int, int, int, int], aspect: float) -> Pixels:
    """The picture turned and mirrored by a display matrix a b c d of -1, 0 and 1, pixels made square.

    A point (x, y) of the stored picture is shown at (a x + c y, b x + d y). `aspect` is the width of a
    stored pixel in heights.
    """
    if abs(aspect - 1) > 1e-3:
        height, width = pixels.shape[:2]
        size = (round(width * aspect), height) if aspect > 1 else (width, round(height / aspect))
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR), np.uint8)
    a, b, c, d = matrix
    if a == 0 and d == 0 and b and c:  # stored rows are shown as columns
        pixels, a, d = pixels.transpose(1, 0, 2), c, b
    if a < 0:
        pixels = pixels[:, ::-1]
    if d < 0:
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def _full_planes(frame: Any) -> tuple[list[NDArray[Any]], int]:
    """Y', Cb and Cr [H, W] with chroma brought to full size, and the bits of a sample."""
    bits = _DEPTHS.get(frame.format.name)
    if bits is None:
        frame = frame.reformat(format="yuv444p10le")
        bits = 10
    luma, *chroma = (_plane(p, bits) for p in frame.planes[:3])
    size = luma.shape[1], luma.shape[0]
    return [luma, *(np.asarray(cv2.resize(c, size, interpolation=cv2.INTER_LINEAR)) for c in chroma)], bits


def _plane(plane: Any, bits: int) -> NDArray[Any]:
    """A plane's samples [H, W], without the padding of its rows."""
    kind = np.dtype(np.uint8 if bits == 8 else "<u2")
    rows = np.frombuffer(plane, kind).reshape(-1, plane.line_size // kind.itemsize)
    return rows[: plane.height, : plane.width]


def _affine(colour: Colour, bits: int) -> NDArray[np.float64]:
    """R'G'B' (0 to 1) from Y'CbCr samples, [3, 4]; ranges by H.273, equations 20 to 31."""
    whole, middle = 2**bits - 1, 2 ** (bits - 1)
    step = 2 ** (bits - 8)
    black, luma, chroma = (0, whole, whole) if colour.full_range else (16 * step, 219 * step, 224 * step)
    matrix = rgb_from_ycbcr(colour.luma) / (luma, chroma, chroma)
    return np.column_stack([matrix, -matrix @ (black, middle, middle)])


def _shown(signal: Float32, colour: Colour) -> Pixels:
    """The sRGB picture of a signal R'G'B' [H, W, 3] of another transfer or other primaries."""
    tables = _tables(colour)
    light = _looked_up(signal, tables.light)
    if tables.gain is not None:
        luminance = cv2.transform(light, luminance_of(colour.primaries)[None])
        # the gain changes fast in the dark: its table is one of the luminance's root
        light *= _looked_up(np.sqrt(np.maximum(luminance, 0, out=luminance)), tables.gain)[..., None]
    screen = np.asarray(cv2.transform(light, bt709_from(colour.primaries)), np.float32)
    np.maximum(screen, 0, out=screen)
    return tables.signal[_places(np.sqrt(screen, out=screen))]


class _Tables:
    """Curves of a kind of clip, each as a table over 0 to 1."""

    def __init__(self, colour: Colour) -> None:
        at = np.linspace(0, 1, _STEPS)
        to_light: dict[Transfer, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
            Transfer.SDR: srgb_light,
            Transfer.HLG: hlg_scene_light,
            Transfer.PQ: lambda signal: pq_nits(signal) / 10_000,
        }
        self.light = to_light[colour.transfer](at).astype(np.float32)
        self.gain: Float32 | None = None
        if colour.transfer is Transfer.HLG:
            self.gain = hlg_gain(at**2).astype(np.float32)
        elif colour.transfer is Transfer.PQ:
            self.gain = pq_gain(at**2, colour.peak_nits).astype(np.float32)
        self.signal = np.asarray(srgb_signal(at**2) * 255 + 0.5, np.uint8)


@functools.lru_cache(maxsize=8)
def _tables(colour: Colour) -> _Tables:
    return _Tables(colour)


def _looked_up(values: Float32, table: Float32) -> Float32:
    return table[_places(values)]


def _places(values: Float32) -> NDArray[np.uint16]:
    scaled = np.clip(values, 0, 1)
    scaled *= _STEPS - 1
    scaled += np.float32(0.5)
    return scaled.astype(np.uint16)


def _eight_bit(signal: Float32) -> Pixels:
    return np.asarray(np.clip(signal, 0, 1) * 255 + 0.5, np.uint8)
