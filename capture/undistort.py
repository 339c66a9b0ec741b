"""Training pictures without lens distortion."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pycolmap
from numpy.typing import NDArray
from PIL import Image

from setpiece.cameras import Camera
from setpiece.capture.mask import Mask, as_bytes, at_size, load_mask, write_mask
from setpiece.progress import Progress

try:
    from setpiece.capture._native import resize_rgb as _native_resize
except ImportError:  # built without native code
    _native_resize = None

JPEG_QUALITY = 95
AROUND_PX = 7  # a third of the side of the square whose mean colour is compared between photos


@dataclass(frozen=True)
class Undistorter:
    """Turns frames of one COLMAP camera into pinhole pictures that show only what the frame shows."""

    source_size: tuple[int, int]  # width, height in pixels; frames are scaled to this first
    map_xy: NDArray[np.float32]  # [H, W, 2] where each pixel comes from in the scaled frame
    pinhole: Camera  # with an identity pose

    @classmethod
    def of(cls, camera: Any, longest_side: int) -> Undistorter:
        """The undistorter for a pycolmap camera; the picture's longest side is at most `longest_side`."""
        options = pycolmap.UndistortCameraOptions()
        options.blank_pixels = 0.0
        flat = pycolmap.undistort_camera(options, camera)
        scale = min(1.0, longest_side / max(flat.width, flat.height))
        width, height = max(1, round(flat.width * scale)), max(1, round(flat.height * scale))
        pinhole = Camera(
            width=flat.width,
            height=flat.height,
            focal_x_px=flat.focal_length_x,
            focal_y_px=flat.focal_length_y,
            centre_x_px=flat.principal_point_x,
            centre_y_px=flat.principal_point_y,
            cam_from_world=np.eye(4),
        ).resized(width, height)
        source = (max(1, round(camera.width * scale)), max(1, round(camera.height * scale)))
        x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
        rays = np.stack(
            [(x - pinhole.centre_x_px) / pinhole.focal_x_px, (y - pinhole.centre_y_px) / pinhole.focal_y_px],
            -1,
        )
        rays = np.concatenate([rays, np.ones_like(rays[..., :1])], -1).reshape(-1, 3)
        seen = np.asarray(camera.img_from_cam(rays)).reshape(height, width, 2)
        seen *= (source[0] / camera.width, source[1] / camera.height)
        return cls(source, (seen - 0.5).astype(np.float32), pinhole)  # OpenCV counts from pixel centres

    def picture(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The undistorted picture of a frame, [H, W, 3]."""
        if (rgb.shape[1], rgb.shape[0]) != self.source_size:
            rgb = _resized(rgb, self.source_size)
        flat: NDArray[np.uint8] = cv2.remap(
            rgb, self.map_xy, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )
        return flat

    def mask(self, counts: Mask) -> Mask:
        """The undistorted mask of a frame, [H, W]: only what comes from pixels that all count does."""
        flat = cv2.remap(
            as_bytes(at_size(counts, self.source_size)),
            self.map_xy,
            None,
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        result: Mask = flat == 255
        return result


def _resized(rgb: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    if _native_resize is None or size[0] > rgb.shape[1] or size[1] > rgb.shape[0]:
        return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    smaller: NDArray[np.uint8] = _native_resize(np.ascontiguousarray(rgb), *size)
    return smaller


@dataclass(frozen=True)
class Samples:
    """The colours of an undistorted picture at some places."""

    colours: NDArray[np.uint8]  # [S, 3]
    around: NDArray[np.uint8]  # [S, 3] means around the places
    contrast: NDArray[np.float64]  # [S] by how much (log) the mean of a third of that square differs


@dataclass(frozen=True)
class UndistortJob:
    """One frame to undistort."""

    frame: Path
    undistorter: Undistorter
    output: Path
    samples_px: NDArray[np.float64]  # [S, 2] places in the undistorted picture whose colour is wanted
    mask: Path | None = None  # of the frame
    mask_output: Path | None = None


def undistort_all(jobs: list[UndistortJob], threads: int, progress: Progress) -> list[Samples]:
    """Write the undistorted pictures; returns the colours at the samples of each."""

    def one(job: UndistortJob) -> Samples:
        with Image.open(job.frame) as picture:
            picture.draft("RGB", job.undistorter.source_size)
            flat = job.undistorter.picture(np.asarray(picture.convert("RGB")))
        Image.fromarray(flat).save(job.output, "JPEG", quality=JPEG_QUALITY, subsampling=0)
        if job.mask is not None and job.mask_output is not None:
            write_mask(job.mask_output, job.undistorter.mask(load_mask(job.mask)))
        x, y = np.floor(job.samples_px).astype(np.int64).T
        at = np.clip(y, 0, flat.shape[0] - 1), np.clip(x, 0, flat.shape[1] - 1)
        around = cv2.blur(flat, (AROUND_PX, AROUND_PX))
        wider = cv2.blur(flat, (3 * AROUND_PX, 3 * AROUND_PX))
        contrast = np.abs(np.log((around[at] + 1.0) / (wider[at] + 1.0))).max(axis=1)
        return Samples(flat[at], wider[at], contrast)

    with progress.task("undistorting", len(jobs)) as task, ThreadPoolExecutor(threads) as pool:
        colours = []
        for found in pool.map(one, jobs):
            colours.append(found)
            task.advance()
        return colours
