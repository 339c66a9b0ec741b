"""Our features against OpenCV's, on pictures that are turned, scaled, tilted and darkened in known ways."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from setpiece.capture.features import Features, FeatureSettings, extract, extract_slowly
from setpiece.capture.matching import match

native = pytest.importorskip("setpiece.capture._native", reason="built without native code")

SETTINGS = FeatureSettings(side=1280, count=600)
SIZE = (640, 480)
Matrix = NDArray[np.float64]


def texture(seed: int) -> NDArray[np.float32]:
    """Noise at every scale and some hard edges, [480, 640], 0 to 255."""
    rng = np.random.default_rng(seed)
    picture = np.zeros((SIZE[1], SIZE[0]), np.float32)
    for step in (2, 4, 8, 16, 32):
        small = rng.standard_normal((SIZE[1] // step + 2, SIZE[0] // step + 2)).astype(np.float32)
        picture += cv2.resize(small, SIZE, interpolation=cv2.INTER_CUBIC) * 12
    for _ in range(60):
        x, y, w, h = rng.integers((0, 0, 8, 8), (600, 440, 60, 60))
        picture[y : y + h, x : x + w] += rng.uniform(-50, 50)
    return np.clip(cv2.GaussianBlur(picture, None, 0.6) + 128, 0, 255)


def seen(
    picture: NDArray[np.float32], second_from_first: Matrix, gain: float, seed: int
) -> NDArray[np.uint8]:
    """The picture through a homography between pixel corners, darker, with noise, in bytes."""
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    centred = np.linalg.inv(half) @ second_from_first @ half
    warped = cv2.warpPerspective(
        picture, centred, SIZE, flags=cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REFLECT
    )
    noise = np.random.default_rng(seed).normal(0, 1, warped.shape)
    return np.clip(warped * gain + noise + 0.5, 0, 255).astype(np.uint8)


def about_middle(linear: Matrix, tilt: tuple[float, float] = (0, 0)) -> Matrix:
    """A homography that leaves the middle of the picture where it is."""
    x, y = SIZE[0] / 2, SIZE[1] / 2
    to_middle = np.array([[1, 0, -x], [0, 1, -y], [0, 0, 1.0]])
    middle = np.eye(3)
    middle[:2, :2] = linear
    middle[2, :2] = tilt
    return np.linalg.inv(to_middle) @ middle @ to_middle


def turned(degrees: float, scale: float = 1.0) -> Matrix:
    a = np.radians(degrees)
    return scale * np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])


CHANGES = {
    "nothing but noise": (np.eye(3), 1.0),
    "darker": (np.eye(3), 0.6),
    "turned a little": (about_middle(turned(10)), 1.0),
    "turned a lot": (about_middle(turned(130)), 1.0),
    "larger": (about_middle(turned(0, 1.3)), 1.0),
    "smaller and turned": (about_middle(turned(-40, 0.75)), 0.9),
    "tilted": (about_middle(np.diag([0.9, 0.8]), (2e-4, 4e-4)), 1.1),
}


def judged(first: Features, second: Features, second_from_first: Matrix) -> tuple[int, int, float]:
    """How many matches there are and how many are right, and the right ones' median error in pixels."""
    rows = match(first.descriptors, second.descriptors)
    there = first.keypoints[rows[:, 0], :2].astype(np.float64) @ second_from_first[:2, :2].T
    there += second_from_first[:2, 2]
    depth = first.keypoints[rows[:, 0], :2] @ second_from_first[2, :2] + second_from_first[2, 2]
    error = np.linalg.norm(there / depth[:, None] - second.keypoints[rows[:, 1], :2], axis=1)
    right = error < 3
    return len(rows), int(right.sum()), float(np.median(error[right]))


@pytest.mark.parametrize("change", CHANGES)
def test_as_many_right_matches_as_opencv_and_as_well_placed(change: str, tmp_path: Path) -> None:
    second_from_first, gain = CHANGES[change]
    ours: list[tuple[int, int, float]] = []
    opencv: list[tuple[int, int, float]] = []
    for seed in range(3):
        picture = texture(seed)
        files = [tmp_path / f"{seed}-first.png", tmp_path / f"{seed}-second.png"]
        Image.fromarray(seen(picture, np.eye(3), 1.0, 1)).save(files[0])
        Image.fromarray(seen(picture, second_from_first, gain, 2)).save(files[1])
        for results, find in ((ours, extract), (opencv, extract_slowly)):
            results.append(judged(*(find(f, SETTINGS) for f in files), second_from_first))
    total, right, error = np.sum(ours, axis=0)
    their_total, their_right, their_error = np.sum(opencv, axis=0)
    assert right >= 0.95 * their_right  # both keep the 600 strongest
    assert right / total >= their_right / their_total - 0.02
    assert error <= 1.1 * their_error


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("isa", ["plain", "avx2"])
def test_every_instruction_set_finds_the_same(isa: str, exact: bool) -> None:
    picture = texture(7)[:301, :517].astype(np.uint8).copy()
    size = (picture.shape[1], picture.shape[0]) if exact else (400, 233)
    best = native.sift(picture, *size, 300, 0.02)
    try:
        same = native.sift(picture, *size, 300, 0.02, isa=isa)
    except ValueError:
        pytest.skip(f"this machine has no {isa}")
    for a, b in zip(best, same, strict=True):
        assert np.array_equal(a, b)
