"""360 pictures: equirectangular, level, with the GPano XMP that 360 cameras write.

The middle of the picture looks along the camera's z axis; longitude grows to the right, latitude upwards.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from setpiece.capture.demo.geometry.patch import Float32
from setpiece.capture.demo.litset import LitSet
from setpiece.capture.demo.options import DemoOptions
from setpiece.capture.demo.picture import Picture, take
from setpiece.capture.demo.walk import Viewpoint

_XMP_HEADER = b"http://ns.adobe.com/xap/1.0/\0"


def panorama_directions(at_px: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Unit directions [N, 3] in camera axes (x right, y down, z front) of picture positions [N, 2]."""
    longitude = (at_px[:, 0] / width - 0.5) * 2 * np.pi
    latitude = (0.5 - at_px[:, 1] / (width / 2)) * np.pi
    level = np.cos(latitude)
    return np.stack([level * np.sin(longitude), -np.sin(latitude), level * np.cos(longitude)], axis=1)


def panorama_positions(directions: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Picture positions [N, 2] of directions [N, 3] in camera axes: the inverse of `panorama_directions`."""
    unit = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    longitude, latitude = np.arctan2(unit[:, 0], unit[:, 2]), -np.arcsin(np.clip(unit[:, 1], -1, 1))
    return np.stack([(longitude / (2 * np.pi) + 0.5) * width, (0.5 - latitude / np.pi) * (width / 2)], axis=1)


def photograph_sphere(lit: LitSet, view: Viewpoint, options: DemoOptions) -> Picture:
    """The linear picture all around, and the distance along its unit directions."""
    world_from_cam = view.cam_from_world[:3, :3].T
    centre = -world_from_cam @ view.cam_from_world[:3, 3]
    width = options.panorama_width

    def aim(at_px: NDArray[np.float64]) -> Float32:
        x, y, z = panorama_directions(at_px, width).T
        return np.stack(
            [x * right + y * down + z * front for right, down, front in world_from_cam], 1
        ).astype(np.float32)

    size = (width, width // 2)
    return take(lit, centre.astype(np.float32), aim, size, 2 * np.pi / width, options.samples_per_pixel)


def write_panorama(path: Path, pixels: NDArray[np.uint8], when: str, quality: int) -> None:
    """Write the JPEG with its XMP."""
    height, width = pixels.shape[:2]
    exif = Image.Exif()
    exif[ExifTags.Base.Make], exif[ExifTags.Base.Model] = "Setpiece", "Demo Sphere"
    exif[ExifTags.Base.DateTime] = when
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = when
    Image.fromarray(pixels).save(path, "JPEG", quality=quality, subsampling=0, exif=exif)
    # Pillow before 11 has no way to write XMP: put the segment in by hand, behind the EXIF segment.
    data = path.read_bytes()
    segment = _XMP_HEADER + gpano_xmp(width, height).encode()
    at = 2
    while data[at] == 0xFF and 0xE0 <= data[at + 1] <= 0xEF:  # skip the application segments
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    marker = b"\xff\xe1" + (len(segment) + 2).to_bytes(2, "big") + segment
    path.write_bytes(data[:at] + marker + data[at:])


def gpano_xmp(width: int, height: int) -> str:
    """The packet that says: a whole sphere, level, its middle to the front (Google's GPano schema)."""
    values = {
        "ProjectionType": "equirectangular",
        "UsePanoramaViewer": "True",
        "FullPanoWidthPixels": width,
        "FullPanoHeightPixels": height,
        "CroppedAreaImageWidthPixels": width,
        "CroppedAreaImageHeightPixels": height,
        "CroppedAreaLeftPixels": 0,
        "CroppedAreaTopPixels": 0,
        "PosePitchDegrees": 0.0,
        "PoseRollDegrees": 0.0,
    }
    attributes = " ".join(f'GPano:{name}="{value}"' for name, value in values.items())
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:GPano="http://ns.google.com/photos/1.0/panorama/" '
        f"{attributes}/>"
        '</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    )
