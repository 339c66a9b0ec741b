"""The sources of scale that need nobody: what the photos show and what came with them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from setpiece.capture.grey import GreyShelf
from setpiece.capture.scale.app_poses import scale_from_app
from setpiece.capture.scale.estimates import ScaleEstimate
from setpiece.capture.scale.marker import scale_from_markers
from setpiece.capture.scale.posed_photos import PosedPhoto
from setpiece.capture.scale.satellite import scale_from_places
from setpiece.capture.scale.tags import find_all_tags
from setpiece.progress import Progress


def automatic_scales(
    photos: Sequence[PosedPhoto],
    folder: Path,
    up: NDArray[np.float64],
    marker_mm: float,
    threads: int,
    progress: Progress,
    shelf: GreyShelf | None = None,
) -> list[ScaleEstimate]:
    """What markers of side `marker_mm` (0: none is looked for), apps and satellites say of the scale.

    `folder` holds the frames, `up` is in COLMAP's world. What is of no use is named in warnings.
    """
    found = []
    if marker_mm > 0:
        tags = find_all_tags([folder / p.frame.name for p in photos], threads, shelf)
        by_marker, notes = scale_from_markers(photos, tags, marker_mm)
        for note in notes:
            progress.warning(note)
        found += [by_marker] if by_marker else []
    by_app, unfit = scale_from_app(photos)
    if unfit:
        progress.warning(unfit)
    found += [by_app] if by_app else []
    by_satellite, wrong, silent = scale_from_places(photos, up)
    for note in wrong:
        progress.warning(note)
    if silent:
        progress.line(f"{silent}.")
    found += [by_satellite] if by_satellite else []
    return found
