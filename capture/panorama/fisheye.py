"""Originals of 360 cameras that are not stitched yet: two fisheye circles, of no use until they are one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from setpiece.capture.frames import LeftOut

if TYPE_CHECKING:
    from setpiece.capture.sources import Sources

_APPS = {
    ".insv": "Insta360 Studio",
    ".insp": "Insta360 Studio",
    ".360": "GoPro Player",
    ".osv": "DJI Studio",
}
DUAL_FISHEYE = frozenset(_APPS)


def unstitched(sources: Sources) -> list[LeftOut]:
    """Of the capture's files those that a 360 camera left as fisheye circles, with what to do about them."""
    return [LeftOut(sources.name(f), r) for f in sources.others if (r := how_to_stitch(f))]


def how_to_stitch(file: Path) -> str | None:
    """What to do about an original of a 360 camera; None for other files."""
    app = _APPS.get(file.suffix.lower())
    if app is None:
        return None
    kind = "photo" if file.suffix.lower() == ".insp" else "video"
    return (
        f"it is a {kind} of two fisheye circles, as the camera stored it; "
        f"export it as a stitched 360 {kind} (equirectangular, 2:1) with {app} and use that"
    )
