"""Which frames of a clip are blurred, judged by those around them.

How sharp a picture measures depends on what it shows, so a frame is compared with its neighbours, who show
nearly the same: it is blurred when it falls clearly below what they reach. A stretch that is blurred as a
whole has no sharp neighbours; it is held against the clip.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from setpiece.capture.video.scan import Scan

Values = NDArray[np.float64]

NEAR_S = 0.75  # seconds to each side whose frames are compared
NEAR_WAY = 0.3  # widths of the picture to each side; beyond, other things are seen
REACHED = 0.85  # quantile of the neighbours' sharpness that a frame is compared with
BLURRED = 0.87  # of what the neighbours reach
BLURRED_IN_CLIP = 0.62  # of what the clip reaches


def sharpness_reached(scan: Scan) -> Values:
    """What the frames around each frame reach, [N]."""
    count = len(scan.times_s)
    half = int(np.clip(round(NEAR_S * scan.rate), 2, 240)) if count > 1 else 2
    shown = scan.sharpness > 0
    reached = np.zeros(count)
    edges = np.concatenate([[0], np.flatnonzero(np.diff(scan.scene)) + 1, [count]])
    for first, last in itertools.pairwise(edges):
        for i in range(first, last):
            near = slice(max(first, i - half), min(last, i + half + 1))
            alike = shown[near] & (np.abs(scan.way[near] - scan.way[i]) <= NEAR_WAY)
            values = scan.sharpness[near][alike]
            reached[i] = np.quantile(values, REACHED) if len(values) else 0.0
    return reached


def blurred_frames(scan: Scan, reached: Values) -> NDArray[np.bool_]:
    """Which frames are blurred, damaged or show nothing, [N]."""
    sharp = scan.sharpness[scan.sharpness > 0]
    usual = float(np.quantile(sharp, REACHED)) if len(sharp) else 0.0
    blurred: NDArray[np.bool_] = (
        (scan.sharpness < BLURRED * reached)
        | (scan.sharpness < BLURRED_IN_CLIP * usual)
        | (scan.sharpness <= 0)
    )
    return blurred
