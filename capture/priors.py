"""Starting from poses that came with the photos instead of from nothing.

They are a little off: phones drift by centimetres and a degree. Matches are triangulated onto them with much
patience at first, and everything is adjusted, twice; what comes out is refined like what mapping finds.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from setpiece.capture.colmap import Lens
from setpiece.capture.frames import CapturedFrame
from setpiece.capture.matched import Matched
from setpiece.capture.refine import triangulate_roughly
from setpiece.capture.scene import Free, Matches, Scene, triangulated
from setpiece.capture.skeleton import UNKNOWN_FOCAL

PATIENCE_PX = 40.0, 10.0  # at 1600 pixels; how far features may lie from where the given poses see them
FEWEST_EXPLAINED = 0.6  # of the verified matches that the poses must agree with
_REFERENCE_SIDE = 1600
_ITERATIONS, _ENOUGH = 20, 1e-3
_FREE: Free = (True, False, False, True, False)


def have_priors(frames: Sequence[CapturedFrame]) -> bool:
    """Whether every frame came with a pose."""
    return all(f.prior is not None and f.rig is None for f in frames)


def scene_of_priors(
    frames: Sequence[CapturedFrame],
    lenses: Sequence[Lens],
    lens_of: Sequence[int],
    matched: Matched,
    threads: int,
) -> Scene | None:
    """The cameras that came with the frames, brought near to what the matches say; without points.

    None where they do not agree with the photos.
    """
    used = sorted(set(lens_of))
    row = {number: i for i, number in enumerate(used)}
    none = np.zeros(0, np.int32)
    keypoints = [f.keypoints for f in matched.features]
    numbers = list(range(len(frames)))
    scene = Scene(
        frames=numbers,
        poses=np.array([f.prior.cam_from_world for f in frames if f.prior], np.float64),
        lens_of=np.array([row[n] for n in lens_of], np.int32),
        lenses=np.array([_optics(lenses[n], _of_lens(frames, lens_of, n)) for n in used]),
        points=np.zeros((0, 3)),
        frame=none,
        point=none,
        feature=none,
        xy=np.zeros((0, 2)),
    )
    matches = Matches.of(numbers, keypoints, matched.geometries)
    if not len(matches.pairs):
        return None
    side = max(max(f.width, f.height) for f in frames) / _REFERENCE_SIDE
    for patience in PATIENCE_PX:
        scene = triangulated(scene, matches, patience * side, threads)
        if not len(scene.points):
            return None
        scene, _ = scene.adjusted(_FREE, _ITERATIONS, _ENOUGH, threads)
    checked = triangulate_roughly(scene, matches, threads)
    return checked if explained(checked, matches) >= FEWEST_EXPLAINED else None


def explained(scene: Scene, matches: Matches) -> float:
    """The share of the matches whose features both see one point of the scene."""
    point = np.full(len(matches.xy), -1, np.int64)
    point[matches.starts[scene.frame] + scene.feature] = scene.point
    first, second = point[matches.pairs[:, 0]], point[matches.pairs[:, 1]]
    return float(((first >= 0) & (first == second)).mean())


def _of_lens(frames: Sequence[CapturedFrame], lens_of: Sequence[int], number: int) -> list[CapturedFrame]:
    return [f for f, n in zip(frames, lens_of, strict=True) if n == number]


def _optics(lens: Lens, frames: Sequence[CapturedFrame]) -> list[float]:
    """Focal length, centre in the middle, and distortion: what came with the frames, else what is known."""
    given = [f.prior.optics for f in frames if f.prior and f.prior.optics]
    if given:
        focal, centre_x, centre_y, k1, _ = np.median(np.array(given), axis=0)
        return [float(focal), float(centre_x), float(centre_y), float(k1), 0.0]
    focal = lens.focal_px or UNKNOWN_FOCAL * max(lens.width, lens.height)
    return [focal, lens.width / 2, lens.height / 2, 0.0, 0.0]
