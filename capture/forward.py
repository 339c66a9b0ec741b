"""Whether the camera moved along its view, as on a walk down a street.

Letters: F is the fundamental matrix of a pair and e its epipole in the first photo, F e = 0: where the second
camera stood as the first one saw it. Camera paths around something or past it have their epipoles outside the
photos. Looking ahead on the way, the camera sees its next places; parallax is small there, and mappers that
wait for a good angle to start with find none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pycolmap

from setpiece.capture.colmap import Lens
from setpiece.capture.matching import Pair

MOSTLY_FORWARD = 0.5  # of the pairs; on four captures 0.04 to 0.24 around things, 0.95 along a street
_FLAT = int(pycolmap.TwoViewGeometryConfiguration.PLANAR_OR_PANORAMIC)


def forward_share(geometries: Mapping[Pair, Any], lenses: Sequence[Lens], lens_of: Sequence[int]) -> float:
    """The share of pairs whose first photo shows where the second was taken, 0 to 1.

    `geometries` are pycolmap.TwoViewGeometry with F in pixels; those that are flat tell nothing and are left
    out. 0 where none is left.
    """
    ahead = []
    for (i, j), geometry in geometries.items():
        if lenses[lens_of[i]].cam_from_rig or lenses[lens_of[j]].cam_from_rig:
            continue  # of a panorama one view always looks ahead
        if geometry.F is None or geometry.config == _FLAT:
            continue
        x, y, w = np.linalg.svd(geometry.F)[2][2]
        lens = lenses[lens_of[i]]
        ahead.append(bool(w != 0 and 0 < x / w < lens.width and 0 < y / w < lens.height))
    return float(np.mean(ahead)) if ahead else 0.0
