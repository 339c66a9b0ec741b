"""What a picture shows, and what it ought to show: plain pinhole arithmetic, none of it from the page."""

from __future__ import annotations

import base64
import io
import time
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from setpiece.cameras import Camera

if TYPE_CHECKING:
    from playwright.sync_api import Page

Picture = NDArray[np.float64]  # [H, W, 3], 0 to 1


def picture_of(data: str | bytes) -> Picture:
    """A PNG, as bytes or as a data URL."""
    raw = base64.b64decode(data.partition(",")[2]) if isinstance(data, str) else data
    with Image.open(io.BytesIO(raw)) as image:
        return np.asarray(image.convert("RGB"), dtype=np.float64) / 255


def render(page: Page) -> Picture:
    """The page's render alone."""
    return picture_of(page.evaluate("setpiece.captureFrame()"))


def open_set(page: Page, url: str) -> None:
    """Open the page and wait until the splats are shown."""
    page.goto(url)
    page.evaluate("setpiece.ready")


def wait_for(page: Page, expression: str, seconds: float = 20.0) -> None:
    """Wait until a JavaScript expression is true, without the eval that Playwright's own needs."""
    end = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < end, f"still not true: {expression}"
        time.sleep(0.05)


def spot(picture: Picture, colour: tuple[float, float, float]) -> tuple[float, float] | None:
    """The middle of what is of `colour`, pixel centres at half-integers; None if nothing has."""
    # Grey behind and around changes the brightness, but not the direction away from grey: its length over
    # that of the pure colour is the ball's share of the pixel.
    chroma = picture - picture.mean(axis=2, keepdims=True)
    wanted = np.array(colour) - np.mean(colour)
    size = np.linalg.norm(chroma, axis=2)
    likeness = (chroma @ wanted) / (np.maximum(size, 1e-6) * np.linalg.norm(wanted))
    share = size / np.linalg.norm(wanted)
    weight = np.where((likeness > 0.95) & (share > 0.1), share, 0.0)
    if weight.max() < 0.5:
        return None
    ys, xs = np.mgrid[: picture.shape[0], : picture.shape[1]] + 0.5
    return float((xs * weight).sum() / weight.sum()), float((ys * weight).sum() / weight.sum())


def fitted(camera: Camera, width: int, height: int) -> Camera:
    """The camera as it is shown in a view of the given size: scaled to fit, with bars at two sides."""
    factor = min(width / camera.width, height / camera.height)
    return Camera(
        width,
        height,
        camera.focal_x_px * factor,
        camera.focal_y_px * factor,
        camera.centre_x_px * factor + (width - camera.width * factor) / 2,
        camera.centre_y_px * factor + (height - camera.height * factor) / 2,
        camera.cam_from_world,
    )


def free_camera(view: dict[str, Any], width: int, height: int) -> Camera:
    """The camera of a view as the page's hook tells it: position, yaw, pitch, no roll; 68 degrees across."""
    yaw, pitch = view["yaw"], view["pitch"]
    forward = np.array([np.sin(yaw) * np.cos(pitch), np.cos(yaw) * np.cos(pitch), np.sin(pitch)])
    right = np.array([np.cos(yaw), -np.sin(yaw), 0.0])
    rotation = np.stack([right, np.cross(forward, right), forward])
    cam_from_world = np.eye(4)
    cam_from_world[:3, :3] = rotation
    cam_from_world[:3, 3] = -rotation @ np.array(view["position"])
    focal = max(width, height) / 2 / np.tan(np.radians(34))
    return Camera(width, height, focal, focal, width / 2, height / 2, cam_from_world)
