"""Phone photos: lens, sensor, tone curve, and a JPEG with the EXIF that phones write."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational

from setpiece.cameras import Camera
from setpiece.capture.demo.geometry.patch import Float32
from setpiece.capture.demo.lens import Lens
from setpiece.capture.demo.litset import Look
from setpiece.capture.demo.options import DemoOptions
from setpiece.capture.demo.picture import Picture, take
from setpiece.capture.demo.walk import Viewpoint

EXPOSURE = 1.9  # linear radiance times this is 1 on the sensor at an exposure of 0 EV
BLUR_PX = 0.55  # standard deviation of what the lens makes of a point
STARTED = datetime.datetime(2025, 5, 17, 16, 42, 10)  # of the first photo, local time
BETWEEN_S = 2.0  # from photo to photo


@dataclass(frozen=True)
class Exposure:
    """How one photo was exposed."""

    ev: float  # stops brighter than the scene's metering
    white: tuple[float, float, float]  # gains of red, green, blue


def phone_lens(options: DemoOptions) -> Lens:
    """The lens that all photos share."""
    return Lens(k1=options.distortion_k1)


def phone_camera(view: Viewpoint, options: DemoOptions) -> Camera:
    """The pinhole behind a photo as it is meant to be seen, with its orientation applied."""
    size = (options.height, options.width) if view.portrait else (options.width, options.height)
    focal = phone_lens(options).focal_px(*size)
    return Camera(*size, focal, focal, size[0] / 2, size[1] / 2, view.cam_from_world)


def phone_exposure(index: int, options: DemoOptions) -> Exposure:
    """The exposure of the photo number `index`; the automatic's hesitation."""
    rng = np.random.default_rng([options.seed, 31, index])
    limit = 1.25 * options.exposure_variation_ev
    ev = float(np.clip(rng.normal(0, options.exposure_variation_ev), -limit, limit))
    tint = rng.normal(0, 0.12 * options.exposure_variation_ev, 2)
    return Exposure(ev=ev, white=(float(1 + tint[0]), 1.0, float(1 + tint[1])))


def photograph(lit: Look, camera: Camera, lens: Lens, options: DemoOptions) -> Picture:
    """The linear picture and the depth along z that `camera` sees through `lens`."""
    rotation = camera.world_from_cam[:3, :3]
    middle = np.array([camera.centre_x_px, camera.centre_y_px])

    def aim(at_px: NDArray[np.float64]) -> Float32:
        pinhole = lens.undistorted((at_px - middle) / camera.focal_x_px)
        rays = [pinhole[:, 0] * right + pinhole[:, 1] * down + ahead for right, down, ahead in rotation]
        return np.stack(rays, axis=1).astype(np.float32)  # a matrix product this thin is slower in BLAS

    return take(
        lit,
        camera.centre_in_world.astype(np.float32),
        aim,
        (camera.width, camera.height),
        1 / camera.focal_x_px,
        options.samples_per_pixel,
    )


def develop(
    linear: Float32, exposure: Exposure, noise: float, vignette: float, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """The 8-bit sRGB picture of linear radiance [H, W, 3]: vignette, exposure, noise and a soft shoulder."""
    height, width = linear.shape[:2]
    y, x = np.ogrid[0:height, 0:width]
    radius2 = ((x + 0.5 - width / 2) ** 2 + (y + 0.5 - height / 2) ** 2) / ((width**2 + height**2) / 4)
    falloff = (1 - vignette * radius2).astype(np.float32)
    gains = np.array(exposure.white, np.float32) * np.float32(EXPOSURE * 2**exposure.ev)
    light = cv2.GaussianBlur(linear, (0, 0), BLUR_PX, borderType=cv2.BORDER_REPLICATE)
    light *= gains * falloff[..., None]
    if noise:  # shot noise grows with the root of the light; a floor of read noise below
        grain = rng.standard_normal(light.shape, dtype=np.float32)
        light += grain * np.float32(noise) * np.sqrt(np.float32(0.04) + np.maximum(light, 0))
    encoded = encode(light)
    return np.asarray(encoded * 255 + 0.5, np.uint8)


def encode(light: Float32) -> Float32:
    """Display-referred sRGB, 0 to 1, of linear light: straight up to 0.7, then bent so that 4 is white."""
    knee, white = 0.7, 4.0
    over = np.maximum(light - np.float32(knee), 0)
    # A rational shoulder with slope 1 at the knee that reaches 1 at `white`.
    a = (white - knee) * (1 - knee) / (white - knee - (1 - knee))
    bent = np.minimum(np.clip(light, 0, knee) + over * np.float32(a) / (over + np.float32(a)), 1)
    curve: Float32 = _SRGB[(bent * np.float32(len(_SRGB) - 1)).astype(np.int32)]
    return curve


def _srgb_curve() -> Float32:
    x = np.linspace(0, 1, 1 << 14)
    return np.where(x <= 0.0031308, 12.92 * x, 1.055 * x ** (1 / 2.4) - 0.055).astype(np.float32)


_SRGB = _srgb_curve()


def write_photo(
    path: Path,
    pixels: NDArray[np.uint8],
    view: Viewpoint,
    lens: Lens,
    exposure: Exposure,
    index: int,
    options: DemoOptions,
) -> None:
    """Write the JPEG. An upright photo is stored lying on its side, with EXIF orientation 6, as phones do."""
    stored = np.rot90(pixels, 1) if view.portrait else pixels
    exif = phone_exif(view.portrait, lens, exposure, index, stored.shape[1], stored.shape[0])
    Image.fromarray(np.ascontiguousarray(stored)).save(
        path, "JPEG", quality=options.jpeg_quality, subsampling=0, exif=exif
    )


def phone_exif(
    portrait: bool, lens: Lens, exposure: Exposure, index: int, width: int, height: int
) -> Image.Exif:
    """The tags of photo number `index`, without a place."""
    exif = Image.Exif()
    base, photo = ExifTags.Base, ExifTags.IFD.Exif
    when = (STARTED + datetime.timedelta(seconds=BETWEEN_S * index)).strftime("%Y:%m:%d %H:%M:%S")
    iso = 100
    seconds = Fraction(1, round(60 / 2**exposure.ev))
    exif[base.Make] = "Setpiece"
    exif[base.Model] = "Demo Phone"
    exif[base.Software] = "setpiece demo"
    exif[base.Orientation] = 6 if portrait else 1
    exif[base.DateTime] = when
    tags: dict[int, Any] = {
        base.ExposureTime: IFDRational(seconds.numerator, seconds.denominator),
        base.FNumber: IFDRational(round(lens.aperture * 10), 10),
        base.ISOSpeedRatings: iso,
        base.DateTimeOriginal: when,
        base.DateTimeDigitized: when,
        base.FocalLength: IFDRational(round(lens.focal_mm * 100), 100),
        base.FocalLengthIn35mmFilm: round(lens.focal_35mm),
        base.ExifImageWidth: width,
        base.ExifImageHeight: height,
        base.LensMake: "Setpiece",
        base.LensModel: f"Demo Phone back camera {lens.focal_mm}mm f/{lens.aperture}",
    }
    exif.get_ifd(photo).update(tags)
    return exif
