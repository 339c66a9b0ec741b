"""Jumps of exposure and white balance, and photos that are too dark or too bright."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from setpiece.capture.check.finding import Finding, finding, named
from setpiece.capture.check.light import Light
from setpiece.capture.check.look import Look

# Between photos that follow each other. A phone's automatic stays below 0.9 stops in four good captures.
JUMP_STOPS = 1.0
NOTED_STOPS, NOTED_WARMTH = 0.7, 0.5
CLIPPED = 0.35  # of a picture white or black
DARK = 0.06  # mean brightness
LOCK = "Hold the finger on the picture until exposure and focus are locked, then take all photos."


def exposure(look: Look, light: Light) -> list[Finding]:
    """What is to be said of the light in the photos."""
    return [*_jumps(look, light), *_lost(look, light)]


def _jumps(look: Look, light: Light) -> list[Finding]:
    frames = look.frames
    same = light.group[1:] == light.group[:-1]
    same &= np.array([a.source != b.source for a, b in pairwise(frames)], bool)  # views of one panorama
    stops = np.where(same, np.abs(np.diff(light.stops)), 0)
    warmth = np.where(same, np.abs(np.diff(light.warmth)), 0)
    if not len(stops) or (stops.max() < NOTED_STOPS and warmth.max() < NOTED_WARMTH):
        return []
    at = np.flatnonzero((stops >= JUMP_STOPS) if stops.max() >= JUMP_STOPS else (warmth >= NOTED_WARMTH))
    if not len(at):
        at = np.flatnonzero(stops >= NOTED_STOPS)
    worst = int(at[np.argmax(stops[at] + warmth[at])])
    where = f"between {frames[worst].source} and {frames[worst + 1].source}"
    if len(at) > 1:
        where += f" and at {len(at) - 1} other places"
    what = "white balance changes" if stops[worst] < NOTED_STOPS else "exposure jumps"
    size = (
        f"by {stops[worst]:.1f} stops"
        if stops[worst] >= NOTED_STOPS
        else f"by {warmth[worst]:.1f} stops of red to blue"
    )
    again = bool(stops.max() >= JUMP_STOPS)
    if again:
        darker = light.stops < (light.stops[worst] + light.stops[worst + 1]) / 2
        odd = darker if 2 * darker.sum() <= len(frames) else ~darker
        text = f"The {what} {size} {where}: reshoot {named(frames, np.flatnonzero(odd).tolist())}. {LOCK}"
        return [finding("exposure", text, frames, np.flatnonzero(odd).tolist())]
    text = f"The {what} {size} {where}; training evens that out. {LOCK}"
    return [finding("exposure", text, frames, [worst, worst + 1], reshoot=False)]


def _lost(look: Look, light: Light) -> list[Finding]:
    found, frames = [], look.frames
    dark = [i for i, f in enumerate(frames) if f.brightness < DARK]
    if dark:
        verb = "is" if len(dark) == 1 else "are"
        text = f"{named(frames, dark)} {verb} nearly black: reshoot with more light."
        found.append(finding("dark", text, frames, dark))
    clipped = [i for i in np.flatnonzero(light.clipped > CLIPPED).tolist() if i not in dark]
    if clipped:
        text = (
            f"{named(frames, clipped)} {'is' if len(clipped) == 1 else 'are'} mostly white or black "
            "without detail: reshoot with another exposure."
        )
        found.append(finding("clipped", text, frames, clipped))
    return found
