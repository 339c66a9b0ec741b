"""How good the Gaussians are on photos: scores per frame, and pictures for the report."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from setpiece.posed import PosedFrame
from setpiece.reconstruct.engine import Engine, Float32, Render
from setpiece.reconstruct.images import Images, Picture
from setpiece.reconstruct.metrics import psnr_db, ssim

_JPEG = [cv2.IMWRITE_JPEG_QUALITY, 90]
BEST_PSNR = 100.0  # dB; that of equal pictures, which JSON has no number for
ERROR_GAIN = 4.0  # the error picture shows the mean absolute error times this


@dataclass(frozen=True)
class View:
    """How a frame is to be rendered."""

    frame: PosedFrame
    exposure: Float32  # [3, 4]


@dataclass(frozen=True)
class Look:
    """What is the same for all renders of an evaluation."""

    background: Float32  # [3]
    sh_degree: int
    antialias: bool


@dataclass(frozen=True)
class Score:
    """How alike a frame's photo and render are."""

    name: str
    psnr: float  # dB
    ssim: float


def exposed_render(engine: Engine, picture: Picture, exposure: Float32, look: Look) -> Float32:
    """What the photo should show according to the Gaussians, [H, W, 3] in 0 to 1."""
    seen = engine.render(
        picture.camera, background=look.background, sh_degree=look.sh_degree, antialias=look.antialias
    )
    return shown_by(seen, exposure)


def shown_by(seen: Render, exposure: Float32) -> Float32:
    """A render as a photo of that exposure would show it, [H, W, 3] in 0 to 1."""
    shown: Float32 = np.clip(seen.colour @ exposure[:, :3].T + exposure[:, 3], 0.0, 1.0)
    return shown


def scores(engine: Engine, images: Images, views: list[View], look: Look) -> list[Score]:
    """PSNR and SSIM of every view, in the order given."""
    found = []
    for view in views:
        picture = images.picture(view.frame, 0)
        found.append(_score(view, picture, exposed_render(engine, picture, view.exposure, look)))
    return found


def write_pictures(engine: Engine, images: Images, views: list[View], look: Look, folder: Path) -> None:
    """Write NAME.photo.jpg, NAME.render.jpg and NAME.error.jpg of every view into `folder`."""
    for view in views:
        picture = images.picture(view.frame, 0)
        render = exposed_render(engine, picture, view.exposure, look)
        photo = picture.image.astype(np.float32) / 255.0
        error = np.abs(render - photo).mean(axis=2)
        if picture.mask is not None:
            error = np.where(picture.mask != 0, error, 0)
        heat = cv2.applyColorMap(_bytes(error * ERROR_GAIN), cv2.COLORMAP_INFERNO)
        stem = file_stem(view.frame)
        _write(folder / f"{stem}.photo.jpg", veiled(picture)[..., ::-1])
        _write(folder / f"{stem}.render.jpg", _bytes(render)[..., ::-1])
        _write(folder / f"{stem}.error.jpg", heat)


def veiled(picture: Picture) -> NDArray[np.uint8]:
    """The photo, [H, W, 3], with stripes over what its mask ignores."""
    if picture.mask is None:
        return picture.image
    row, column = np.indices(picture.mask.shape)
    width = max(4, max(picture.mask.shape) // 80)
    stripe = np.where((row + column) // width % 2 == 0, 150, 110)[..., None]
    veil = (0.2 * picture.image + 0.8 * stripe).astype(np.uint8)
    shown: NDArray[np.uint8] = np.where(picture.mask[..., None] != 0, picture.image, veil)
    return shown


def file_stem(frame: PosedFrame) -> str:
    """The frame's name as a part of a file name."""
    return frame.name.replace("/", "_").replace("\\", "_")


def mean_of(values: list[float]) -> float | None:
    """The mean, or None of nothing."""
    return float(np.mean(values)) if values else None


def _score(view: View, picture: Picture, render: Float32) -> Score:
    photo = picture.image.astype(np.float32) / 255.0
    mask = None if picture.mask is None else picture.mask != 0
    psnr = min(psnr_db(render, photo, mask), BEST_PSNR)
    return Score(view.frame.name, psnr, ssim(render, photo, mask))


def _bytes(picture: NDArray[np.floating]) -> NDArray[np.uint8]:
    rounded: NDArray[np.uint8] = np.clip(np.rint(picture * 255.0), 0, 255).astype(np.uint8)
    return rounded


def _write(path: Path, bgr: NDArray[np.uint8]) -> None:
    _, data = cv2.imencode(".jpg", np.ascontiguousarray(bgr), _JPEG)
    path.write_bytes(data.tobytes())
