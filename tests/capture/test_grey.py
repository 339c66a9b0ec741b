"""Grey pictures, their sizes and their sharpness: native loops against the slow ways, and the shelf."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from setpiece.capture.grey import GreyPicture, GreyShelf, grey_picture
from setpiece.capture.sharpness import sharpness, sharpness_slowly

native = pytest.importorskip("setpiece.capture._native", reason="built without native code")


def noise(width: int, height: int) -> NDArray[np.uint8]:
    picture = np.random.default_rng(width).integers(0, 256, (height, width), np.uint8)
    return np.asarray(cv2.GaussianBlur(picture, None, 1.0), np.uint8)


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (2, 3), (9, 9), (97, 130), (300, 201)])
def test_sharpness_is_what_the_slow_way_gives(size: tuple[int, int]) -> None:
    assert sharpness(noise(*size)) == sharpness_slowly(noise(*size))


def test_blurring_takes_sharpness_away() -> None:
    sharp = noise(200, 150)
    blurred = np.asarray(cv2.GaussianBlur(sharp, None, 4.0), np.uint8)
    assert sharpness(blurred) < 0.6 * sharpness(sharp)
    assert sharpness(np.full((50, 60), 7, np.uint8)) == 0


@pytest.mark.parametrize("isa", ["plain", "avx2", "avx512"])
@pytest.mark.parametrize("size", [(301, 200), (203, 131), (150, 100), (33, 19), (1, 1)])
def test_smaller_pictures_are_those_of_opencv(isa: str, size: tuple[int, int]) -> None:
    picture = noise(301, 200)
    try:
        smaller = native.resize(picture, *size, isa=isa)
    except ValueError:
        pytest.skip(f"this machine has no {isa}")
    expected = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    assert np.abs(smaller.astype(int) - expected).max() <= 1  # rounding


def test_larger_pictures_are_those_of_opencv() -> None:
    picture = noise(70, 50)
    expected = cv2.resize(picture, (111, 83), interpolation=cv2.INTER_LINEAR)
    assert np.abs(native.resize(picture, 111, 83).astype(int) - expected).max() <= 1


def test_a_kept_picture_follows_its_file_and_no_other(tmp_path: Path) -> None:
    first, second = tmp_path / "first.png", tmp_path / "second.png"
    Image.fromarray(noise(60, 40)).save(first)
    shelf = GreyShelf()
    kept = GreyPicture(noise(60, 40) // 2, (60, 40))
    shelf.put(first, kept)
    first.rename(second)
    assert grey_picture(second, 60, shelf) is kept
    Image.fromarray(noise(61, 40)).save(first)
    assert grey_picture(first, 60, shelf) is not kept
    os.utime(second, ns=(1, 1))
    assert grey_picture(second, 60, shelf) is not kept


def test_a_full_shelf_takes_no_more(tmp_path: Path) -> None:
    shelf = GreyShelf(room=3000)
    for number in range(2):
        Image.fromarray(noise(60, 40)).save(tmp_path / f"{number}.png")
        shelf.put(tmp_path / f"{number}.png", GreyPicture(noise(60, 40), (60, 40)))
    assert shelf.get(tmp_path / "0.png") is not None
    assert shelf.get(tmp_path / "1.png") is None
    shelf.clear()
    assert shelf.room == 3000
    assert shelf.get(tmp_path / "0.png") is None


@pytest.mark.parametrize("size", [(301, 200), (203, 131), (150, 100), (33, 19)])
def test_smaller_pictures_in_colour_are_those_of_opencv(size: tuple[int, int]) -> None:
    picture = np.stack([noise(301, 200), 255 - noise(301, 200), noise(301, 200)[::-1]], -1)
    expected = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    assert np.abs(native.resize_rgb(picture, *size).astype(int) - expected).max() <= 1  # rounding
