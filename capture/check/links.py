"""Where the photos do not hang together: islands, gaps, strays."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from setpiece.capture.check.blur import blurred_frames
from setpiece.capture.check.finding import Finding, counted, finding, named, runs
from setpiece.capture.check.look import Look
from setpiece.capture.connected import connected
from setpiece.capture.model import Model
from setpiece.capture.reasons import why_left_out

ISLAND = 3  # photos that hang together apart from the others
WIDE_DEG = 24.0  # between the nearest views on both sides of a gap; good captures stay below 20
WIDER = 2.5  # times the usual step from view to view
OTHER_COLOURS = 0.5  # share of colours that two places have in common is below, views of one place above
NEAR = 40  # cameras around each that it may share views with
_FEWEST_SHARED = 8  # points


@dataclass(frozen=True)
class Gap:
    """The nearest two views on both sides of a gap that is still bridged."""

    first: int
    second: int
    step_deg: float  # between the rays to what both show
    smaller: frozenset[int]  # the frames of the side that has fewer


def links(look: Look) -> list[Finding]:
    """What is to be said of how the photos hang together."""
    if not look.placed:
        return _nothing_holds(look)
    return [*_islands(look), *_gaps(look)]


def strays(look: Look, explained: Collection[int]) -> list[Finding]:
    """What is to be said of the photos that no other finding explains, and that have no place."""
    lost = set(range(len(look.frames))) - look.placed
    rest = lost - set(explained)
    if not look.placed or not rest:
        return []
    models = look.found.models
    reasons = why_left_out(look.frames, look.matched.features, look.matched.geometries, models)
    said = {r.name: r.reason for r in reasons}
    one = min(rest)
    again = len(rest) > max(1, 0.05 * len(look.frames))
    verb = "has" if len(rest) == 1 else "have"
    text = (
        f"{named(look.frames, rest)} {verb} no place among the others "
        f"({look.frames[one].source}: {said[look.frames[one].name]})"
    )
    text += ": take photos between there and the others." if again else "; the set does without."
    return [finding("unlinked", text, look.frames, rest, reshoot=again)]


def _nothing_holds(look: Look) -> list[Finding]:
    text = "Hardly any photos overlap: walk slowly, two thirds of the last photo still in view."
    return [finding("unlinked", text, look.frames, range(len(look.frames)))]


def islands(look: Look) -> list[set[int]]:
    """Groups of at least ISLAND frames that hang together, and not with those that are placed."""
    lost = set(range(len(look.frames))) - look.placed
    together = [(i, j) for m in look.found.models[1:] for i in m for j in m if i < j]
    pairs = [*look.matched.geometries, *together]
    return [g for g in connected(pairs, lost) if len(g) >= ISLAND]


def _islands(look: Look) -> list[Finding]:
    found, blurred = [], blurred_frames(look)
    for group in islands(look):
        if len(group & blurred) > 0.5 * len(group):
            continue  # said already, with the reason
        elsewhere = common_colours(look, group, look.placed) < OTHER_COLOURS
        if elsewhere:
            text = (
                f"{named(look.frames, group)} ({counted(len(group))}) show another place than the others: "
                "make a set of each, or take photos all the way from one to the other."
            )
        else:
            text = (
                f"Nothing links {named(look.frames, group)} ({counted(len(group))}) to the other photos: "
                + (_way_across(look, group))
            )
        found.append(finding("places" if elsewhere else "gap", text, look.frames, group))
    return found


def _way_across(look: Look, group: set[int]) -> str:
    """Where to stand, from the order in which the photos were taken."""
    for first, last in runs(group, bridging=1):
        before = max((i for i in look.placed if i < first), default=None)
        after = min((i for i in look.placed if i > last), default=None)
        if before is not None:
            return _from_to(look, before, first)
        if after is not None:
            return _from_to(look, last, after)
    return "take photos all the way between."


def _from_to(look: Look, first: int, second: int) -> str:
    return (
        f"stand where {look.frames[first].source} was taken, and take a photo at every step "
        f"until where {look.frames[second].source} was taken."
    )


def common_colours(look: Look, first: Collection[int], second: Collection[int]) -> float:
    """The share of colours that two groups of photos have in common, 0 to 1."""
    return float(np.minimum(_colours(look, first), _colours(look, second)).sum())


def _colours(look: Look, group: Collection[int]) -> NDArray[np.float64]:
    """How often each of 512 colours is in the photos, in shares."""
    total = np.zeros(512)
    for i in group:
        cells = look.pictures[i].reshape(-1, 3) >> 5
        index = (cells[:, 0].astype(np.int64) << 6) | (cells[:, 1].astype(np.int64) << 3) | cells[:, 2]
        total += np.bincount(index, minlength=512) / len(index)
    return total / max(len(group), 1)


def _gaps(look: Look) -> list[Finding]:
    found = []
    for gap in gaps(look):
        step = f"{gap.step_deg:.0f} degrees"
        first, second = sorted((gap.first, gap.second))
        text = (
            f"Between {look.frames[first].source} and {look.frames[second].source} the view jumps by {step}, "
            f"and nothing was taken in between: {_from_to(look, first, second)}"
        )
        found.append(
            finding("gap", text, look.frames, (first, second), share=len(gap.smaller) / len(look.frames))
        )
    return found


def gaps(look: Look) -> list[Gap]:
    """The wide steps that alone hold parts of the placed photos together, the widest first."""
    model = look.model
    if model is None or len(model.frames) < 2 * ISLAND:
        return []
    steps = []
    for a, b in _near_pairs(model):
        if (angle := step_deg(model, a, b)) is not None:
            steps.append((angle, model.frames[a], model.frames[b]))
    # Kruskal's minimum spanning tree: what joins two parts last is the nearest that they come to each other
    part = {i: {i} for i in model.frames}
    joined, taken = [], []
    for angle, i, j in sorted(steps):
        if part[i] is part[j]:
            continue
        smaller, larger = sorted((part[i], part[j]), key=len)
        taken.append(angle)
        joined.append(Gap(i, j, angle, frozenset(smaller)))
        larger |= smaller
        for k in smaller:
            part[k] = larger
    usual = float(np.median(taken)) if taken else 0.0
    wide = [g for g in joined if g.step_deg > max(WIDE_DEG, WIDER * usual) and len(g.smaller) >= ISLAND]
    return sorted(wide, key=lambda g: -g.step_deg)


def _near_pairs(model: Model) -> list[tuple[int, int]]:
    """Pairs of positions in the model: of each camera with the NEAR others that stand nearest."""
    centres = model.centres
    pairs = set()
    for a in range(len(centres)):
        distance = np.linalg.norm(centres - centres[a], axis=1)
        pairs |= {(min(a, int(b)), max(a, int(b))) for b in np.argsort(distance, kind="stable")[1 : NEAR + 1]}
    return sorted(pairs)


def step_deg(model: Model, first: int, second: int) -> float | None:
    """The median angle between the rays of two cameras (positions) to the points that both see."""
    shared = np.intersect1d(model.seen[first], model.seen[second], assume_unique=True)
    if len(shared) < _FEWEST_SHARED:
        return None
    rays = [model.points[shared] - model.centres[k] for k in (first, second)]
    rays = [r / np.linalg.norm(r, axis=1, keepdims=True) for r in rays]
    return float(np.degrees(np.median(np.arccos(np.clip((rays[0] * rays[1]).sum(axis=1), -1, 1)))))
