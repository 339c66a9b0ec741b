"""Files that hold no photo but how far things are, and files that hold more than one picture."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from PIL import Image

_DEPTH = re.compile(r"(?<![a-z])(depth|depths|depthmap|disparity|confidence)(?![a-z])", re.IGNORECASE)


def is_depth_map(picture: Image.Image, source: str) -> bool:
    """Whether an opened picture is a map of depth or of confidence in it, as phone apps put beside photos.

    It has one channel, and its name or the folder it lies in says so.
    """
    name = PurePosixPath(source)
    names = f"{name.parent.name} {name.stem}".replace("_", " ")
    return len(picture.getbands()) == 1 and picture.mode != "P" and _DEPTH.search(names) is not None


def pictures_beside(picture: Image.Image) -> int:
    """How many more pictures the file of an opened one holds: the rest of a burst, or the other eye's.

    Previews, gain maps and depth that a photo carries along are not counted.
    """
    if picture.format not in ("HEIF", "TIFF"):
        return 0
    return int(getattr(picture, "n_frames", 1)) - 1
