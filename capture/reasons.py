"""Why photos have no pose, in plain words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from setpiece.capture.features import Features
from setpiece.capture.frames import CapturedFrame, LeftOut
from setpiece.capture.matching import Pair
from setpiece.capture.stations import Stations

FEW_FEATURES = 60
BLURRED = 0.6  # of the median sharpness


def why_left_out(
    frames: Sequence[CapturedFrame],
    features: Sequence[Features],
    geometries: Mapping[Pair, Any],
    models: Sequence[set[int]],
) -> list[LeftOut]:
    """The reason for each photo or panorama that is not in `models[0]`; models are sets of frame numbers."""
    stations = Stations.of_frames(frames)
    name = stations.names(frames)
    apart = [{stations.of[i] for i in model} for model in models]
    used = apart[0] if apart else set()
    partners: dict[int, dict[int, int]] = {i: {} for i in range(stations.count)}
    for (a, b), geometry in geometries.items():
        i, j = stations.of[a], stations.of[b]
        partners[i][j] = partners[j][i] = partners[i].get(j, 0) + len(geometry.inlier_matches)
    usual = float(np.median([f.sharpness for f in frames]))
    left_out = []
    for i, members in enumerate(stations.members):
        if i in used:
            continue
        frame, found = frames[members[0]], sum(features[m].count for m in members)
        other = next((m for m in apart[1:] if i in m), None)
        inside = {j: n for j, n in partners[i].items() if j in used}
        if other is not None:
            names = _names([name[j] for j in sorted(other) if j != i])
            reason = f"it fits only with a separate group of {len(other)} photos ({names})"
        elif frame.sharpness < BLURRED * usual:
            reason = f"it is blurred (sharpness {frame.sharpness:.2f}, usual {usual:.2f})"
        elif found < FEW_FEATURES:
            reason = f"it shows too little detail ({found} features)"
        elif not partners[i]:
            reason = "it matches no other photo"
        elif not inside:
            names = _names([name[j] for j in sorted(partners[i])])
            reason = f"it matches only photos that are left out as well ({names})"
        else:
            best = max(inside, key=lambda j: inside[j])
            reason = (
                f"it matches {len(inside)} of the placed photos, too weakly to place it "
                f"(best {name[best]} with {inside[best]} points)"
            )
        left_out.append(LeftOut(name[i], reason))
    return left_out


def _names(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
