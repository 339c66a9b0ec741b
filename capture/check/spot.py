"""Captures without depth: turned on the spot, or taken again and again from one place."""

from __future__ import annotations

import numpy as np

from setpiece.capture.check.finding import Finding, finding
from setpiece.capture.check.look import Look
from setpiece.capture.ladder import MOSTLY_TURNED

ALIKE = 0.02  # of the longer side: how far features move between linked photos; others move by 0.05 and more
LOW_PARALLAX_DEG = 3.0
WALK = "walk around the place, one step aside for each photo, two thirds of the last photo still in view."


def moved(look: Look) -> float:
    """The median over the linked pairs of how far features move, of the longer side."""
    way = []
    for (i, j), geometry in look.matched.geometries.items():
        rows = np.asarray(geometry.inlier_matches)
        first = look.matched.features[i].keypoints[rows[:, 0], :2] / max(
            look.frames[i].width, look.frames[i].height
        )
        second = look.matched.features[j].keypoints[rows[:, 1], :2] / max(
            look.frames[j].width, look.frames[j].height
        )
        way.append(float(np.median(np.linalg.norm(first - second, axis=1))))
    return float(np.median(way)) if way else 0.0


def spot(look: Look) -> list[Finding]:
    """What is to be said of a capture that shows no depth."""
    everything = range(len(look.frames))
    if not look.matched.geometries:
        return []
    model = look.model
    parallax = model.parallax_deg() if model else None
    if moved(look) < ALIKE and look.turned > MOSTLY_TURNED:
        text = f"All photos are nearly the same picture, from one place: they show no depth. Instead, {WALK}"
        return [finding("alike", text, look.frames, everything)]
    if look.turned > MOSTLY_TURNED:
        text = f"The photos were taken by turning on the spot, which shows no depth. Reshoot all: {WALK}"
        return [finding("turning", text, look.frames, everything)]
    if parallax is not None and parallax < LOW_PARALLAX_DEG:
        text = (
            f"The photos are from nearly one place (rays to a point differ by {parallax:.1f} degrees): "
            f"depth will be uncertain. Take more: {WALK}"
        )
        return [finding("parallax", text, look.frames, everything, share=0.9)]
    return []
