"""A tiny set whose every splat is known: an asymmetric arrangement of coloured balls and four cameras."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from setpiece.cameras import Camera
from setpiece.export.ply import write_ply
from setpiece.posed import PosedFrame, PosedFrames, SparsePoints, write_posed_frames
from setpiece.setfolder import SetFolder
from setpiece.splats import SH_C0, Splats

# Nothing maps this arrangement onto itself: each axis has its own colour and its own length.
BALLS: dict[str, tuple[tuple[float, float, float], tuple[float, float, float]]] = {
    "red": ((1.2, 0.0, 0.3), (0.9, 0.1, 0.1)),  # world +x
    "green": ((0.0, 0.9, 0.3), (0.1, 0.8, 0.1)),  # world +y
    "blue": ((0.0, 0.0, 1.3), (0.15, 0.2, 0.95)),  # world +z, up
    "yellow": ((-0.7, -0.5, 0.2), (0.9, 0.85, 0.1)),
}
BALL_RADIUS = 0.05  # standard deviation, set units
FLOOR_GREY = 0.32


def look_at(
    eye: tuple[float, float, float], target: tuple[float, float, float], roll_deg: float
) -> NDArray[np.float64]:
    """cam_from_world, [4, 4], of a camera at `eye` that looks at `target`, leaning by `roll_deg`."""
    forward = np.subtract(target, eye)
    forward = forward / np.linalg.norm(forward)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    c, s = np.cos(np.radians(roll_deg)), np.sin(np.radians(roll_deg))
    rotation = np.stack([c * right + s * down, c * down - s * right, forward])
    out = np.eye(4)
    out[:3, :3] = rotation
    out[:3, 3] = -rotation @ np.asarray(eye)
    return out


def cameras() -> dict[str, Camera]:
    """Cameras that differ in everything: place, roll, format, focal lengths, principal point."""
    return {
        "front.jpg": Camera(480, 270, 400.0, 400.0, 240.0, 135.0, look_at((0.3, -3.4, 1.2), (0, 0, 0.5), 0)),
        "left offset.jpg": Camera(
            480, 270, 380.0, 372.0, 262.0, 120.0, look_at((-2.9, -1.6, 1.5), (0.1, 0, 0.5), 6)
        ),
        "behind-ö.jpg": Camera(
            480, 270, 410.0, 410.0, 240.0, 140.0, look_at((0.9, 3.0, 1.7), (0, 0, 0.5), -9)
        ),
        "portrait.jpg": Camera(
            270, 480, 330.0, 330.0, 131.0, 246.0, look_at((2.7, -1.7, 1.0), (0.1, 0, 0.6), 0)
        ),
    }


def splats() -> Splats:
    """The balls and a floor of flat grey splats."""
    side = np.linspace(-1.6, 1.6, 33)
    floor = np.stack([*(g.ravel() for g in np.meshgrid(side, side)), np.zeros(33 * 33)], axis=1)
    floor = floor[np.abs(floor).max(axis=1) < 1.59]
    places = np.array([p for p, _ in BALLS.values()])
    means = np.concatenate([places, floor]).astype(np.float32)
    rgb = np.concatenate([[c for _, c in BALLS.values()], np.full((len(floor), 3), FLOOR_GREY)])
    scales = np.concatenate(
        [np.full((len(places), 3), BALL_RADIUS), np.tile([[0.06, 0.06, 0.002]], (len(floor), 1))]
    )
    count = len(means)
    opacity = np.where(np.arange(count) < len(places), 0.98, 0.9)
    return Splats(
        means=means,
        log_scales=np.log(scales).astype(np.float32),
        quats_wxyz=np.tile(np.array([[1, 0, 0, 0]], np.float32), (count, 1)),
        opacity_logits=np.log(opacity / (1 - opacity)).astype(np.float32),
        sh=((rgb - 0.5) / SH_C0).astype(np.float32)[:, None, :],
    )


def photo(camera: Camera) -> Image.Image:
    """What the camera sees of the balls, drawn as discs: independent of every renderer."""
    image = Image.new("RGB", (camera.width, camera.height), (20, 22, 26))
    draw = ImageDraw.Draw(image)
    places = np.array([p for p, _ in BALLS.values()])
    seen = camera.project(places)
    for (x, y, depth), (_, colour) in sorted(zip(seen, BALLS.values(), strict=True), key=lambda s: -s[0][2]):
        r = 2 * BALL_RADIUS * camera.focal_x_px / depth
        draw.ellipse((x - r, y - r, x + r, y + r), fill=tuple(round(255 * c) for c in colour))
    return image


def make_set(path: Path, trained: bool = True, **frame: object) -> SetFolder:
    """The whole set folder; without splats when it is not `trained`."""
    target = SetFolder.create(path, name="Four balls")
    target.update_frame(**{"upright": True, "floor": True, **frame})
    images = target.poses / "images"
    images.mkdir(parents=True)
    frames = []
    for order, (name, camera) in enumerate(cameras().items()):
        photo(camera).save(images / name, quality=92)
        split = "test" if order == 2 else "train"
        frames.append(PosedFrame(name, f"poses/images/{name}", None, camera, split, order))
    points = SparsePoints(
        points_in_world=np.array([p for p, _ in BALLS.values()], np.float32),
        rgb=np.zeros((4, 3), np.uint8),
        error_px=np.zeros(4, np.float32),
        track_length=np.full(4, 4, np.int32),
    )
    write_posed_frames(target.poses, PosedFrames(tuple(frames), points), {})
    if trained:
        target.splats.mkdir(exist_ok=True)
        write_ply(target.splats / "scene.ply", splats())
    return target
