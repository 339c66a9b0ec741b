"""How photos differ in exposure and white balance, and how lenses darken towards the corners.

A triangulated point looks about the same from everywhere. With y what photo f shows of point p in channel c,
in display-referred sRGB, r its distance from the principal point in half diagonals, and l the photo's lens,

    log y_fpc = s_pc + g_fc + a_l r^2 + b_l r^4 + noise

is linear in the points' colours s, the photos' gains g (mean 0) and the falloff a, b of each lens (compare
Goldman 2010, Vignette and exposure calibration and compensation). sRGB is close to a power of light, so that
what multiplies light multiplies y. The points are eliminated; outliers lose weight by Cauchy's function.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DARKEST, BRIGHTEST = 12.0, 242.0  # of 255: beyond, a photo is clipped
FEWEST_SEEN = 25  # points of a photo
FLAT = 0.1  # contrast (log) at which an observation counts half
MOST_POINTS = 5000
ROUNDS = 8  # of reweighting
CLIP_STIFFNESS = 100.0  # observations that hold the gains of a clip's neighbouring frames together
LEAST_FALLOFF = 0.02  # at the corner: less is not corrected
SURE = 4.0  # standard errors
MOST_FALLOFF = 0.7


@dataclass(frozen=True)
class Observed:
    """What a photo shows of the points that it sees."""

    points: NDArray[np.int64]  # [S] which
    colours: Floats  # [S, 3] sRGB, 0 to 255
    radius: Floats  # [S] half diagonals from the principal point
    contrast: Floats  # [S] how little its colour is that of its surroundings (log)
    lens: int
    clip: str | None  # frames of one clip change slowly


@dataclass(frozen=True)
class Photometry:
    """Gains of photos and falloff of lenses, in factors of sRGB values."""

    gains: Floats  # [F, 3] mean over the photos 1; 1 for photos that see too little
    falloff: dict[int, tuple[float, float]]  # a, b by lens; lenses without a clear falloff are left out


def falloff_at(falloff: tuple[float, float], radius: Floats) -> Floats:
    """What remains of a value at a distance from the principal point in half diagonals, 0 to 1."""
    remains: Floats = np.exp(falloff[0] * radius**2 + falloff[1] * radius**4)
    return remains


def photometry(photos: Sequence[Observed]) -> Photometry:
    """The gains and falloffs that make the photos agree best."""
    rows = _rows(photos)
    if rows is None:
        return Photometry(np.ones((len(photos), 3)), {})
    frame, lenses = rows.frame, rows.lenses
    solved, covariance = _solved(photos, rows)
    count = len(photos)
    logs = solved[: 3 * count].reshape(3, count).T
    seen = np.bincount(frame, minlength=count) >= FEWEST_SEEN
    gains = np.ones((count, 3))
    gains[seen] = np.exp(logs[seen])
    gains /= gains.mean(axis=0)
    falloff = {}
    for k, name in enumerate(lenses):
        at = 3 * count + 2 * k
        a, b = float(solved[at]), float(solved[at + 1])
        error = float(np.sqrt(max(covariance[at : at + 2, at : at + 2].sum(), 0)))
        if _plausible(a, b) and -(a + b) > max(LEAST_FALLOFF, SURE * error):
            falloff[name] = (a, b)
    return Photometry(gains, falloff)


def _plausible(a: float, b: float) -> bool:
    """Whether a lens may be so: ever darker from the middle outwards, and not too dark."""
    r = np.linspace(0, 1, 21)
    remains = falloff_at((a, b), r)
    return bool((np.diff(remains) <= 1e-3).all() and remains[-1] >= 1 - MOST_FALLOFF)


@dataclass(frozen=True)
class _Rows:
    """All observations."""

    frame: NDArray[np.int64]  # [S]
    point: NDArray[np.int64]  # [S] numbered anew
    lens: NDArray[np.int64]  # [S] place in `lenses`
    terms: Floats  # [S, 2L] r^2 and r^4 in the columns of the lens
    values: Floats  # [S, 3] log colour
    trust: Floats  # [S] weight to begin with
    lenses: list[int]


def _rows(photos: Sequence[Observed]) -> _Rows | None:
    """The observations worth using; None where there are too few."""
    lenses = sorted({p.lens for p in photos})
    if not photos:
        return None
    frame = np.concatenate([np.full(len(p.points), i) for i, p in enumerate(photos)]).astype(np.int64)
    lens = np.array([lenses.index(p.lens) for p in photos], np.int64)[frame]
    point = np.concatenate([p.points for p in photos]).astype(np.int64)
    radius = np.concatenate([p.radius for p in photos])
    contrast = np.concatenate([p.contrast for p in photos])
    colours = np.concatenate([p.colours for p in photos])
    good = ((colours > DARKEST) & (colours < BRIGHTEST)).all(axis=1)
    views = np.bincount(point[good], minlength=int(point.max(initial=0)) + 1)
    most = np.argsort(-views, kind="stable")[:MOST_POINTS]
    chosen = most[views[most] > 1]
    number = np.full(len(views), -1, np.int64)
    number[chosen] = np.arange(len(chosen))
    good &= number[point] >= 0
    if good.sum() < 3 * FEWEST_SEEN:
        return None
    frame, lens, radius = frame[good], lens[good], radius[good]
    terms = np.zeros((len(frame), 2 * len(lenses)))
    terms[np.arange(len(frame)), 2 * lens] = radius**2
    terms[np.arange(len(frame)), 2 * lens + 1] = radius**4
    # Of a small blob a photo from afar shows the surroundings as well: flat places are better witnesses.
    trust = 1 / (1 + (contrast[good] / FLAT) ** 2)
    return _Rows(frame, number[point[good]], lens, terms, np.log(colours[good]), trust, lenses)


def _solved(photos: Sequence[Observed], rows: _Rows) -> tuple[Floats, Floats]:
    """The gains channel by channel and then a, b of each lens, [3F + 2L], with their covariance."""
    frame, point, terms, values = rows.frame, rows.point, rows.terms, rows.values
    count, points, extra = len(photos), int(point.max()) + 1, terms.shape[1]
    size = 3 * count + extra
    weight: Floats = rows.trust
    variance = 1.0
    solved: Floats = np.zeros(size)
    matrix: Floats = np.eye(size)
    held = _held_together(photos)
    for _ in range(ROUNDS):
        matrix, right = np.zeros((size, size)), np.zeros(size)
        total = np.maximum(np.bincount(point, weight, minlength=points), 1e-9)
        by_frame = np.bincount(point * count + frame, weight, minlength=points * count)
        share = by_frame.reshape(points, count) / np.sqrt(total)[:, None]
        own = np.diag(np.bincount(frame, weight, minlength=count)) - share.T @ share
        own += held * float(np.median(weight)) + np.ones((count, count)) + 1e-6 * np.eye(count)
        centred = terms - _means(terms, point, weight, total)[point]
        columns = [np.bincount(frame, weight * t, minlength=count) for t in centred.T]
        own_terms, both = np.stack(columns, axis=1), centred.T @ (weight[:, None] * centred)
        for c in range(3):
            block = slice(c * count, (c + 1) * count)
            y = values[:, c] - _means(values[:, c : c + 1], point, weight, total)[point, 0]
            matrix[block, block] = own
            matrix[block, 3 * count :] = own_terms
            matrix[3 * count :, block] = own_terms.T
            matrix[3 * count :, 3 * count :] += both
            right[block] = np.bincount(frame, weight * y, minlength=count)
            right[3 * count :] += centred.T @ (weight * y)
        matrix[3 * count :, 3 * count :] += 1e-3 * np.eye(extra)
        solved = np.asarray(np.linalg.solve(matrix, right), np.float64)
        gains = solved[: 3 * count].reshape(3, count).T
        raw: Floats = np.asarray(values - gains[frame] - (terms @ solved[3 * count :])[:, None], np.float64)
        left = raw - _means(raw, point, weight, total)[point]
        off = np.sqrt((left**2).mean(axis=1))
        scale = max(1.4826 * float(np.median(off)), 1e-4)
        weight = np.asarray(rows.trust / (1 + (off / (2 * scale)) ** 2), np.float64)
        variance = float((weight * off**2).sum() / weight.sum())
    return solved, np.asarray(variance * np.linalg.inv(matrix), np.float64)


def _held_together(photos: Sequence[Observed]) -> Floats:
    """The normal matrix [F, F] that holds neighbouring frames of a clip together."""
    matrix = np.zeros((len(photos), len(photos)))
    for i in range(len(photos) - 1):
        if photos[i].clip is not None and photos[i].clip == photos[i + 1].clip:
            matrix[i : i + 2, i : i + 2] += CLIP_STIFFNESS * np.array([[1, -1], [-1, 1]])
    return matrix


def _means(values: Floats, point: NDArray[np.int64], weight: Floats, total: Floats) -> Floats:
    """The weighted mean of values [S, K] over each point's observations, [P, K]."""
    columns = [np.bincount(point, weight * v, minlength=len(total)) / total for v in values.T]
    return np.stack(columns, axis=1)
