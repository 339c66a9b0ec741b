"""Something over the lens: a thumb, a strap, a case.

Where others see points and a photo shows nothing at all, up to its edge, something is in the way.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from setpiece.capture.check.finding import Finding, finding, named
from setpiece.capture.check.look import Look
from setpiece.capture.model import Model

ROWS, COLUMNS = 9, 12  # tiles of a photo
LEAST_TILES = 6  # that are covered, about a twentieth of the photo
POINTS_PER_TILE = 3  # that others see there
PART_CROWDED = 0.5  # of the covered tiles; where nobody sees anything a bare tile tells nothing
BESIDE = 8  # cameras near by whose points are expected
MOST_TURNED = 0.9  # cosine of the angle between the views of such cameras


def cover(look: Look) -> list[Finding]:
    """What is to be said of covered photos."""
    model = look.model
    if model is None:
        return []
    covered = {}
    for position, frame in enumerate(model.frames):
        if look.frames[frame].rig:  # the operator below is masked
            continue
        tiles = covered_tiles(look, model, position)
        if tiles.sum() >= LEAST_TILES:
            covered[frame] = tiles
    if not covered:
        return []
    usual = _usual_corner(list(covered.values()))
    share = float(np.mean([t.mean() for t in covered.values()]))
    verb = "has" if len(covered) == 1 else "have"
    text = (
        f"{named(look.frames, covered)} {verb} something over the lens at the {usual}, a finger or a strap "
        f"({share:.0%} of the picture): take {'it' if len(covered) == 1 else 'them'} again."
    )
    return [finding("covered", text, look.frames, covered)]


def covered_tiles(look: Look, model: Model, position: int) -> NDArray[np.bool_]:
    """The tiles of a placed frame [ROWS, COLUMNS] that something covers."""
    frame = model.frames[position]
    size = look.frames[frame]
    shown = _counts(look.matched.features[frame].keypoints[:, :2], size.width, size.height)
    bare = shown <= 0.05 * shown.mean()
    if bare.sum() < LEAST_TILES:
        return np.zeros((ROWS, COLUMNS), bool)
    expected = _counts(_expected(look, model, position), size.width, size.height)
    for part in _parts(bare):
        crowded = part & (expected >= POINTS_PER_TILE)
        if crowded.sum() >= max(LEAST_TILES, PART_CROWDED * part.sum()):
            return part
    return np.zeros((ROWS, COLUMNS), bool)


def _expected(look: Look, model: Model, position: int) -> NDArray[np.float64]:
    """Where the frame would show the points that cameras near by see, [M, 2] pixels, distortion left out."""
    axes, centres = model.cam_from_world[:, 2, :3], model.centres
    alike = np.flatnonzero(axes @ axes[position] > MOST_TURNED)
    alike = alike[alike != position]
    distance = np.linalg.norm(centres[alike] - centres[position], axis=1)
    near = alike[np.argsort(distance, kind="stable")[:BESIDE]]
    if not len(near):
        return np.zeros((0, 2))
    rows, views = np.unique(np.concatenate([model.seen[k] for k in near]), return_counts=True)
    points = model.points[rows[views >= 2]]
    pose = model.cam_from_world[position]
    in_cam = points @ pose[:3, :3].T + pose[:3, 3]
    in_cam = in_cam[in_cam[:, 2] > 0]
    camera = look.camera(model.frames[position])
    focal, x, y = camera.mean_focal_length(), camera.principal_point_x, camera.principal_point_y
    return np.asarray(in_cam[:, :2] / in_cam[:, 2:] * focal + (x, y), np.float64)


def _counts(at: NDArray[np.floating], width: int, height: int) -> NDArray[np.int64]:
    """How many of the places [N, 2] lie in each tile."""
    column, row = at[:, 0] * COLUMNS / width, at[:, 1] * ROWS / height
    inside = (column >= 0) & (column < COLUMNS) & (row >= 0) & (row < ROWS)
    index = row[inside].astype(np.int64) * COLUMNS + column[inside].astype(np.int64)
    return np.bincount(index, minlength=ROWS * COLUMNS).reshape(ROWS, COLUMNS)


def _near(tiles: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The tiles and those beside them."""
    padded = np.pad(tiles, 1)
    return padded[1:-1, 1:-1] | padded[:-2, 1:-1] | padded[2:, 1:-1] | padded[1:-1, :-2] | padded[1:-1, 2:]


def _parts(tiles: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
    """The tiles in parts that hang together and touch an edge of the photo, the largest first."""
    rest, parts = tiles.copy(), []
    while rest.any():
        part = np.zeros_like(tiles)
        part[tuple(np.argwhere(rest)[0])] = True
        while True:
            grown = _near(part) & rest
            if (grown == part).all():
                break
            part = grown
        rest &= ~part
        if part[[0, -1]].any() or part[:, [0, -1]].any():
            parts.append(part)
    return sorted(parts, key=lambda p: -int(p.sum()))


def _usual_corner(tiles: list[NDArray[np.bool_]]) -> str:
    return _corner(np.mean(tiles, axis=0) > 0.5) or _corner(tiles[0])


def _corner(tiles: NDArray[np.bool_]) -> str:
    """Which side or corner of the photo the tiles fill, in words."""
    rows, columns = np.nonzero(tiles)
    if not len(rows):
        return ""
    y, x = (rows.mean() + 0.5) / ROWS, (columns.mean() + 0.5) / COLUMNS
    vertical = "bottom" if y > 0.6 else "top" if y < 0.4 else ""
    horizontal = "right" if x > 0.6 else "left" if x < 0.4 else ""
    return " ".join(w for w in (vertical, horizontal) if w) or "edge"
