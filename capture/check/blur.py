"""Blurred photos, and runs of them."""

from __future__ import annotations

import numpy as np

from setpiece.capture.check.finding import Finding, counted, finding, named, runs
from setpiece.capture.check.look import Look

# Of the sharpness of the photos around: good captures stay above 0.94, a smear of 1 % of the width has 0.63.
BLURRED = 0.8
ALL_BLURRED = 0.45  # sharpness (sharpness.py); of six good captures the usual photo has 0.62 to 0.72
AROUND = 8  # photos before and after that a photo is compared with
RUN = 3  # blurred photos one after the other
MANY = 0.1  # of the photos


def blurred_frames(look: Look) -> set[int]:
    """The frames that are clearly less sharp than those around them and than most."""
    values = np.array([f.sharpness for f in look.frames])
    usual = float(np.median(values))
    found = set()
    for i, value in enumerate(values):
        if look.frames[i].rig:  # views of a panorama differ by what they show: floor, walls, ceiling
            continue
        near = values[max(0, i - AROUND) : i + AROUND + 1]
        if value < BLURRED * min(usual, float(np.quantile(near, 0.75))):
            found.add(i)
    return found


def blur(look: Look) -> list[Finding]:
    """What is to be said of blurred photos."""
    frames = look.frames
    usual = float(np.median([f.sharpness for f in frames]))
    if usual < ALL_BLURRED:
        text = (
            f"Nearly all photos are blurred (sharpness {usual:.2f}; sharp photos have 0.6 and more): "
            "take them again with more light, a clean lens, and standing still for each."
        )
        return [finding("blur", text, frames, range(len(frames)))]
    blurred = blurred_frames(look)
    if not blurred:
        return []
    lost = blurred - look.placed
    longest = max(last - first + 1 for first, last in runs(blurred, bridging=1))
    again = bool(lost) or longest >= RUN or len(blurred) > MANY * len(frames)
    verb = "is" if len(blurred) == 1 else "are"
    who = named(frames, blurred)
    if lost == blurred:
        text = (
            f"{who} {verb} blurred and {'links' if len(blurred) == 1 else 'link'} to nothing: reshoot there. "
        )
    elif again:
        part = f" and {counted(len(lost))} of them link to nothing" if lost else ""
        text = f"{who} {verb} blurred{part}: take {counted(len(blurred))} again from the same places. "
    else:
        text = f"{who} {verb} blurred; the photos beside show the same, so it can be left away. "
    text += "Stand still for each photo, and find more light." if again else ""
    return [finding("blur", text.strip(), frames, blurred, reshoot=again)]
