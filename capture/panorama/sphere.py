"""Where a panorama's pixels look.

Letters: the rig's axes are those of a camera that looks at the panorama's middle: x right, y down, z front.
Longitude grows to the right, latitude upwards; both are zero in the middle of the whole sphere, whose width
is W pixels and whose height is W / 2. A picture that shows a part of it lies in it at (left, top).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float64]


@dataclass(frozen=True)
class Sphere:
    """The whole sphere in pixels, and the part of it that the picture shows."""

    full_width: int
    left: int
    top: int
    width: int
    height: int

    @classmethod
    def whole(cls, width: int, height: int) -> Sphere:
        """A picture that shows everything."""
        return cls(width, 0, 0, width, height)

    @property
    def full_height(self) -> int:
        """Pixels from pole to pole."""
        return self.full_width // 2

    @property
    def complete(self) -> bool:
        """Whether the picture shows the whole sphere."""
        return (self.width, self.height) == (self.full_width, self.full_height)

    @property
    def focal_px(self) -> float:
        """Focal length of a pinhole view whose middle is as fine as the panorama."""
        return self.full_width / (2 * np.pi)

    def scaled(self, width: int, height: int) -> Sphere:
        """The same for the picture at another size."""
        x, y = width / self.width, height / self.height
        full = round(self.full_width * x / 2) * 2
        return Sphere(full, round(self.left * x), round(self.top * y), width, height)

    def positions(self, rays_in_rig: Vectors) -> Vectors:
        """Places in the picture [N, 2], from its corner, of rays [N, 3] of any length.

        Outside of the picture where it does not show a ray.
        """
        x, y, z = rays_in_rig.T
        longitude, latitude = np.arctan2(x, z), np.arctan2(-y, np.hypot(x, z))
        across = (longitude / (2 * np.pi) + 0.5) * self.full_width - self.left
        down = (0.5 - latitude / np.pi) * self.full_height - self.top
        return np.stack([across % self.full_width, down], axis=1)

    def rays(self, positions: Vectors) -> Vectors:
        """Unit rays in the rig [N, 3] of places in the picture [N, 2]: the inverse of `positions`."""
        longitude = ((positions[:, 0] + self.left) / self.full_width - 0.5) * 2 * np.pi
        latitude = (0.5 - (positions[:, 1] + self.top) / self.full_height) * np.pi
        level = np.cos(latitude)
        rays = [level * np.sin(longitude), -np.sin(latitude), level * np.cos(longitude)]
        return np.stack(rays, axis=1)


def down_in_rig(pitch_deg: float, roll_deg: float) -> Vectors:
    """The unit vector of gravity in the rig's axes, from GPano's PosePitchDegrees and PoseRollDegrees."""
    pitch, roll = np.radians(pitch_deg), np.radians(roll_deg)
    return np.array([np.sin(roll) * np.cos(pitch), np.cos(roll) * np.cos(pitch), -np.sin(pitch)])
