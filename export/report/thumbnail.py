"""Small pictures inside the page, as data URLs, so that the report is one file."""

from __future__ import annotations

import base64
import io
from pathlib import Path

from PIL import Image


def data_url(path: Path, side: int, quality: int = 80) -> str | None:
    """The picture at `path` as a JPEG data URL whose longer side is at most `side` px; None if unreadable."""
    try:
        with Image.open(path) as picture:
            picture.draft("RGB", (side, side))
            small = picture.convert("RGB")
            small.thumbnail((side, side))
    except OSError:
        return None
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=quality)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
