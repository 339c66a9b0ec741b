"""Whether a picture is an equirectangular panorama, and which part of the sphere it shows."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from setpiece.capture.decode import UnreadablePhotoError, decode_grey
from setpiece.capture.exif import read_metadata
from setpiece.capture.options import PhotoKind
from setpiece.capture.panorama.gpano import EQUIRECTANGULAR, GPano, read_gpano
from setpiece.capture.panorama.sphere import Sphere

SMALLEST_WIDTH = 1024  # pixels; of a picture that is taken for a panorama by its shape alone
LONGEST_FISHEYE = 0.39  # of the longer side: focal length of a 14 mm lens; no 360 camera's is longer
_PROBE_SIDE = 512
_POLE = 0.3  # a pole is one point: how much of the picture's contrast its row may have
_SEAM = 4.0  # how much more the left and right edge may differ than neighbouring columns do


def sphere_of(picture: Image.Image, kind: PhotoKind) -> tuple[Sphere, GPano | None] | None:
    """What an opened picture shows of the sphere and its GPano entries, or None where it is no panorama.

    A picture is one if its GPano entries say so, or if it is exactly 2:1, its upper edge is one point, its
    left and right edges fit together and no lens is named that is none of a 360 camera. `kind` overrules
    both. Raises UnreadablePhotoError where it is said to be one and cannot be.
    """
    if kind is PhotoKind.PHOTOS:
        return None
    said = read_gpano(picture)
    width, height = picture.size
    if said is not None and said.projection == EQUIRECTANGULAR:
        return _declared(said, width, height), said
    if kind is PhotoKind.PANORAMAS:
        return _declared(said, width, height), said
    if said is not None and said.projection:  # cylindrical: an ordinary photo, only wide
        return None
    if width != 2 * height or width < SMALLEST_WIDTH or not _could_be(picture):
        return None
    return Sphere.whole(width, height), said


def _declared(said: GPano | None, width: int, height: int) -> Sphere:
    if said is not None and said.full_width and said.full_height and said.projection == EQUIRECTANGULAR:
        left, top = said.left or 0, said.top or 0
        fits = left + width <= said.full_width and top + height <= said.full_height
        if fits and abs(said.full_width - 2 * said.full_height) <= 2:
            return Sphere(said.full_width, left, top, width, height)
    if abs(width - 2 * height) > 2:
        raise UnreadablePhotoError(
            f"it is {width}x{height}; an equirectangular panorama must be 2:1. Use --kind photos?"
        )
    return Sphere.whole(width, height)


def clip_is_panorama(size: tuple[int, int], kind: PhotoKind, first: Callable[[], NDArray[np.uint8]]) -> bool:
    """Whether a clip of a size (width, height), whose picture `first` gives [H, W, 3], shows the sphere."""
    if kind is not PhotoKind.AUTO:
        return kind is PhotoKind.PANORAMAS and abs(size[0] - 2 * size[1]) <= 2
    if size[0] != 2 * size[1] or size[0] < SMALLEST_WIDTH:
        return False
    grey = cv2.cvtColor(first(), cv2.COLOR_RGB2GRAY)
    return _closes(
        np.asarray(cv2.resize(grey, (_PROBE_SIDE, _PROBE_SIDE // 2), interpolation=cv2.INTER_AREA))
    )


def _could_be(picture: Image.Image) -> bool:
    fraction = read_metadata(picture).focal_fraction
    if fraction is not None and fraction > LONGEST_FISHEYE:
        return False
    return _closes(decode_grey(picture, _PROBE_SIDE).within(_PROBE_SIDE))


def _closes(small: NDArray[np.uint8]) -> bool:
    """Whether the upper edge of a grey picture is one point, and its left and right edges fit together."""
    grey = small.astype(np.float64)
    contrast = grey.std()
    if grey[0].std() > _POLE * contrast:
        return False
    beside = np.abs(np.diff(grey, axis=1)).mean()
    across = np.abs(grey[:, 0] - grey[:, -1]).mean()
    return bool(across <= _SEAM * beside + 1)
