"""Which pinhole views a panorama is cut into."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float64]


@dataclass(frozen=True)
class Direction:
    """Where a view looks."""

    yaw_deg: float  # to the right of the panorama's middle
    pitch_deg: float  # above the horizon

    @property
    def cam_from_rig(self) -> Vectors:
        """The rotation [3, 3]; the view's x axis is level."""
        yaw, pitch = np.radians(self.yaw_deg), np.radians(self.pitch_deg)
        forward = np.array([np.sin(yaw) * np.cos(pitch), -np.sin(pitch), np.cos(yaw) * np.cos(pitch)])
        right = np.array([np.cos(yaw), 0.0, -np.sin(yaw)])
        return np.stack([right, np.cross(forward, right), forward])


@dataclass(frozen=True)
class Layout:
    """Square views that together show everything."""

    directions: tuple[Direction, ...]  # a view's number is its place here
    fov_deg: float  # from side to side

    def side_px(self, focal_px: float) -> int:
        """Pixels of a view's side at a focal length, even."""
        return 2 * round(focal_px * float(np.tan(np.radians(self.fov_deg / 2))))


def ring(count: int, pitch_deg: float, first_deg: float = 0.0) -> tuple[Direction, ...]:
    """Views evenly around the horizon."""
    return tuple(Direction(first_deg + 360 * i / count, pitch_deg) for i in range(count))


CUBE = Layout((*ring(4, 0), Direction(0, 90), Direction(0, -90)), 90.0)
