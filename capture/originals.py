"""Originals in a maker's own format, of no use until they are exported: what they are and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from setpiece.capture.frames import LeftOut

if TYPE_CHECKING:
    from setpiece.capture.sources import Sources

_STITCH = (
    "it is a {kind} of two fisheye circles, as the camera stored it; "
    "export it as a stitched 360 {kind} (equirectangular, 2:1) with {app} and use that"
)
_RAW = "it is a raw photo; develop it to JPEG, HEIC or TIFF and use that"
_ADVICE = {
    ".insv": _STITCH.format(kind="video", app="Insta360 Studio"),
    ".insp": _STITCH.format(kind="photo", app="Insta360 Studio"),
    ".360": _STITCH.format(kind="video", app="GoPro Player"),
    ".osv": _STITCH.format(kind="video", app="DJI Studio"),
    ".r3d": "it is a recording of Record3D; export it there as images with metadata and give that folder",
    **dict.fromkeys((".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".rw2", ".orf"), _RAW),
}


def unexported(sources: Sources) -> list[LeftOut]:
    """Of the capture's files those in a maker's own format, with what to do about them."""
    return [LeftOut(sources.name(f), advice) for f in sources.others if (advice := how_to_export(f))]


def how_to_export(file: Path) -> str | None:
    """What to do about an original in a maker's own format; None for other files."""
    return _ADVICE.get(file.suffix.lower())
