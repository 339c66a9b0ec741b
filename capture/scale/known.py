"""The scale of a set: what was found by itself and what was measured, together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from setpiece.capture.scale import height
from setpiece.capture.scale.distance import scale_from_distance
from setpiece.capture.scale.estimates import Scale, ScaleEstimate, combined, percent
from setpiece.capture.scale.measured import Measurements
from setpiece.capture.scale.posed_photos import PosedPhoto
from setpiece.errors import SetpieceError
from setpiece.progress import Progress


@dataclass(frozen=True)
class Posed:
    """A posed set, as far as its scale is concerned."""

    photos: Sequence[PosedPhoto]
    reconstruction: Any  # pycolmap.Reconstruction
    world_from_colmap: NDArray[np.float64]  # [4, 4]; its z = 0 is the floor where one was found
    floor: bool

    @property
    def size(self) -> float:
        """Set units per unit of COLMAP's world."""
        return float(np.cbrt(np.linalg.det(self.world_from_colmap[:3, :3])))

    def heights(self) -> NDArray[np.float64]:
        """Of the cameras over the floor, in COLMAP's units, [N]."""
        centres = np.array([p.centre for p in self.photos])
        along_z: NDArray[np.float64] = centres @ self.world_from_colmap[2, :3] + self.world_from_colmap[2, 3]
        return along_z / self.size


def scale_of(
    posed: Posed, automatic: Sequence[ScaleEstimate], measurements: Measurements
) -> tuple[Scale | None, list[str]]:
    """What everything says together, and a sentence for each measurement that could not be used."""
    estimates, unused = with_marker_size(automatic, measurements.marker_mm), []
    for distance in measurements.distances:
        try:
            estimates.append(scale_from_distance(distance, posed.photos, posed.reconstruction))
        except SetpieceError as error:
            unused.append(f"the distance {distance.detail} is not used: {error}")
    if measurements.camera_height_m is not None:
        try:
            if not posed.floor:
                raise SetpieceError("no floor was found in this set. Measure a distance instead.")
            estimates.append(height.scale_from_height(measurements.camera_height_m, posed.heights()))
        except SetpieceError as error:
            unused.append(f"the height of the camera is not used: {error}")
    return combined(estimates), unused


def with_marker_size(estimates: Sequence[ScaleEstimate], marker_mm: float | None) -> list[ScaleEstimate]:
    """The estimates, with those of markers for another size in print than was thought."""
    return [
        replace(e, metres_per_unit=e.metres_per_unit * marker_mm / e.marker_mm, marker_mm=marker_mm)
        if marker_mm is not None and e.marker_mm is not None
        else e
        for e in estimates
    ]


def scale_said(scale: Scale | None, unused: Sequence[str], progress: Progress) -> list[str]:
    """Say what is known of the scale; returns the warnings among it."""
    warnings = [*unused, *(scale.contradictions if scale else ())]
    for text in warnings:
        progress.warning(text)
    if scale is not None:
        progress.line(f"Scale     metres, ± {percent(scale.error)}, by {scale.source}")
    return warnings


def frame_facts(scale: Scale | None) -> dict[str, Any]:
    """What `set.json` says of the scale."""
    return {
        "scale_known": scale is not None,
        "unit": "m" if scale else "units",
        "scale_source": scale.source if scale else None,
        "scale_error": round(scale.error, 6) if scale else None,
    }


def scale_json(scale: Scale | None, automatic: Sequence[ScaleEstimate]) -> dict[str, Any]:
    """What `poses.json` says of the scale."""
    return {
        "automatic": [e.to_json() for e in automatic],
        "used": [e.to_json() for e in scale.estimates] if scale else [],
        "contradictions": list(scale.contradictions) if scale else [],
    }
