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
    lens: int | None  # None: it has been seen to already, as in a stitched panorama
    clip: str | None  # frames of one clip change slowly
    shot: str | None = None  # views of one panorama were exposed together and share their gains


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
    shots = _shots(photos)
    rows = _rows(photos, shots)
    if rows is None:
        return Photometry(np.ones((len(photos), 3)), {})
    frame, lenses = rows.frame, rows.lenses
    solved, covariance = _solved(_held_together(photos, shots), rows)
    count = int(shots.max()) + 1
    logs = solved[: 3 * count].reshape(3, count).T
    seen = np.bincount(frame, minlength=count) >= FEWEST_SEEN
    gains = np.ones((count, 3))
    gains[seen] = np.exp(logs[seen])
    gains = gains[shots]
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


def _shots(photos: Sequence[Observed]) -> NDArray[np.int64]:
    """The number of each photo's shot, [F]."""
    numbers: dict[object, int] = {}
    names = [i if p.shot is None else p.shot for i, p in enumerate(photos)]
    return np.array([numbers.setdefault(name, len(numbers)) for name in names], np.int64)


@dataclass(frozen=True)
class _Rows:
    """All observations."""

    frame: NDArray[np.int64]  # [S] its shot
    point: NDArray[np.int64]  # [S] numbered anew
    lens: NDArray[np.int64]  # [S] place in `lenses`, -1 for none
    terms: Floats  # [S, 2L] r^2 and r^4 in the columns of the lens
    values: Floats  # [S, 3] log colour
    trust: Floats  # [S] weight to begin with
    lenses: list[int]


def _rows(photos: Sequence[Observed], shots: NDArray[np.int64]) -> _Rows | None:
    """The observations worth using; None where there are too few."""
    lenses = sorted({p.lens for p in photos if p.lens is not None})
    if not photos:
        return None
    photo = np.repeat(np.arange(len(photos)), [len(p.points) for p in photos])
    frame = shots[photo]
    lens = np.array([-1 if p.lens is None else lenses.index(p.lens) for p in photos], np.int64)[photo]
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
    darkens = np.flatnonzero(lens >= 0)
    terms[darkens, 2 * lens[darkens]] = radius[darkens] ** 2
    terms[darkens, 2 * lens[darkens] + 1] = radius[darkens] ** 4
    # Of a small blob a photo from afar shows the surroundings as well: flat places are better witnesses.
    trust = 1 / (1 + (contrast[good] / FLAT) ** 2)
    return _Rows(frame, number[point[good]], lens, terms, np.log(colours[good]), trust, lenses)


def _solved(held: Floats, rows: _Rows) -> tuple[Floats, Floats]:
    """The gains channel by channel and then a, b of each lens, [3F + 2L], with their covariance."""
    frame, point, terms, values = rows.frame, rows.point, rows.terms, rows.values
    count, points, extra = len(held), int(point.max()) + 1, terms.shape[1]
    size = 3 * count + extra
    weight: Floats = rows.trust
    variance = 1.0
    solved: Floats = np.zeros(size)
    matrix: Floats = np.eye(size)
    for _ in range(ROUNDS):
        matrix, right = np.zeros((size, size)), np.zeros(size)
        total = np.maximum(np.bincount(point, weight, minlength=points), 1e-9)
        by_frame = np.bincount(point * count + frame, weight, minlength=points * count)
        share = by_frame.reshape(points, count) / np.sqrt(total)[:, None]
        own = np.diag(np.bincount(frame, weight, minlength=count)) - share.T @ share
        own += held * float(np.median(weight)) + np.ones((count, count)) + 1e-6 * np.eye(count)
        centred = terms - _means(terms, point, weight, total)[point]
        own_terms = _sums(weight[:, None] * centred, frame, count)
        both = centred.T @ (weight[:, None] * centred)
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


def _held_together(photos: Sequence[Observed], shots: NDArray[np.int64]) -> Floats:
    """The normal matrix, a row and a column per shot, that holds neighbouring ones of a clip together."""
    count = int(shots.max(initial=-1)) + 1
    matrix = np.zeros((count, count))
    for i in range(len(photos) - 1):
        pair = shots[i : i + 2]
        if photos[i].clip is not None and photos[i].clip == photos[i + 1].clip and pair[0] != pair[1]:
            matrix[np.ix_(pair, pair)] += CLIP_STIFFNESS * np.array([[1, -1], [-1, 1]])
    return matrix


def _means(values: Floats, point: NDArray[np.int64], weight: Floats, total: Floats) -> Floats:
    """The weighted mean of values [S, K] over each point's observations, [P, K]."""
    means: Floats = _sums(weight[:, None] * values, point, len(total)) / total[:, None]
    return means


def _sums(values: Floats, group: NDArray[np.int64], groups: int) -> Floats:
    """The sums of values [S, K] over each group, [groups, K]."""
    sums = np.zeros((groups, values.shape[1]))
    for k in range(values.shape[1]):
        sums[:, k] = np.bincount(group, values[:, k], minlength=groups)
    return sums
