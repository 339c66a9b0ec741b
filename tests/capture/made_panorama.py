"""Panoramas of a smooth surrounding whose colours are known for every direction."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from setpiece.capture.panorama.sphere import Sphere

_XMP = "http://ns.adobe.com/xap/1.0/\0"


def look_of(rays: NDArray[np.float64]) -> NDArray[np.float64]:
    """The colours [N, 3] of directions [N, 3]: smooth, and different everywhere."""
    unit = rays / np.linalg.norm(rays, axis=1, keepdims=True)
    x, y, z = unit.T
    waves = [np.sin(5 * x + 3 * y), np.sin(4 * y - 6 * z + 1), np.sin(5 * z + 4 * x * y + 2)]
    return 128 + 90 * np.stack(waves, axis=1)


def panorama(width: int, height: int | None = None, heading_deg: float = 0.0) -> NDArray[np.uint8]:
    """The surrounding as an equirectangular picture, the camera turned to the right by `heading_deg`."""
    height = height or width // 2
    sphere = Sphere.whole(width, width // 2)
    x, y = np.meshgrid(np.arange(width) + 0.5, (np.arange(height) + 0.5) * (width // 2) / height)
    rays = sphere.rays(np.stack([x.ravel(), y.ravel()], axis=1))
    c, s = np.cos(np.radians(heading_deg)), np.sin(np.radians(heading_deg))
    turn = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    colours: NDArray[np.uint8] = np.round(look_of(rays @ turn.T)).astype(np.uint8)
    return colours.reshape(height, width, 3)


def save_panorama(
    path: Path,
    width: int,
    *,
    height: int | None = None,
    style: str = "attributes",
    heading_deg: float = 0.0,
    seconds: int = 0,
    pitch: float | None = None,
    roll: float | None = None,
) -> Path:
    """Write a panorama with GPano entries as `style`: "attributes", "elements" or "none"."""
    height = height or width // 2
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = f"2024:05:01 12:00:{seconds:02d}"
    Image.fromarray(panorama(width, height, heading_deg)).save(path, quality=95, subsampling=0, exif=exif)
    if style == "none":
        return path
    values = {
        "ProjectionType": "equirectangular",
        "FullPanoWidthPixels": width,
        "FullPanoHeightPixels": height,
        "CroppedAreaImageWidthPixels": width,
        "CroppedAreaImageHeightPixels": height,
        "CroppedAreaLeftPixels": 0,
        "CroppedAreaTopPixels": 0,
        "PosePitchDegrees": pitch,
        "PoseRollDegrees": roll,
    }
    known = {k: v for k, v in values.items() if v is not None}
    head = "<rdf:Description xmlns:GPano='http://ns.google.com/photos/1.0/panorama/'"
    if style == "attributes":
        body = head + "".join(f' GPano:{k}="{v}"' for k, v in known.items()) + "/>"
    else:
        body = head + ">" + "".join(f"<GPano:{k}>{v}</GPano:{k}>" for k, v in known.items())
        body += "</rdf:Description>"
    segment = _XMP.encode() + f"<x:xmpmeta xmlns:x='adobe:ns:meta/'>{body}</x:xmpmeta>".encode()
    data = path.read_bytes()
    path.write_bytes(data[:2] + b"\xff\xe1" + (len(segment) + 2).to_bytes(2, "big") + segment + data[2:])
    return path
