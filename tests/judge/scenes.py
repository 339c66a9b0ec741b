"""Small random scenes for the judge and the engines."""

from __future__ import annotations

import numpy as np

from setpiece.cameras import Camera
from setpiece.splats import Splats


def random_camera(width: int, height: int, seed: int, distance: float = 4.0) -> Camera:
    """A camera that looks at the origin from `distance` away, off centre and with unequal focal lengths."""
    rng = np.random.default_rng(seed)
    back = rng.normal(size=3)
    back /= np.linalg.norm(back)
    right = np.cross(rng.normal(size=3), back)
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(-back, right), -back])  # rows: x right, y down, z forward
    pose = np.eye(4)
    pose[:3, :3] = rotation
    pose[:3, 3] = -rotation @ (distance * back)
    return Camera(
        width=width,
        height=height,
        focal_x_px=1.05 * width,
        focal_y_px=1.1 * width,
        centre_x_px=0.47 * width,
        centre_y_px=0.52 * height,
        cam_from_world=pose,
    )


def random_splats(count: int, seed: int, sh_degree: int = 3, extent: float = 1.0) -> Splats:
    """Gaussians of all shapes around the origin: soft and opaque, round and flat."""
    rng = np.random.default_rng(seed)
    terms = (sh_degree + 1) ** 2
    sh = 0.2 * rng.normal(size=(count, terms, 3))
    sh[:, 0] = rng.uniform(-1.5, 1.5, size=(count, 3))
    return Splats(
        means=(extent * rng.normal(size=(count, 3))).astype(np.float32),
        log_scales=rng.uniform(np.log(0.02), np.log(0.4), size=(count, 3)).astype(np.float32),
        quats_wxyz=rng.normal(size=(count, 4)).astype(np.float32),
        opacity_logits=rng.uniform(-4, 4, size=count).astype(np.float32),
        sh=sh.astype(np.float32),
    )
