"""The file names of the sample capture."""

from __future__ import annotations


def photo_name(index: int) -> str:
    """The file name of photo number `index`, as phones count."""
    return f"IMG_{index + 1:04d}.jpg"


def panorama_name(index: int) -> str:
    """The file name of panorama number `index`."""
    return f"PANO_{index + 1:04d}.jpg"
