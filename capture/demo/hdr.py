"""HLG video of pictures: the way back of what reading HLG does (`capture/video/transfer.py`)."""

from __future__ import annotations

import functools

import cv2
import numpy as np
from numpy.typing import NDArray

from setpiece.capture.video.colour import Colour, bt709_from, colour_of, luminance_of, rgb_from_ycbcr
from setpiece.capture.video.transfer import hlg_gain, hlg_signal, srgb_light

HLG_BT2020 = (9, 18, 9)  # matrix, transfer, primaries in H.273's numbers


def hlg_planes(pixels: NDArray[np.uint8]) -> list[NDArray[np.uint16]]:
    """Y', Cb and Cr of 10 bits, 4:2:0, limited range, for an sRGB picture [H, W, 3] of even size."""
    matrix, transfer, primaries = HLG_BT2020
    colour = colour_of(matrix, False, transfer, primaries, pixels.shape[0])
    light = srgb_light(np.arange(256) / 255)[pixels] @ np.linalg.inv(bt709_from(colour.primaries)).T
    shown, gains = _gains(colour)
    gain = np.interp(light @ luminance_of(colour.primaries), shown, gains)
    signal = hlg_signal(np.clip(light / gain[..., None], 0, 1))
    ycbcr = signal @ np.linalg.inv(rgb_from_ycbcr(colour.luma)).T
    levels = ycbcr * (876, 896, 896) + (64, 512, 512)
    planes = [levels[..., 0]] + [
        np.asarray(cv2.resize(levels[..., k], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
        for k in (1, 2)
    ]
    return [np.rint(plane).astype(np.uint16) for plane in planes]


@functools.lru_cache(maxsize=1)
def _gains(colour: Colour) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Luminance on an sRGB screen, rising, and the gain that led to it."""
    scene = np.linspace(0, 1, 1 << 14) ** 2
    gain = hlg_gain(scene)
    return scene * gain, gain
