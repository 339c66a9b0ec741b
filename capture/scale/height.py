"""Scale from the known height of the camera over a floor that was found: a 360 camera on its stick, say."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from setpiece.capture.scale.estimates import ScaleEstimate
from setpiece.capture.scale.measured import HEIGHT_ERROR_M
from setpiece.errors import SetpieceError

SOURCE = "camera height"
FLOOR_ERROR = 0.01  # of the height: how well a plane through sparse points is the floor


def scale_from_height(metres: float, heights: NDArray[np.float64]) -> ScaleEstimate:
    """Metres per unit by the median height of the cameras; `heights` [N] over the floor in COLMAP's units.

    Raises SetpieceError when the cameras are not clearly over the floor.
    """
    middle = float(np.median(heights))
    spread = 1.4826 * float(np.median(np.abs(heights - middle)))
    if middle <= 0 or spread > 0.5 * middle:
        raise SetpieceError(
            "the cameras stand at too different heights over the floor for their height to tell the scale. "
            "Measure a distance instead."
        )
    # that people hold it lower at times shows in the spread; all of it may be to one side
    error = math.hypot(spread / middle, HEIGHT_ERROR_M / metres, FLOOR_ERROR)
    return ScaleEstimate(SOURCE, metres / middle, error, f"{metres:g} m over the floor")
