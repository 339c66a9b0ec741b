"""Gains and falloff are found from what photos show of common points."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from setpiece.capture.photometry import Observed, Photometry, falloff_at, photometry

PHOTOS, POINTS, SEEN = 20, 1500, 400
Floats = NDArray[np.float64]


def remains(radius: Floats) -> Floats:
    """A lens that loses 30 % of the light in the corners."""
    return (1 - 0.3 * radius**2) ** (1 / 2.2)


def observed(
    gains: Floats, lens: Callable[[Floats], Floats], noise: float, clip: str | None = None
) -> list[Observed]:
    rng = np.random.default_rng(4)
    points = rng.uniform(50, 170, (POINTS, 3))
    photos = []
    for gain in gains:
        seen = np.sort(rng.choice(POINTS, SEEN, replace=False))
        radius = 0.95 * np.sqrt(rng.uniform(0, 1, SEEN))
        colours = points[seen] * gain * lens(radius)[:, None] * np.exp(rng.normal(0, noise, (SEEN, 3)))
        colours[: SEEN // 10] *= rng.uniform(0.3, 3, (SEEN // 10, 3))  # what is not the point
        photos.append(Observed(seen, colours, radius, np.zeros(SEEN), 3, clip))
    return photos


def some_gains(spread: float = 0.15) -> Floats:
    gains = np.exp(np.random.default_rng(5).normal(0, spread, (PHOTOS, 3)))
    return np.asarray(gains / gains.mean(axis=0))


def test_gains_and_falloff_are_found() -> None:
    gains = some_gains()
    found = photometry(observed(gains, remains, 0.1))
    assert np.abs(np.log(found.gains / gains)).max() < 0.03  # 0.1 / sqrt(400), three times in 60 numbers
    np.testing.assert_allclose(found.gains.mean(axis=0), 1)
    at = np.array([0.0, 0.5, 0.9])
    np.testing.assert_allclose(falloff_at(found.falloff[3], at), remains(at), atol=0.01)


def test_a_lens_without_falloff_and_one_that_cannot_be_have_none() -> None:
    assert not photometry(observed(some_gains(), np.ones_like, 0.1)).falloff
    assert not photometry(observed(some_gains(), lambda r: 1 + 0.1 * r**2, 0.02)).falloff


def test_views_of_a_panorama_share_their_gains_and_have_no_falloff() -> None:
    gains = some_gains()[np.arange(PHOTOS) // 4]  # five panoramas of four views
    photos = observed(gains, np.ones_like, 0.1)
    views = [replace(p, lens=None, shot=f"pano {i // 4}") for i, p in enumerate(photos)]
    found = photometry(views)
    assert not found.falloff
    assert (found.gains == found.gains[np.arange(PHOTOS) // 4 * 4]).all()
    gains = gains / gains.mean(axis=0)
    # four times as much to go by as for photos by themselves, so half of their error
    assert np.abs(np.log(found.gains / gains)).max() < 0.015


def test_too_little_to_go_by() -> None:
    few = [Observed(np.arange(3), np.full((3, 3), 90.0), np.zeros(3), np.zeros(3), 1, None)] * 4
    for found in (photometry(few), photometry([])):
        assert isinstance(found, Photometry)
        assert (found.gains == 1).all()
        assert not found.falloff


def test_clipped_values_do_not_count() -> None:
    gains = some_gains()
    photos = observed(gains, np.ones_like, 0.02)
    for photo in photos:
        photo.colours[SEEN // 2 :] = 255.0
    assert np.abs(np.log(photometry(photos).gains / gains)).max() < 0.03


def test_the_exposure_of_a_clip_is_smooth() -> None:
    gains = np.ones((PHOTOS, 3))
    free = photometry(observed(gains, np.ones_like, 0.3)).gains
    held = photometry(observed(gains, np.ones_like, 0.3, "walk.mp4")).gains
    assert np.abs(np.diff(held, axis=0)).mean() < 0.8 * np.abs(np.diff(free, axis=0)).mean()


@pytest.mark.parametrize("contrast", [0.0, 1.0])
def test_flat_places_are_better_witnesses(contrast: float) -> None:
    gains = some_gains()
    photos = observed(gains, np.ones_like, 0.02)
    for photo in photos:  # blobs look brighter from nearby; whether they count depends on their contrast
        photo.colours[::3] *= 1.4 ** (2 * photo.radius[::3, None])
        photo.contrast[::3] = contrast
    off = np.abs(np.log(photometry(photos).gains / gains)).mean()
    assert off < (0.01 if contrast else 0.1)
