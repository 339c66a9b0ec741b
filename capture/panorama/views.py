"""Pinhole views of a panorama, resampled with care.

A view's focal length is such that its middle is as fine as the panorama, so that towards its edges it is
finer: nothing there can alias. Towards the poles the panorama's rows are stretched sideways; they are blurred
by as much first.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from setpiece.capture.panorama.layout import CUBE, Direction, Layout
from setpiece.capture.panorama.sphere import Sphere

Bytes = NDArray[np.uint8]
Vectors = NDArray[np.float64]

STANDARD = CUBE
LEAST_SEEN = 0.2  # of a view that a part of the sphere must show for the view to be made
_MARGIN = 4  # pixels that are repeated beyond the panorama's left and right edge
_MOST_STRETCH = 64  # of a row towards a pole that is evened out
_KEPT_SIDE = 2048  # pixels; where larger views come from is worked out anew for each panorama: memory


@dataclass(frozen=True)
class PanoramaView:
    """One view of a panorama."""

    number: int  # in the layout
    cam_from_rig: Vectors  # [3, 3]
    focal_px: float  # the principal point is the middle
    rgb: Bytes  # [S, S, 3]
    seen: Bytes | None  # [S, S] 255 where the panorama shows something, 0 elsewhere; None: everywhere


def views_of(
    equirect: Bytes, sphere: Sphere | None = None, layout: Layout = STANDARD, most_side: int = 4096
) -> list[PanoramaView]:
    """The views of an equirectangular picture [H, W, 3], or of a grey one or mask [H, W], in layout order.

    `sphere` says which part of the sphere the picture shows; None: all of it. Views of which it shows
    less than LEAST_SEEN are left out. A view's side is at most `most_side` pixels.
    """
    height, width = equirect.shape[:2]
    sphere = sphere or Sphere.whole(width, height)
    focal = sphere.focal_px
    side = layout.side_px(focal)
    if side > most_side:
        smaller = most_side / side
        width, height = round(width * smaller), round(height * smaller)
        equirect = np.asarray(cv2.resize(equirect, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
        sphere, side = sphere.scaled(width, height), most_side
        focal = side / 2 / np.tan(np.radians(layout.fov_deg / 2))
    wide = _wrapped(evened(equirect, sphere), sphere)
    places_of = _kept_places if side <= _KEPT_SIDE else _places
    views = []
    for number, direction in enumerate(layout.directions):
        places, parts, seen = places_of(sphere, direction, side, focal)
        if seen is not None and seen.mean() < 255 * LEAST_SEEN:
            continue
        rgb = cv2.remap(wide, places, parts, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        views.append(PanoramaView(number, direction.cam_from_rig, focal, np.asarray(rgb, np.uint8), seen))
    return views


def _places(
    sphere: Sphere, direction: Direction, side: int, focal_px: float
) -> tuple[Any, Any, Bytes | None]:
    """Where a view's pixels come from as OpenCV wants it, whole and 1/32 pixels, and which are shown."""
    at = sphere.positions(view_rays(side, focal_px) @ direction.cam_from_rig).reshape(side, side, 2)
    wanted = (at + (_MARGIN - 0.5, -0.5)).astype(np.float32)  # OpenCV counts from pixel centres
    places, parts = cv2.convertMaps(wanted, None, cv2.CV_16SC2)
    return places, parts, _seen(at, sphere)


_kept_places = functools.lru_cache(maxsize=32)(_places)


def view_rays(side: int, focal_px: float) -> Vectors:
    """Rays [side * side, 3] in camera axes, z = 1, of a square view's pixels, row by row."""
    at = (np.arange(side) + 0.5 - side / 2) / focal_px
    x, y = np.meshgrid(at, at)
    return np.stack([x.ravel(), y.ravel(), np.ones(side * side)], axis=1)


def evened(equirect: Bytes, sphere: Sphere) -> Bytes:
    """The picture with its rows blurred sideways by as much as the projection stretches them."""
    latitude = (0.5 - (np.arange(sphere.height) + 0.5 + sphere.top) / sphere.full_height) * np.pi
    stretch = np.minimum(1 / np.maximum(np.cos(latitude), 1e-6), _MOST_STRETCH)
    steps = np.round(2 * np.log2(stretch)).astype(int)  # bands in which the stretch is nearly the same
    out: Bytes = equirect.copy()
    border = cv2.BORDER_WRAP if sphere.width == sphere.full_width else cv2.BORDER_REPLICATE
    for step in range(1, int(steps.max(initial=0)) + 1):
        rows = np.flatnonzero(steps == step)
        for part in np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1):
            if not len(part):
                continue
            sigma = 0.5 * np.sqrt(2.0**step - 1)  # with the pixels' own width that of the stretched pixel
            reach = min(int(np.ceil(3 * sigma)), sphere.width - 1)
            band = slice(part[0], part[-1] + 1)
            wide = cv2.copyMakeBorder(out[band], 0, 0, reach, reach, border)
            out[band] = cv2.GaussianBlur(wide, (2 * reach + 1, 1), sigma)[:, reach : reach + sphere.width]
    return out


def _wrapped(picture: Bytes, sphere: Sphere) -> Bytes:
    """With some columns of the other side beyond each edge, where the picture goes all around."""
    around = sphere.width == sphere.full_width
    border = cv2.BORDER_WRAP if around else cv2.BORDER_REPLICATE
    wide: Bytes = np.asarray(cv2.copyMakeBorder(picture, 0, 0, _MARGIN, _MARGIN, border), np.uint8)
    return wide


def _seen(at: Vectors, sphere: Sphere) -> Bytes | None:
    if sphere.complete:
        return None
    x, y = at[..., 0], at[..., 1]
    inside = (x >= 0.5) & (x <= sphere.width - 0.5) & (y >= 0.5) & (y <= sphere.height - 0.5)
    if sphere.width == sphere.full_width:
        inside = (y >= 0.5) & (y <= sphere.height - 0.5)
    return np.where(inside, 255, 0).astype(np.uint8)
