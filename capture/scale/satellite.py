"""Scale from satellite positions of the photos, where the way is long against their error.

Up is known by now, so only the plane counts: positions g and camera centres c as complex numbers, east and x
real. They are related by g = a c + t; the length of a is metres per unit. Heights by satellite are not looked
at, their error is several times as large.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from setpiece.capture.scale.estimates import ScaleEstimate, percent
from setpiece.capture.scale.posed_photos import PosedPhoto

Complex = NDArray[np.complex128]
Vectors = NDArray[np.float64]

SOURCE = "GPS"
ERROR_M = 5.0  # standard deviation of a position that does not state its own
FEWEST_PLACES = 5  # different positions
SHORTEST = 4.0  # times the error of a position that the way must be long
DRIFT = 0.5  # of a position's error by which the far end may have drifted against the near one
FAR_SIGMAS = 5.0  # a position that is farther off is wrong
FOCAL_MISMATCH = 0.15  # relative, as the poses stage warns of
BLOCKS = 4  # stretches of the way that are left out in turn
LARGEST_ERROR = 0.3  # relative; worse says nothing
_MOST_PAIRS = 2000


def scale_from_places(
    photos: Sequence[PosedPhoto], up: Vectors
) -> tuple[ScaleEstimate | None, list[str], str | None]:
    """Metres per unit; warnings about positions that are wrong; and why nothing is said, where nothing is.

    `up` is the unit vector up in COLMAP's world, [3]. Without positions all three are empty.
    """
    placed = _distinct(photos)
    if not placed:
        return None, [], None
    if len(placed) < FEWEST_PLACES:
        return None, [], f"GPS does not tell the scale: there are only {len(placed)} different positions"
    g = np.array([complex(p.frame.place.east_m, p.frame.place.north_m) for p in placed if p.frame.place])
    c = _in_plane(np.array([p.centre for p in placed]), up)
    sigma = np.array([(p.frame.place and p.frame.place.error_m) or ERROR_M for p in placed])
    middle = float(np.median(sigma))
    good = _agreeing(c, g, sigma)
    if good.sum() < max(FEWEST_PLACES, 0.5 * len(placed)):
        return None, [], "GPS does not tell the scale: its positions do not follow the photos' way"
    a, t = _fit(c[good], g[good], sigma[good])
    off = np.abs(g - a * c - t)
    typical = max(1.4826 * float(np.median(off[good])), 0.1 * middle)
    good = off <= np.maximum(FAR_SIGMAS * typical, 3 * sigma)
    a, t = _fit(c[good], g[good], sigma[good])
    off = np.abs(g - a * c - t)
    wrong = [
        f"{p.frame.source}: its GPS position lies {_metres(o)} from where the others put it; it is not used"
        for p, o, fine in zip(placed, off, good, strict=True)
        if not fine
    ]
    way = float(np.abs(c[good][:, None] - c[good]).max() * abs(a))
    if way < SHORTEST * middle:
        return (
            None,
            wrong,
            (
                f"GPS does not tell the scale: the photos lie {way:.0f} m apart at most, "
                f"and GPS is good to {middle:.0f} m"
            ),
        )
    fit = max(_fit_error(c[good], g[good], a, t), _block_error(c[good], g[good], sigma[good]))
    error = math.hypot(fit, DRIFT * middle / way, _stretch(placed))
    if error > LARGEST_ERROR or a == 0:
        return None, wrong, f"GPS does not tell the scale: its error would be {percent(error)}"
    return ScaleEstimate(SOURCE, abs(a), error, f"{good.sum()} positions along {way:.0f} m"), wrong, None


def _distinct(photos: Sequence[PosedPhoto]) -> list[PosedPhoto]:
    """The photos with a position, the first of those that share one: phones repeat what they last knew."""
    seen: set[tuple[float, float]] = set()
    found = []
    for photo in sorted(photos, key=lambda p: p.frame.order):
        place = photo.frame.place
        if place is not None and (place.east_m, place.north_m) not in seen:
            seen.add((place.east_m, place.north_m))
            found.append(photo)
    return found


def _in_plane(centres: Vectors, up: Vectors) -> Complex:
    """The centres [N, 3] seen from above, x to the right and y up, as complex numbers."""
    x = np.linalg.svd(up[None])[2][1]
    plane: Complex = centres @ x + 1j * (centres @ np.cross(up, x))
    return plane


def _agreeing(c: Complex, g: Complex, sigma: Vectors) -> NDArray[np.bool_]:
    """Which positions agree with the similarity through two of them that most agree with."""
    pairs = [(i, j) for i, j in combinations(range(len(c)), 2) if c[i] != c[j]]
    if len(pairs) > _MOST_PAIRS:
        rows = np.random.default_rng(0).choice(len(pairs), _MOST_PAIRS, replace=False)
        pairs = [pairs[r] for r in rows]
    best, best_cost = np.zeros(len(c), bool), math.inf
    for i, j in pairs:
        a = (g[i] - g[j]) / (c[i] - c[j])
        off = np.abs(g - a * c - (g[i] - a * c[i])) / (3 * sigma)
        cost = float(np.minimum(off, 1).sum())
        if cost < best_cost:
            best, best_cost = off < 1, cost
    return best


def _fit(c: Complex, g: Complex, sigma: Vectors) -> tuple[complex, complex]:
    """The similarity of least weighted squares, with Cauchy weights."""
    weight = 1 / sigma**2
    a, t = 1 + 0j, 0j
    for _ in range(20):
        total = weight.sum()
        mean_c, mean_g = (weight * c).sum() / total, (weight * g).sum() / total
        spread = (weight * np.abs(c - mean_c) ** 2).sum()
        a = complex((weight * (g - mean_g) * (c - mean_c).conj()).sum() / spread) if spread > 0 else 0j
        t = complex(mean_g - a * mean_c)
        off = np.abs(g - a * c - t)
        width = max(1.4826 * float(np.median(off)), 1e-6)
        weight = 1 / (sigma**2 * (1 + (off / (2 * width)) ** 2))
    return a, t


def _fit_error(c: Complex, g: Complex, a: complex, t: complex) -> float:
    """The relative error of |a| by the residuals, which neighbours on the way share in part.

    With a correlation r between neighbours only (1 - r) / (1 + r) of the positions count (Bayley and
    Hammersley 1946).
    """
    rest = g - a * c - t
    variance = float((np.abs(rest) ** 2).sum()) / max(1, 2 * len(c) - 4)
    r = float((rest[1:] * rest[:-1].conj()).real.sum() / max((np.abs(rest) ** 2).sum(), 1e-12))
    r = min(max(r, 0.0), 0.9)
    spread = float((np.abs(c - c.mean()) ** 2).sum())
    return math.sqrt(variance * (1 + r) / (1 - r) / spread) / abs(a)


def _block_error(c: Complex, g: Complex, sigma: Vectors) -> float:
    """The relative error of |a| by leaving out one stretch of the way after the other.

    A model that bends, or that shrinks along the way, shows here (jackknife; Efron 1982, eq. 3.4).
    """
    blocks = np.array_split(np.arange(len(c)), BLOCKS)
    logs = []
    for block in blocks:
        rest = np.setdiff1d(np.arange(len(c)), block)
        logs.append(math.log(max(abs(_fit(c[rest], g[rest], sigma[rest])[0]), 1e-12)))
    return float(np.sqrt((BLOCKS - 1) / BLOCKS * ((np.array(logs) - np.mean(logs)) ** 2).sum()))


def _stretch(photos: Sequence[PosedPhoto]) -> float:
    """Half of what the focal length is off from what the photos' metadata promises, where that is much.

    A wrong focal length stretches a walk along its way, which positions along it cannot see.
    """
    known = [p for p in photos if p.camera is not None and p.frame.focal_px]
    off = [abs(p.focal_px / (p.frame.focal_px or 1) - 1) for p in known]
    middle = float(np.median(off)) if off else 0.0
    return middle / 2 if middle > FOCAL_MISMATCH else 0.0


def _metres(value: float) -> str:
    return f"{value / 1000:.1f} km" if value >= 1000 else f"{value:.0f} m"
