"""Scale from poses of an app that are in metres: the similarity from the camera centres to the app's."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from setpiece.capture.align import similarity
from setpiece.capture.scale.estimates import ScaleEstimate
from setpiece.capture.scale.posed_photos import PosedPhoto

SOURCE = "app poses"
FEWEST = 4
TRACKING_ERROR = 0.01  # relative, of a phone's tracking, which its scatter does not show
WORST_FIT = 0.1  # of the extent of the way; centres that scatter more are of something else
_FAR = 4.0  # standard deviations


def scale_from_app(photos: Sequence[PosedPhoto]) -> tuple[ScaleEstimate | None, str | None]:
    """Metres per unit, and a warning where the poses do not fit; neither where no pose is in metres."""
    known = [p for p in photos if p.frame.prior is not None and p.frame.prior.metric]
    if len(known) < FEWEST:
        return None, None
    source = known[0].frame.prior.source if known[0].frame.prior else ""
    ours = np.array([p.centre for p in known])
    given = np.array([np.array(p.frame.prior.cam_from_world) for p in known if p.frame.prior])
    theirs = -np.einsum("nji,nj->ni", given[:, :, :3], given[:, :, 3])
    good = np.ones(len(known), bool)
    off = np.zeros(len(known))
    for _ in range(5):
        metric = similarity(ours[good], theirs[good])
        off = np.linalg.norm(ours @ metric[:3, :3].T + metric[:3, 3] - theirs, axis=1)
        limit = _FAR * 1.4826 * float(np.median(off)) + 1e-9
        good = off <= limit
    size = float(np.cbrt(np.linalg.det(metric[:3, :3])))
    spread = float(np.sqrt(((theirs[good] - theirs[good].mean(axis=0)) ** 2).sum()))
    rms = float(np.sqrt((off[good] ** 2).mean()))
    if good.sum() < max(FEWEST, len(known) / 2) or rms > WORST_FIT * spread / math.sqrt(good.sum()):
        return None, f"the places that {source} gives do not fit the photos; its scale is not used."
    error = math.hypot(rms / spread, TRACKING_ERROR)
    detail = f"{source}, {good.sum()} photos to {1000 * rms:.0f} mm"
    return ScaleEstimate(SOURCE, size, error, detail), None
