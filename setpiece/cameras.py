"""Pinhole cameras with a pose: what every stage after undistortion works with.

Axes are OpenCV's (x right, y down, z forward) and pixel centres lie at half-integers, so that the centre
of the top left pixel is (0.5, 0.5), as in COLMAP.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Camera:
    """An undistorted pinhole camera at a known place.

    `cam_from_world` maps homogeneous world points to camera points: [4, 4] float64, last row 0 0 0 1,
    rotation part orthonormal.
    """

    width: int  # pixels
    height: int  # pixels
    focal_x_px: float
    focal_y_px: float
    centre_x_px: float  # principal point, from the left edge of the image
    centre_y_px: float  # principal point, from the top edge of the image
    cam_from_world: NDArray[np.float64]  # [4, 4]

    @property
    def world_from_cam(self) -> NDArray[np.float64]:
        """The inverse of `cam_from_world`, [4, 4] float64."""
        rotation = self.cam_from_world[:3, :3]
        inverse = np.eye(4)
        inverse[:3, :3] = rotation.T
        inverse[:3, 3] = -rotation.T @ self.cam_from_world[:3, 3]
        return inverse

    @property
    def centre_in_world(self) -> NDArray[np.float64]:
        """The camera centre in world coordinates, [3] float64."""
        centre: NDArray[np.float64] = self.world_from_cam[:3, 3]
        return centre

    def resized(self, width: int, height: int) -> Camera:
        """The same camera with its image resampled to `width` x `height` pixels."""
        sx, sy = width / self.width, height / self.height
        return replace(
            self,
            width=width,
            height=height,
            focal_x_px=self.focal_x_px * sx,
            focal_y_px=self.focal_y_px * sy,
            centre_x_px=self.centre_x_px * sx,
            centre_y_px=self.centre_y_px * sy,
        )

    def transformed(self, new_from_old: NDArray[np.float64]) -> Camera:
        """The same camera after the world is moved by a similarity.

        `new_from_old` is [4, 4]: a rotation times a positive scale, and a translation. The camera keeps a
        rigid pose, so its depths grow by the scale too.
        """
        scale = float(np.cbrt(np.linalg.det(new_from_old[:3, :3])))
        rotation = new_from_old[:3, :3] / scale
        cam_from_world = np.eye(4)
        cam_from_world[:3, :3] = self.cam_from_world[:3, :3] @ rotation.T
        cam_from_world[:3, 3] = (
            scale * self.cam_from_world[:3, 3] - cam_from_world[:3, :3] @ new_from_old[:3, 3]
        )
        return replace(self, cam_from_world=cam_from_world)

    def project(self, points_in_world: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Image positions and depths of points: [N, 3] of x_px, y_px, depth.

        Points at or behind the camera plane get a depth <= 0 and a meaningless position.
        """
        points = points_in_world @ self.cam_from_world[:3, :3].T + self.cam_from_world[:3, 3]
        depth = np.where(points[:, 2] == 0, np.finfo(np.float64).tiny, points[:, 2])
        x_px = self.focal_x_px * points[:, 0] / depth + self.centre_x_px
        y_px = self.focal_y_px * points[:, 1] / depth + self.centre_y_px
        return np.stack([x_px, y_px, points[:, 2]], axis=1)

    def to_json(self) -> dict[str, Any]:
        """A JSON object with the field names of this class."""
        return {
            "width": self.width,
            "height": self.height,
            "focal_x_px": self.focal_x_px,
            "focal_y_px": self.focal_y_px,
            "centre_x_px": self.centre_x_px,
            "centre_y_px": self.centre_y_px,
            "cam_from_world": self.cam_from_world.tolist(),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Camera:
        """The camera that `to_json` wrote. Raises KeyError when a field is missing."""
        return cls(
            width=int(data["width"]),
            height=int(data["height"]),
            focal_x_px=float(data["focal_x_px"]),
            focal_y_px=float(data["focal_y_px"]),
            centre_x_px=float(data["centre_x_px"]),
            centre_y_px=float(data["centre_y_px"]),
            cam_from_world=np.asarray(data["cam_from_world"], dtype=np.float64).reshape(4, 4),
        )
