"""Clips made on the spot with real encoders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]

QUICK = {
    "libx264": {"preset": "ultrafast", "crf": "16"},
    "libx265": {"preset": "ultrafast", "crf": "16", "x265-params": "log-level=none"},
    "libsvtav1": {"preset": "12", "crf": "20"},
}
TIME_BASE = Fraction(1, 600)


def texture(width: int, height: int, seed: int = 0) -> Picture:
    """Coloured noise with detail from coarse to fine, [H, W, 3]."""
    rng = np.random.default_rng(seed)
    total = np.zeros((height, width, 3), np.float32)
    for cell, strength in ((48, 1.0), (16, 0.8), (6, 0.6), (3, 0.4)):
        small = rng.normal(0, strength, (height // cell + 2, width // cell + 2, 3)).astype(np.float32)
        total += cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(128 + 45 * total, 0, 255).astype(np.uint8)


def panned(places: Iterable[float], size: tuple[int, int], seed: int = 0) -> Iterator[Picture]:
    """Views of a texture whose left edge stands at these places, in widths of the picture."""
    at = [p * size[0] for p in places]
    whole = texture(int(max(at)) + size[0] + 2, size[1], seed)
    for x in at:
        shift = np.array([[1, 0, -x], [0, 1, 0]], np.float64)
        yield np.asarray(cv2.warpAffine(whole, shift, size, flags=cv2.INTER_LINEAR), np.uint8)


def smeared(picture: Picture, pixels: int) -> Picture:
    """The picture as a movement to the side blurs it."""
    return np.asarray(cv2.blur(picture, (pixels, 1)), np.uint8)


def write_clip(
    path: Path,
    pictures: Iterable[Picture],
    *,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    times: Iterable[float] | None = None,
    rate: int = 30,
    matrix: tuple[int, int, int, int] | None = None,
    tags: dict[str, str] | None = None,
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
) -> Path:
    """Write a clip; `times` in seconds, `matrix` a b c d of the display matrix."""
    flags = {"movflags": "use_metadata_tags"} if tags else {}
    with av.open(str(path), "w", options={**flags, **(container_options or {})}) as container:
        container.metadata.update(tags or {})
        stream: Any = container.add_stream(codec, rate=rate, options={**QUICK[codec], **(options or {})})
        stream.pix_fmt = pix_fmt
        stamps = iter(times) if times is not None else (i / rate for i in range(10**9))
        for picture, time_s in zip(pictures, stamps, strict=False):
            if not stream.codec_context.is_open:
                stream.height, stream.width = picture.shape[:2]
                stream.codec_context.time_base = stream.time_base = TIME_BASE
                if matrix:
                    a, b, c, d = (65536 * v for v in matrix)
                    stream.set_display_matrix((a, b, 0, c, d, 0, 0, 0, 1 << 30))
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), "rgb24")
            frame.pts, frame.time_base = round(time_s / TIME_BASE), TIME_BASE
            container.mux(stream.encode(frame))
        if stream.codec_context.is_open:
            container.mux(stream.encode(None))
    return path


def write_sound(path: Path) -> Path:
    """A second of silence and no picture."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("aac", rate=44100)
        for i in range(40):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
            frame.sample_rate, frame.pts, frame.time_base = 44100, 1024 * i, Fraction(1, 44100)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
