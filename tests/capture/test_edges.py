"""Straight edges: those of a drawn figure, and as many as OpenCV's detector finds in it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from setpiece.capture.lines import straight_edges, straight_edges_slowly

pytest.importorskip("setpiece.capture._native", reason="built without native code")

CORNERS = np.array([[60.0, 50.0], [250.0, 80.0], [230.0, 190.0], [40.0, 160.0]])  # pixels from the corner


def drawn(noise: float) -> NDArray[np.uint8]:
    """A bright quadrilateral, drawn eight times as large and brought down, with noise."""
    large = np.full((240 * 8, 320 * 8), 70, np.uint8)
    cv2.fillPoly(large, [np.round(CORNERS * 8).astype(np.int32)], 170)
    small = cv2.resize(large, (320, 240), interpolation=cv2.INTER_AREA).astype(np.float64)
    small += np.random.default_rng(0).normal(0, noise, small.shape)
    return np.clip(small + 0.5, 0, 255).astype(np.uint8)


def off_figure(ends: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far both ends of each edge lie from the nearest side of the figure, [E], in pixels."""
    sides = np.roll(CORNERS, -1, axis=0) - CORNERS
    normals = np.stack([-sides[:, 1], sides[:, 0]], 1) / np.linalg.norm(sides, axis=1, keepdims=True)
    off = np.abs(np.einsum("enk,sk->ens", ends, normals) - (CORNERS * normals).sum(axis=1))
    return np.asarray(off.max(axis=1).min(axis=1))


@pytest.mark.parametrize("noise", [0.0, 2.0])
def test_the_sides_of_a_figure_are_found_where_they_are(noise: float) -> None:
    ends = straight_edges(drawn(noise), 25)
    assert off_figure(ends).max() < 0.25
    length = np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1).sum()
    outline = np.linalg.norm(np.roll(CORNERS, -1, axis=0) - CORNERS, axis=1).sum()
    assert length > 0.85 * outline
    theirs = straight_edges_slowly(drawn(noise), 25)
    assert length > 0.95 * np.linalg.norm(theirs[:, 1] - theirs[:, 0], axis=1).sum()
    assert np.median(off_figure(ends)) <= np.median(off_figure(theirs)) + 0.05


def test_noise_and_plain_pictures_have_no_edges() -> None:
    assert len(straight_edges(np.full((100, 120), 90, np.uint8), 20)) == 0
    noise = np.random.default_rng(1).integers(0, 256, (200, 200), np.uint8)
    assert len(straight_edges(noise, 20)) == 0
    assert straight_edges(np.zeros((1, 1), np.uint8), 20).shape == (0, 2, 2)
