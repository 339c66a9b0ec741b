"""Why photos have no pose, in plain words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from setpiece.capture.features import Features
from setpiece.capture.frames import CapturedFrame, LeftOut
from setpiece.capture.matching import Pair

FEW_FEATURES = 60
BLURRED = 0.6  # of the median sharpness


def why_left_out(
    frames: Sequence[CapturedFrame],
    features: Sequence[Features],
    geometries: Mapping[Pair, Any],
    models: Sequence[set[int]],
) -> list[LeftOut]:
    """The reason for each frame that is not in `models[0]`; models are sets of frame numbers."""
    used = models[0] if models else set()
    partners: dict[int, dict[int, int]] = {i: {} for i in range(len(frames))}
    for (i, j), geometry in geometries.items():
        partners[i][j] = partners[j][i] = len(geometry.inlier_matches)
    usual = float(np.median([f.sharpness for f in frames]))
    left_out = []
    for i, frame in enumerate(frames):
        if i in used:
            continue
        other = next((m for m in models[1:] if i in m), None)
        inside = {j: n for j, n in partners[i].items() if j in used}
        if other is not None:
            names = _names([frames[j].name for j in sorted(other) if j != i])
            reason = f"it fits only with a separate group of {len(other)} photos ({names})"
        elif frame.sharpness < BLURRED * usual:
            reason = f"it is blurred (sharpness {frame.sharpness:.2f}, usual {usual:.2f})"
        elif features[i].count < FEW_FEATURES:
            reason = f"it shows too little detail ({features[i].count} features)"
        elif not partners[i]:
            reason = "it matches no other photo"
        elif not inside:
            names = _names([frames[j].name for j in sorted(partners[i])])
            reason = f"it matches only photos that are left out as well ({names})"
        else:
            best = max(inside, key=lambda j: inside[j])
            reason = (
                f"it matches {len(inside)} of the placed photos, too weakly to place it "
                f"(best {frames[best].name} with {inside[best]} points)"
            )
        left_out.append(LeftOut(frame.name, reason))
    return left_out


def _names(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
