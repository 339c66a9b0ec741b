"""Scale from a distance that was measured between two points seen in photos."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from setpiece.capture.scale.estimates import ScaleEstimate
from setpiece.capture.scale.measured import Distance, Place
from setpiece.capture.scale.point import CLICK_PX, Click, Point, met, near_points
from setpiece.capture.scale.posed_photos import PosedPhoto
from setpiece.errors import SetpieceError

SOURCE = "measured distance"
POSES_ERROR = 0.001  # relative; lengths within a good model, which nothing that is clicked can show


def scale_from_distance(
    distance: Distance, photos: Sequence[PosedPhoto], reconstruction: Any
) -> ScaleEstimate:
    """Metres per unit by a measured distance. Raises SetpieceError when its points cannot be placed."""
    start = _point(distance.start, photos, reconstruction, "the first point")
    end = _point(distance.end, photos, reconstruction, "the second point")
    between = end.position - start.position
    length = float(np.linalg.norm(between))
    if length == 0:
        raise SetpieceError("both ends of the measured distance are the same point. Give two points.")
    along = between / length
    sigma = math.sqrt(float(along @ (start.covariance + end.covariance) @ along))
    error = math.hypot(sigma / length, distance.error_m / distance.metres, POSES_ERROR)
    if error > 0.5:
        raise SetpieceError(
            f"the two points of the distance {distance.detail} are too near to each other, or too poorly "
            "placed, to tell the scale. Measure a longer distance, and show its ends in several photos."
        )
    return ScaleEstimate(SOURCE, distance.metres / length, error, distance.detail)


def _point(places: Sequence[Place], photos: Sequence[PosedPhoto], reconstruction: Any, what: str) -> Point:
    clicks = []
    for place in places:
        photo = photo_named(place.photo, photos)
        xy = photo.from_photo_px(place.x, place.y)
        width, height = photo.frame.width, photo.frame.height
        if not (0 <= xy[0] <= width and 0 <= xy[1] <= height):
            full = photo.frame.taken_width or width
            raise SetpieceError(
                f"{place.photo} is {full}x{round(height * full / width)} pixels; "
                f"{place.x:g},{place.y:g} lies outside. Count from the top left corner."
            )
        clicks.append(Click(photo, xy, CLICK_PX * width / (photo.frame.taken_width or width)))
    if len({c.photo.frame.name for c in clicks}) >= 2:
        return met(clicks, what)
    photo = clicks[0].photo
    return near_points(clicks[0], reconstruction, photo.frame_number + 1, what)


def photo_named(name: str, photos: Sequence[PosedPhoto]) -> PosedPhoto:
    """The posed photo that a user calls `name`: its path in the capture, file name or frame name.

    Raises SetpieceError when there is none, or more than one.
    """
    wanted = name.replace("\\", "/")
    for names in (lambda p: (p.frame.source, p.frame.name), lambda p: (p.frame.source.rsplit("/", 1)[-1],)):
        found = [p for p in photos if wanted in names(p)]
        if len(found) == 1:
            return found[0]
        if len(found) > 1:
            where = ", ".join(p.frame.source for p in found[:4])
            raise SetpieceError(f"{name} is the name of several photos ({where}). Give the path of one.")
    raise SetpieceError(
        f"no photo called {name} has a pose in this set. See report.html for those that have."
    )
