"""Local features of a frame: SIFT with RootSIFT descriptors, in COLMAP's pixel convention."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from setpiece.capture.grey import GreyShelf, grey_picture, size_within
from setpiece.capture.mask import Mask, as_bytes, at_size, inner, load_mask
from setpiece.progress import Progress

try:
    from setpiece.capture._native import sift as _native_sift
except ImportError:  # built without native code
    _native_sift = None

CAMERA_BLUR = 0.5  # pixels; what a photo is taken to have (Lowe 2004, section 3.3)
LEAST_ENLARGED, MOST_ENLARGED = 1.2, 2.0  # by which small photos are enlarged before the search
OPENCV_SIDE = 0.625  # of the side; OpenCV doubles what it is given


@dataclass(frozen=True)
class FeatureSettings:
    """Where and how many features are looked for."""

    side: int  # pixels; longest side of the picture in which the finest features are looked for
    count: int  # strongest features kept
    contrast: float = 0.02  # SIFT's contrast threshold


@dataclass(frozen=True)
class Features:
    """The features of one frame, strongest first."""

    keypoints: NDArray[np.float32]  # [N, 4] x, y in pixels of the frame (corner origin), scale px, angle rad
    descriptors: NDArray[np.uint8]  # [N, 128] RootSIFT x 512 (unit length before rounding)

    @property
    def count(self) -> int:
        """How many features there are."""
        return len(self.keypoints)


def extract_all(
    frames: list[Path],
    settings: FeatureSettings,
    cache: Path,
    threads: int,
    progress: Progress,
    shelf: GreyShelf | None = None,
    masks: Sequence[Path | None] | None = None,
) -> list[Features]:
    """The features of all frames, in the same order; those in the folder `cache` are not computed again.

    Frames on the shelf are not decoded again. Where a frame has a mask, no feature lies on what it ignores.
    """
    cache.mkdir(parents=True, exist_ok=True)

    def one(path: Path, mask: Path | None) -> Features:
        key = f"{path.name}|{path.stat().st_size}|{settings}"
        if mask is not None:
            key += f"|{hashlib.blake2b(mask.read_bytes(), digest_size=12).hexdigest()}"
        file = cache / f"{hashlib.blake2b(key.encode(), digest_size=12).hexdigest()}.npy"
        try:
            return _from_rows(np.load(file))
        except (OSError, ValueError, EOFError):
            found = extract(path, settings, shelf, None if mask is None else inner(load_mask(mask)))
            partial = file.with_suffix(".part")
            with partial.open("wb") as stream:
                np.save(stream, _as_rows(found))
            partial.replace(file)
            return found

    before = cv2.getNumThreads()
    cv2.setNumThreads(1)  # one picture per thread is faster than several threads per picture
    try:
        with progress.task("finding features", len(frames)) as task, ThreadPoolExecutor(threads) as pool:
            features = []
            for found in pool.map(one, frames, masks or [None] * len(frames)):
                features.append(found)
                task.advance()
            return features
    finally:
        cv2.setNumThreads(before)


def extract(
    path: Path, settings: FeatureSettings, shelf: GreyShelf | None = None, counts: Mask | None = None
) -> Features:
    """The features of the picture at `path` on those of its pixels that count."""
    if _native_sift is None:
        return extract_slowly(path, settings, counts)
    grey = grey_picture(path, settings.side, shelf)
    (width, height), blur = size_within(grey.frame_size, settings.side), CAMERA_BLUR
    enlarged = min(MOST_ENLARGED, settings.side / max(width, height))
    if enlarged >= LEAST_ENLARGED:
        width, height, blur = round(width * enlarged), round(height * enlarged), blur * enlarged
    keypoints, descriptors = _native_sift(
        np.ascontiguousarray(grey.pixels),
        width,
        height,
        settings.count,
        settings.contrast,
        blur,
        mask=None if counts is None else as_bytes(counts),
    )
    sx, sy = grey.frame_size[0] / width, grey.frame_size[1] / height
    return Features(keypoints * np.array((sx, sy, (sx + sy) / 2, 1), np.float32), descriptors)


def extract_slowly(path: Path, settings: FeatureSettings, counts: Mask | None = None) -> Features:
    """The same with OpenCV: the fallback, and the judge of the native loops."""
    side = round(settings.side * OPENCV_SIDE)
    picture = grey_picture(path, side)
    grey = picture.within(side)
    detector = cv2.SIFT.create(
        nfeatures=settings.count if counts is None else 0,  # it would choose before it looks at the mask
        contrastThreshold=settings.contrast,
        enable_precise_upscale=True,
    )
    mask = None if counts is None else as_bytes(at_size(counts, (grey.shape[1], grey.shape[0])))
    found, descriptors = detector.detectAndCompute(grey, mask)
    if not found:
        return Features(np.zeros((0, 4), np.float32), np.zeros((0, 128), np.uint8))
    order = sorted(
        range(len(found)), key=lambda i: (-found[i].response, found[i].pt, found[i].size, found[i].angle)
    )[: settings.count]
    keypoints = np.array(
        [(*found[i].pt, found[i].size / 2, math.radians(found[i].angle)) for i in order], np.float32
    )
    sx, sy = picture.frame_size[0] / grey.shape[1], picture.frame_size[1] / grey.shape[0]
    keypoints[:, 0] = (keypoints[:, 0] + 0.5) * sx  # OpenCV counts from pixel centres, COLMAP from corners
    keypoints[:, 1] = (keypoints[:, 1] + 0.5) * sy
    keypoints[:, 2] *= (sx + sy) / 2
    return Features(keypoints, root_sift(descriptors[order]))


def root_sift(sift: NDArray[np.float32]) -> NDArray[np.uint8]:
    """RootSIFT descriptors scaled to bytes (Arandjelović and Zisserman 2012, section 3.1), [N, 128]."""
    total = np.maximum(sift.sum(axis=1, keepdims=True), 1e-12)
    scaled: NDArray[np.uint8] = np.minimum(np.sqrt(sift / total) * 512 + 0.5, 255).astype(np.uint8)
    return scaled


def _as_rows(features: Features) -> NDArray[np.uint8]:
    """Keypoints and descriptors side by side in bytes, [N, 144]."""
    places = np.ascontiguousarray(features.keypoints).view(np.uint8).reshape(-1, 16)
    return np.concatenate([places, features.descriptors], axis=1)


def _from_rows(rows: NDArray[np.uint8]) -> Features:
    if rows.dtype != np.uint8 or rows.ndim != 2 or rows.shape[1] != 144:
        raise ValueError("these are no features")
    return Features(
        np.ascontiguousarray(rows[:, :16]).view(np.float32).reshape(-1, 4), np.ascontiguousarray(rows[:, 16:])
    )
