"""Small pictures inside the page, as data URLs, so that the report is one file."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

_VEIL = [204 - 204 * v // 255 for v in range(256)]  # how much of the veil a mask's values let through
_VEIL_COLOUR = (214, 64, 159)


def data_url(path: Path, side: int, quality: int = 80, masks: Sequence[Path] = ()) -> str | None:
    """The picture at `path` as a JPEG data URL whose longer side is at most `side` px; None if unreadable.

    What its masks ignore is veiled.
    """
    try:
        with Image.open(path) as picture:
            picture.draft("RGB", (side, side))
            small = picture.convert("RGB")
            small.thumbnail((side, side))
        for mask in masks:
            with Image.open(mask) as opened:
                ignored = opened.convert("L").resize(small.size, Image.Resampling.BOX).point(_VEIL)
            small.paste(_VEIL_COLOUR, (0, 0), ignored)
    except OSError:
        return None
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=quality)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
