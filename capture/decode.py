"""Any photo as an upright 8-bit sRGB picture of limited size."""

from __future__ import annotations

import contextlib
import io
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms

from setpiece.capture.grey import GreyPicture, decoded_grey

BEHIND_ALPHA = (128, 128, 128)  # transparent pictures are laid on grey
LARGEST_PIXELS = 1_000_000_000  # of a file; more is taken for damage
BIG_PIXELS = 40_000_000  # photos above this are decoded one at a time to bound memory
_one_big = threading.Lock()
_SRGB = ImageCms.createProfile("sRGB")


class UnreadablePhotoError(Exception):
    """A photo that cannot be used; its text is the reason in a few plain words."""


def open_photo(path: Path) -> Image.Image:
    """The opened but not yet decoded photo. Raises UnreadablePhotoError."""
    import pillow_heif

    pillow_heif.register_heif_opener()
    try:
        picture = Image.open(path)
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise UnreadablePhotoError(f"it is no readable picture ({_kind(path)})") from error
    if picture.width * picture.height > LARGEST_PIXELS:
        raise UnreadablePhotoError(f"it is {picture.width}x{picture.height} pixels, more than can be read")
    return picture


def decode_grey(picture: Image.Image, side: int) -> GreyPicture:
    """A grey version, quickly, its longest side at least `side` where the photo has that much.

    For JPEG the whole file is read, so that a truncated one is found. Raises UnreadablePhotoError.
    """
    with _turn(picture), _reasons():
        return decoded_grey(picture, side)


def decode_srgb(picture: Image.Image, orientation: int, max_side: int) -> Image.Image:
    """The photo upright, in mode RGB and sRGB, its longest side at most `max_side`.

    Raises UnreadablePhotoError.
    """
    if max(picture.size) > max_side:  # let the JPEG decoder scale by 1/2, 1/4 or 1/8 on its way
        scale = 0.75 * max_side / max(picture.size)
        picture.draft(None, (int(picture.width * scale), int(picture.height * scale)))
    with _turn(picture):
        decoded = _load(picture)
        profile = picture.info.get("icc_profile")
        if decoded.mode not in _PLAIN_MODES:
            decoded = _eight_bit(decoded)
        if max(decoded.size) > max_side:  # before transparency and colour: these take memory
            decoded.thumbnail((max_side, max_side), Image.Resampling.LANCZOS, reducing_gap=3.0)
        decoded = _to_srgb(_eight_bit(decoded), profile)
        method = TRANSPOSE.get(orientation)
        return decoded.transpose(method) if method is not None else decoded


def needs_no_colour_change(picture: Image.Image) -> bool:
    """Whether the stored numbers are grey or RGB in sRGB, or said to be nothing else."""
    if picture.mode not in ("RGB", "L"):
        return False
    profile = picture.info.get("icc_profile")
    return not profile or _is_srgb(profile)


_PLAIN_MODES = ("RGB", "RGBA", "L", "CMYK")  # that can be scaled as they are
TRANSPOSE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class _Free:
    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass


def _turn(picture: Image.Image) -> threading.Lock | _Free:
    return _one_big if picture.width * picture.height > BIG_PIXELS else _Free()


def _load(picture: Image.Image) -> Image.Image:
    with _reasons():
        picture.load()
    return picture


@contextlib.contextmanager
def _reasons() -> Iterator[None]:
    """What a decoder raises becomes an UnreadablePhotoError."""
    try:
        yield
    except MemoryError as error:
        raise UnreadablePhotoError("it is too large for the memory of this machine") from error
    except (OSError, ValueError, SyntaxError, EOFError, IndexError) as error:
        cut = "truncated" in str(error) or "premature" in str(error).casefold()
        raise UnreadablePhotoError("it is cut off" if cut else f"it is damaged ({error})") from error


def _eight_bit(picture: Image.Image) -> Image.Image:
    """Modes that hold more than 8 bits scaled down to L; palettes and transparency resolved to RGB."""
    if picture.mode.startswith("I") or picture.mode == "F":
        values = np.nan_to_num(np.asarray(picture, dtype=np.float32), posinf=0.0, neginf=0.0)
        highest = float(values.max(initial=0))
        full = 1.0 if picture.mode == "F" and highest <= 1 else 255.0 if highest <= 255 else 65535.0
        return Image.fromarray((np.clip(values / full, 0, 1) * 255 + 0.5).astype(np.uint8))
    if picture.mode in ("PA", "LA", "La", "RGBa", "RGBA") or "transparency" in picture.info:
        straight = picture.convert("RGBA")
        behind = Image.new("RGBA", straight.size, (*BEHIND_ALPHA, 255))
        return Image.alpha_composite(behind, straight).convert("RGB")
    if picture.mode in ("RGB", "L", "CMYK"):
        return picture
    return picture.convert("RGB")


def _to_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    if profile and not _is_srgb(profile):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(picture, source, _SRGB, outputMode="RGB")
            if converted is not None:
                return converted
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass  # a damaged profile, or one for other channels: take the numbers as they are
    return picture.convert("RGB")


def _is_srgb(profile: bytes) -> bool:
    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return "srgb" in ImageCms.getProfileDescription(opened).casefold()
    except (ImageCms.PyCMSError, OSError, ValueError):
        return True  # unreadable: treated as absent


def _kind(path: Path) -> str:
    try:
        with path.open("rb") as file:
            start = file.read(64)
    except OSError as error:
        return error.strerror or "it cannot be opened"
    if not start:
        return "the file is empty"
    if all(b in b"\t\r\n" or 32 <= b < 127 for b in start):
        return "it is a text file"
    return "its kind is not known or its beginning is damaged"
