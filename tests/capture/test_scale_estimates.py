"""Several sources of scale together, and what happens when they contradict each other."""

from __future__ import annotations

import numpy as np
import pytest

from setpiece.capture.scale.estimates import ScaleEstimate, combined


def said(value: float, error: float, source: str = "GPS", detail: str = "9 photos") -> ScaleEstimate:
    return ScaleEstimate(source, value, error, detail)


def test_nothing_is_known_of_nothing() -> None:
    assert combined([]) is None


def test_one_source_counts_as_it_is() -> None:
    scale = combined([said(0.7, 0.02)])
    assert scale is not None
    assert (scale.metres_per_unit, scale.error) == (pytest.approx(0.7), pytest.approx(0.02))
    assert scale.source == "GPS"


def test_the_exact_source_counts_most() -> None:
    scale = combined([said(0.50, 0.05), said(0.52, 0.002, "printed marker")])
    assert scale is not None
    assert scale.metres_per_unit == pytest.approx(0.52, rel=1e-3)
    assert scale.error < 0.002
    assert scale.source == "printed marker and GPS"
    assert scale.contradictions == ()


def test_a_contradiction_is_said_and_makes_the_error_larger() -> None:
    scale = combined([said(0.50, 0.002, "measured distance", "2 m in a.jpg"), said(0.60, 0.01)])
    assert scale is not None
    (sentence,) = scale.contradictions
    assert (
        "the GPS (9 photos) makes the place 20 % larger than the measured distance (2 m in a.jpg)" in sentence
    )
    assert "18 times what their errors allow" in sentence
    assert scale.error > 0.03


def test_stated_errors_are_those_that_are_seen() -> None:
    rng = np.random.default_rng(3)
    errors = np.array([0.004, 0.01, 0.02])
    off, stated = [], []
    for _ in range(400):
        scale = combined([said(float(np.exp(rng.normal(0, e))), e) for e in errors])
        assert scale is not None
        off.append(np.log(scale.metres_per_unit))
        stated.append(scale.error)
    # sqrt(1 / 800) is the standard error of a standard deviation; 3 of them. Birge adds a little.
    assert np.std(off) == pytest.approx((1 / errors**2).sum() ** -0.5, rel=3 * 0.035)
    assert np.std(off) <= np.mean(stated) * 1.1
