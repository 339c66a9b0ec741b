"""Movement that a rolling shutter bends.

Phones read a picture line by line. What moves across it meanwhile leans, and no pose is true for all lines.
How long reading takes no file says; READOUT_S is usual for phones' video.
"""

from __future__ import annotations

import numpy as np

from setpiece.capture.check.finding import Finding, finding, named
from setpiece.capture.check.look import Look

READOUT_S = 0.02  # for all lines of a frame; phones take 0.008 to 0.03
LEANS = 0.008  # of the longer side in that time; below, poses hardly suffer
LONGEST_S = 2.0  # between frames whose distance tells the speed of the camera


def leanings(look: Look) -> dict[int, float]:
    """How far things lean in frames of clips, of the longer side, by the movement to the next frame."""
    found = {}
    for (i, j), geometry in look.matched.geometries.items():
        first, second = look.frames[i], look.frames[j]
        if j != i + 1 or first.clip is None or first.clip != second.clip:
            continue
        if first.clip_time_s is None or second.clip_time_s is None:
            continue
        seconds = second.clip_time_s - first.clip_time_s
        if not 0 < seconds <= LONGEST_S:
            continue
        rows = np.asarray(geometry.inlier_matches)
        a = look.matched.features[i].keypoints[rows[:, 0], :2]
        b = look.matched.features[j].keypoints[rows[:, 1], :2]
        way = float(np.median(np.linalg.norm(b - a, axis=1))) / max(first.width, first.height)
        found[i] = way / seconds * READOUT_S
    return found


def shutter(look: Look) -> list[Finding]:
    """What is to be said of a camera that moved too fast."""
    bent = {i: share for i, share in leanings(look).items() if share > LEANS}
    if not bent:
        return []
    most = max(bent, key=lambda i: bent[i])
    pixels = bent[most] * max(look.frames[most].width, look.frames[most].height)
    text = (
        f"The camera moved fast at {named(look.frames, bent)}: with a usual rolling shutter, things lean "
        f"by up to {pixels:.0f} pixels there. Move slower."
    )
    return [finding("shutter", text, look.frames, bent, reshoot=False)]
