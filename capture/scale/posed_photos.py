"""Photos with their cameras in COLMAP's world, distortion included: what scale is measured in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from setpiece.capture.frames import CapturedFrame

Vectors = NDArray[np.float64]


@dataclass(frozen=True)
class PosedPhoto:
    """A checked frame, its lens, and where it was taken."""

    frame_number: int  # position in the capture
    frame: CapturedFrame
    camera: Any  # pycolmap.Camera of the frame as written
    cam_from_colmap: Vectors  # [3, 4]

    @property
    def centre(self) -> Vectors:
        """The camera centre in COLMAP's world, [3]."""
        centre: Vectors = -self.cam_from_colmap[:, :3].T @ self.cam_from_colmap[:, 3]
        return centre

    @property
    def focal_px(self) -> float:
        """The mean focal length."""
        return float(self.camera.mean_focal_length())

    def flat(self, xy: Vectors) -> Vectors:
        """Pixels [N, 2] of the frame without distortion, at depth 1, [N, 2]."""
        points: Vectors = np.asarray(self.camera.cam_from_img(np.asarray(xy, np.float64)))[:, :2]
        return points

    def from_photo_px(self, x: float, y: float) -> Vectors:
        """A place in the original photo, as it is shown upright, in pixels of the frame, [2]."""
        scale = self.frame.width / (self.frame.taken_width or self.frame.width)
        return np.array([x * scale, y * scale])


def posed_photos(frames: Sequence[CapturedFrame], reconstruction: Any) -> list[PosedPhoto]:
    """The frames that have a pose in a pycolmap.Reconstruction, whose image ids are frame numbers + 1."""
    found = []
    for image_id in sorted(reconstruction.reg_image_ids()):
        image = reconstruction.image(image_id)
        pose = np.asarray(image.cam_from_world().matrix(), np.float64)[:3]
        camera = reconstruction.camera(image.camera_id)
        found.append(PosedPhoto(image_id - 1, frames[image_id - 1], camera, pose))
    return found
