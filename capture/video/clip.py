"""Opening a clip and decoding its frames one after another, or saying why that cannot be done."""

from __future__ import annotations

import contextlib
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from setpiece.capture.video.boxes import is_iso_file, read_boxes
from setpiece.capture.video.colour import Colour, colour_of
from setpiece.capture.video.metadata import ClipMetadata, read_clip_metadata
from setpiece.capture.video.timecode import short_timecode

_MATROSKA = b"\x1a\x45\xdf\xa3"
_PICTURES = (b"\xff\xd8\xff", b"\x89PNG", b"II*\0", b"MM\0*", b"GIF8")
QUICK_RATE, QUICK_PIXELS = 45, 150e6  # frames and pixels per second; above, half of the frames tell as much
_UPRIGHT = (1, 0, 0, 1)


class UnreadableClipError(Exception):
    """A clip that cannot be used; its text is the reason in a few plain words."""


@dataclass(frozen=True)
class Shown:
    """How a clip's pictures are shown."""

    size: tuple[int, int]  # width, height in pixels, upright and with square pixels
    matrix: tuple[int, int, int, int]  # a b c d of the display matrix, each -1, 0 or 1
    aspect: float  # width of a stored pixel in heights
    colour: Colour


@dataclass
class Clip:
    """An opened clip."""

    path: Path
    container: Any  # av.container.InputContainer
    stream: Any  # av.video.stream.VideoStream
    metadata: ClipMetadata
    duration_s: float | None  # as the container promises it
    damaged: int = 0  # packets that could not be decoded so far
    _origin: Fraction = field(default=Fraction(0))

    @property
    def codec(self) -> str:
        """Such as "hevc"."""
        return str(self.stream.codec_context.codec.canonical_name)

    @property
    def passes_over(self) -> bool:
        """Whether frames that no other frame needs are not decoded."""
        return str(self.stream.codec_context.skip_frame) == "NONREF"

    @property
    def time_base(self) -> Fraction:
        """Seconds per unit of a frame's presentation time."""
        return Fraction(self.stream.time_base)

    def time_s(self, pts: int) -> float:
        """Seconds from the clip's beginning for a presentation time."""
        return float(pts * self.time_base - self._origin)

    def decoded(self) -> Iterator[Any]:
        """The frames (av.VideoFrame) that have a presentation time, from where the clip stands to its end.

        What cannot be decoded is counted in `damaged` and passed over.
        """
        import av

        packets = self.container.demux(self.stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except (av.FFmpegError, OSError):  # the file ends in the middle of something
                self.damaged += 1
                return
            try:
                frames = packet.decode()
            except av.EOFError:
                return
            except (av.FFmpegError, OSError):
                self.damaged += 1
                continue
            yield from (f for f in frames if f.pts is not None)

    def seek(self, pts: int) -> None:
        """Go to the last key frame at or before a presentation time. Raises OSError where that fails."""
        self.container.seek(pts, stream=self.stream, backward=True, any_frame=False)

    def shown(self, frame: Any) -> Shown:
        """How a decoded frame is to be shown."""
        context = self.stream.codec_context
        matrix = _display_matrix(frame)
        ratio = self.stream.sample_aspect_ratio or context.sample_aspect_ratio
        aspect = float(ratio) if ratio else 1.0
        aspect = aspect if 0.2 < aspect < 5 else 1.0
        width, height = frame.width, frame.height
        if abs(aspect - 1) > 1e-3:
            width, height = (round(width * aspect), height) if aspect > 1 else (width, round(height / aspect))
        if not matrix[0]:
            width, height = height, width
        full_range = int(context.color_range) == 2 or frame.format.name.startswith("yuvj")
        colour = colour_of(
            int(context.colorspace),
            full_range,
            int(context.color_trc),
            int(context.color_primaries),
            frame.height,
            _peak_nits(frame),
        )
        return Shown((width, height), matrix, aspect, colour)


@contextlib.contextmanager
def open_clip(path: Path, threads: int, *, quick: bool = False) -> Iterator[Clip]:
    """The opened clip at `path`, decoded with `threads` threads. Raises UnreadableClipError.

    Where a `quick` look is enough, frames that no other frame needs are passed over in clips of a high rate
    or size; in many that is every second one, in some there is none.
    """
    import av

    promise = _check_beginning(path)
    try:
        container = av.open(str(path), metadata_errors="replace")
    except av.EOFError as error:
        raise UnreadableClipError("it is cut off before its first picture; copy it again") from error
    except (av.FFmpegError, OSError, ValueError) as error:
        raise UnreadableClipError(f"it is damaged and cannot be opened ({_words(error)})") from error
    with container:
        stream = _picture_stream(container)
        stream.thread_type = "AUTO"
        if quick and _is_costly(stream):
            stream.codec_context.skip_frame = "NONREF"
        stream.codec_context.thread_count = threads
        duration = _duration(container, stream)
        tags = {**stream.metadata, **container.metadata}
        start = stream.start_time or 0
        clip = Clip(path, container, stream, read_clip_metadata(tags), duration)
        clip._origin = start * Fraction(stream.time_base)
        clip.damaged = int(promise > 0)
        yield clip


def _check_beginning(path: Path) -> int:
    """How many bytes the file lacks by its own account. Raises UnreadableClipError where it is no clip."""
    try:
        with path.open("rb") as file:
            start = file.read(4096)
        if not start:
            raise UnreadableClipError("the file is empty")
        if not any(start):
            raise UnreadableClipError("it begins with nothing but zeros, as a copy that was interrupted does")
        if start.startswith(_PICTURES):
            raise UnreadableClipError("it is a picture, not a video; give it the ending of its kind")
        if start.startswith(_MATROSKA):
            return 0
        if not is_iso_file(start):
            raise UnreadableClipError("it is no MP4, MOV or MKV video, or its beginning is damaged")
        boxes = read_boxes(path)
    except OSError as error:
        raise UnreadableClipError(error.strerror or "it cannot be opened") from error
    if not boxes.has_index:
        raise UnreadableClipError(
            "it is cut off: the index that a phone writes at the end of a recording is missing; copy it again"
        )
    if boxes.is_encrypted:
        raise UnreadableClipError(
            "it is protected against copying (encrypted), so its pictures cannot be read"
        )
    return boxes.missing_bytes


def _picture_stream(container: Any) -> Any:
    streams = [s for s in container.streams.video if not _is_cover(s)]
    if not streams:
        what = "holds only sound" if container.streams.audio else "holds no pictures"
        raise UnreadableClipError(f"it {what}")
    readable = [s for s in streams if s.codec_context is not None]
    if not readable:
        raise UnreadableClipError("its codec is not known to this version of PyAV, so it cannot be decoded")
    return max(readable, key=lambda s: s.codec_context.width * s.codec_context.height)


def _is_costly(stream: Any) -> bool:
    rate, context = float(stream.average_rate or 0), stream.codec_context
    return rate > QUICK_RATE or rate * context.width * context.height > QUICK_PIXELS


def _is_cover(stream: Any) -> bool:
    return bool(stream.disposition & type(stream.disposition).attached_pic)


def _duration(container: Any, stream: Any) -> float | None:
    if stream.duration:
        return float(stream.duration * stream.time_base)
    said = re.fullmatch(r"(\d+):(\d\d):([\d.]+)", stream.metadata.get("DURATION", ""))  # Matroska's way
    if said:
        return int(said[1]) * 3600 + int(said[2]) * 60 + float(said[3])
    return container.duration / 1e6 if container.duration else None


def _display_matrix(frame: Any) -> tuple[int, int, int, int]:
    """The turn and mirroring in steps of a quarter; anything else counts as none."""
    data = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return _UPRIGHT
    values = np.frombuffer(bytes(data), "<i4" if struct.pack("=h", 1)[0] else ">i4")[:9].reshape(3, 3)
    largest = int(np.abs(values[:2, :2]).max())
    if not largest:
        return _UPRIGHT
    a, b, c, d = np.rint(values[:2, :2].ravel() / largest).astype(int).tolist()
    return (a, b, c, d) if abs(a * d - b * c) == 1 and abs(a) + abs(b) == 1 else _UPRIGHT


def _peak_nits(frame: Any) -> float | None:
    """The peak of the screen that a PQ clip was mastered on (SMPTE ST 2086), where it says so."""
    data = frame.side_data.get("MASTERING_DISPLAY_METADATA")
    if data is None:
        return None
    # AVMasteringDisplayMetadata: eight rationals of primaries and white, then the least and largest luminance
    numbers = np.frombuffer(bytes(data), "=i4")
    if len(numbers) < 22 or not numbers[21] or not numbers[19]:
        return None
    peak = float(numbers[18] / numbers[19])
    return peak if 100 <= peak <= 10_000 else None


def _words(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error).casefold()


def cut_off_sentence(last_s: float, promised_s: float | None) -> str:
    """What to say of a clip whose pictures end too early."""
    of = f" of {short_timecode(promised_s)}" if promised_s and promised_s > last_s + 0.5 else ""
    return f"it is damaged or cut off: its pictures end at {short_timecode(last_s)}{of}"
