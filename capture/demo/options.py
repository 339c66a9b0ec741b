"""What the sample capture is made with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from setpiece.errors import CaptureError


@dataclass(frozen=True)
class DemoOptions:
    """How many pictures are taken of the film set, how large and how clean they are."""

    photos: int = 40  # phone photos along the walk
    width: int = 1280  # pixels, long side of a photo; the short side is three quarters of it
    panoramas: int = 6  # 360 pictures along the same walk
    panorama_width: int = 2048  # pixels; the height is half of it
    samples_per_pixel: int = 4  # rays through a pixel that holds an edge; textures are filtered beforehand
    texel_scale: float = 1.0  # factor on the size of texture elements: larger is coarser and faster
    light_samples: int = 12  # shadow rays per light and light-map element
    bounce_samples: int = 64  # rays per light-map element that gather light from other surfaces
    lumel_m: float = 0.02  # metres, size of a light-map element
    exposure_variation_ev: float = 0.08  # stops, standard deviation between photos; 0 keeps all photos equal
    noise: float = 0.004  # standard deviation of the sensor noise, of full scale
    distortion_k1: float = 0.03  # radial distortion of the phone's lens, COLMAP's SIMPLE_RADIAL
    jpeg_quality: int = 93  # 1 to 100
    marker: bool = False  # whether two printed markers lie in the set (setpiece marker)
    walker: Literal["none", "scattered", "passing"] = "none"  # a figure in a third of the photos
    vignette: float = 0.09  # share of the light that the phone's lens loses in the corners
    seed: int = 7  # of everything random; the set's layout does not depend on it
    threads: int | None = None  # workers that render pictures side by side; None takes one per core

    def __post_init__(self) -> None:
        if self.photos < 1 or self.panoramas < 0:
            raise CaptureError(
                f"the sample capture needs at least one photo; asked for {self.photos} photos and "
                f"{self.panoramas} panoramas."
            )
        if self.width < 64 or self.width % 4 or self.panorama_width < 64 or self.panorama_width % 2:
            raise CaptureError(
                f"photos of the sample capture are at least 64 pixels wide, in steps of 4 (panoramas: of 2); "
                f"asked for {self.width} and {self.panorama_width}."
            )

    @classmethod
    def tiny(cls) -> DemoOptions:
        """A capture that takes a few seconds on one core: for tests."""
        return cls(
            photos=12,
            width=480,
            panoramas=2,
            panorama_width=512,
            texel_scale=2.5,
            light_samples=4,
            bounce_samples=24,
            lumel_m=0.04,
        )

    @property
    def height(self) -> int:
        """Pixels, short side of a photo."""
        return self.width * 3 // 4
