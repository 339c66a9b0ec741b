"""What sources say of the scale, and what they say together.

A scale is metres per unit of COLMAP's world (`metres_per_unit`), which a change of the set's size leaves
as it is. Errors are relative, one standard deviation. Scales multiply, so they are averaged as logarithms.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

CONTRADICTION = 3.0  # standard deviations between two sources


@dataclass(frozen=True)
class ScaleEstimate:
    """What one source says."""

    source: str  # "printed marker", "measured distance", "GPS", "app poses" or "camera height"
    metres_per_unit: float
    error: float
    detail: str  # a few plain words: of what, in how many photos
    marker_mm: float | None = None  # of a marker: the side that its black square was taken to have

    def to_json(self) -> dict[str, Any]:
        """A JSON object with the field names of this class."""
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class Scale:
    """What all sources say together."""

    metres_per_unit: float
    error: float
    estimates: tuple[ScaleEstimate, ...]  # the most exact first
    contradictions: tuple[str, ...]  # plain sentences

    @property
    def source(self) -> str:
        """The sources, the most exact first: "printed marker and GPS"."""
        names = list(dict.fromkeys(e.source for e in self.estimates))
        return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def combined(estimates: Sequence[ScaleEstimate]) -> Scale | None:
    """The mean of the logarithms, weighted by inverse variance; None without estimates.

    Where sources scatter more than their errors allow, the error grows by the Birge ratio (Birge 1932): the
    root of chi square per degree of freedom.
    """
    if not estimates:
        return None
    ordered = sorted(estimates, key=lambda e: e.error)
    weights = [1 / e.error**2 for e in ordered]
    total = sum(weights)
    mean = sum(w * math.log(e.metres_per_unit) for w, e in zip(weights, ordered, strict=True)) / total
    chi = sum(w * (math.log(e.metres_per_unit) - mean) ** 2 for w, e in zip(weights, ordered, strict=True))
    birge = math.sqrt(max(1.0, chi / (len(ordered) - 1))) if len(ordered) > 1 else 1.0
    return Scale(math.exp(mean), birge / math.sqrt(total), tuple(ordered), _contradictions(ordered))


def percent(error: float) -> str:
    """A relative error as people read it: "0.3 %"."""
    value = 100 * error
    return f"{value:.1f} %" if value < 9.95 else f"{value:.0f} %"


def _contradictions(estimates: Sequence[ScaleEstimate]) -> tuple[str, ...]:
    found = []
    for a, b in combinations(estimates, 2):
        apart = abs(math.log(a.metres_per_unit / b.metres_per_unit))
        sigmas = apart / math.hypot(a.error, b.error)
        if sigmas > CONTRADICTION:
            larger, smaller = (a, b) if a.metres_per_unit > b.metres_per_unit else (b, a)
            found.append(
                f"{_named(larger)} makes the place {percent(math.exp(apart) - 1)} larger than "
                f"{_named(smaller)} does, {sigmas:.0f} times what their errors allow: one of them is wrong."
            )
    return tuple(found)


def _named(estimate: ScaleEstimate) -> str:
    return f"the {estimate.source} ({estimate.detail})"
