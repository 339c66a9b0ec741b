"""Captures that are good, and captures that are damaged in one way each."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from made_places import OPTIONS
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from setpiece.capture.demo.litset import LitSet
from setpiece.capture.demo.names import photo_name
from setpiece.capture.demo.photo import (
    develop,
    phone_camera,
    phone_exposure,
    phone_lens,
    photograph,
    write_photo,
)
from setpiece.capture.demo.walk import TARGET, Viewpoint, look_at

Pixels = NDArray[np.uint8]


def shoot(lit: LitSet, views: Sequence[Viewpoint], folder: Path, first: int = 0) -> Path:
    """Write a photo from each viewpoint, numbered from `first` on, two seconds apart."""
    folder.mkdir(parents=True, exist_ok=True)
    lens = phone_lens(OPTIONS)

    def one(k: int) -> None:
        i, view = first + k, views[k]
        exposure = phone_exposure(i, OPTIONS)
        picture = photograph(lit, phone_camera(view, OPTIONS), lens, OPTIONS)
        pixels = develop(
            picture.colour, exposure, OPTIONS.noise, OPTIONS.vignette, np.random.default_rng([9, i])
        )
        write_photo(folder / photo_name(i), pixels, view, lens, exposure, i, OPTIONS)

    with ThreadPoolExecutor(2) as workers:
        list(workers.map(one, range(len(views))))
    return folder


def arc(count: int, from_deg: float = -60, to_deg: float = 60, seed: int = 1) -> list[Viewpoint]:
    """A walk on an arc around the middle of the film set."""
    rng, target, views = np.random.default_rng(seed), np.array(TARGET), []
    for angle in np.radians(np.linspace(from_deg, to_deg, count)):
        at = target + (2.5 * np.sin(angle), -2.5 * np.cos(angle), 0.5)
        aim = target + (0.3 * np.sin(4 * angle), 0, 0.1 * np.sin(5 * angle))
        views.append(Viewpoint(look_at(at + rng.normal(0, 0.03, 3), aim + rng.normal(0, 0.03, 3)), False))
    return views


def turn(count: int, step_deg: float) -> list[Viewpoint]:
    """A turn on the spot."""
    at = np.array([0.2, -1.2, 1.5])
    angles = np.radians((np.arange(count) - (count - 1) / 2) * step_deg)
    return [
        Viewpoint(look_at(at, at + (np.sin(a), np.cos(a), -0.15 + 0.05 * np.sin(7 * a))), False)
        for a in angles
    ]


def stand(count: int) -> list[Viewpoint]:
    """Photo after photo of the same from the same place, hand-held."""
    rng, at, aim = np.random.default_rng(4), np.array([0.2, -1.3, 1.5]), np.array(TARGET)
    return [
        Viewpoint(look_at(at + rng.normal(0, 0.006, 3), aim + rng.normal(0, 0.012, 3)), False)
        for _ in range(count)
    ]


def behind(count: int) -> list[Viewpoint]:
    """A walk past the wall behind the film set, which no photo of the set shows."""
    rng, views = np.random.default_rng(6), []
    for t in np.linspace(0, 1, count):
        at = np.array([-1.4 + 1.9 * t, -0.1, 1.45]) + rng.normal(0, 0.03, 3)
        views.append(Viewpoint(look_at(at, np.array([-0.7 + 0.9 * t, -2.4, 1.1])), False))
    return views


def pass_by(count: int, from_m: float, to_m: float) -> list[Viewpoint]:
    """A walk along the facade."""
    rng, views = np.random.default_rng(5), []
    for x in np.linspace(from_m, to_m, count):
        at = np.array([x, -3.6, 1.6]) + rng.normal(0, 0.04, 3)
        views.append(Viewpoint(look_at(at, np.array([x, 0, 1.65]) + rng.normal(0, 0.08, 3)), False))
    return views


def copied(source: Path, folder: Path, without: Sequence[int] = ()) -> list[Path]:
    """Copies of the photos, but for some by number, in name order."""
    folder.mkdir(parents=True, exist_ok=True)
    files = [f for i, f in enumerate(sorted(source.iterdir())) if i not in without]
    return [Path(shutil.copy(f, folder)) for f in files]


def changed(file: Path, pixels: Pixels | Image.Image) -> None:
    """Replace the picture in a file; its metadata stay."""
    with Image.open(file) as photo:
        exif = photo.getexif()
    picture = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    picture.save(file, "JPEG", quality=92, exif=exif)


def pixels_of(file: Path) -> Pixels:
    """The picture in a file, as it is stored."""
    return np.asarray(Image.open(file).convert("RGB"))


def smear(file: Path, length: int = 15, angle_deg: float = 20.0) -> None:
    """Blur of a hand that moves."""
    kernel = np.zeros((length, length), np.float32)
    middle, way = (length - 1) / 2, np.radians(angle_deg)
    for t in np.linspace(-middle, middle, 4 * length):
        kernel[round(middle + t * np.sin(way)), round(middle + t * np.cos(way))] = 1
    changed(file, np.asarray(cv2.filter2D(pixels_of(file), -1, kernel / kernel.sum()), np.uint8))


def expose(file: Path, stops: float, warmer: float = 0.0) -> None:
    """More light, and a warmer white balance, in stops."""
    light = (pixels_of(file) / 255.0) ** 2.2 * 2.0**stops * 2.0 ** np.array([warmer / 2, 0, -warmer / 2])
    changed(file, (np.clip(light, 0, 1) ** (1 / 2.2) * 255 + 0.5).astype(np.uint8))


def cover(file: Path, part: float = 0.3) -> None:
    """A thumb over a lower corner, out of focus."""
    pixels = pixels_of(file)
    height, width = pixels.shape[:2]
    mask = np.zeros((height, width), np.float32)
    radius = round(np.sqrt(part * 4 / np.pi * height * width))
    cv2.circle(mask, (width, height), radius, 1.0, -1)
    mask = cv2.GaussianBlur(mask, (0, 0), width / 60)[..., None]
    skin = np.array([150, 96, 78], np.float32) * np.linspace(0.7, 1.1, height)[:, None, None]
    changed(file, (pixels * (1 - mask) + skin * mask + 0.5).astype(np.uint8))


def mirror(file: Path) -> None:
    """Left and right changed."""
    changed(file, np.ascontiguousarray(pixels_of(file)[:, ::-1]))


def crop(file: Path, part: float) -> None:
    """The middle of the picture only."""
    pixels = pixels_of(file)
    h, w = pixels.shape[:2]
    y, x = round(h * (1 - part) / 2), round(w * (1 - part) / 2)
    changed(file, np.ascontiguousarray(pixels[y : h - y, x : w - x]))


def shrink(file: Path, part: float) -> None:
    """A smaller version of the picture."""
    with Image.open(file) as photo:
        photo.load()
    size = round(photo.width * part), round(photo.height * part)
    changed(file, photo.convert("RGB").resize(size, Image.Resampling.LANCZOS))


def soften(file: Path, radius: float) -> None:
    """Out of focus."""
    changed(file, np.asarray(Image.fromarray(pixels_of(file)).filter(ImageFilter.GaussianBlur(radius))))
