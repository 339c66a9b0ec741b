"""Wrong geometry: what was placed is doubted before anyone trains on it.

A reconstruction that glues two places together, or folds one, has small errors all the same. Two tests know
more: what every verified match says (`consistency.py`), and what is missing where it should be seen
(`glued.py`). Places that were glued are torn apart and placed again, each for itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from setpiece.capture import two_view
from setpiece.capture.attempt import Attempt, attempt
from setpiece.capture.consistency import Agreement, agreement
from setpiece.capture.glued import optics_of, places
from setpiece.capture.job import Job
from setpiece.capture.lenses import lenses_of
from setpiece.capture.mapping import Method
from setpiece.capture.matched import Matched
from setpiece.capture.mirrored import mirrored_frames
from setpiece.capture.model import Model
from setpiece.capture.reconstruction import scene_of
from setpiece.errors import PoseError

BLURRED = 0.8  # of the usual sharpness: shows less than others without being elsewhere
DOUBTFUL = 0.88  # of the matches agree; four good captures have 0.92 to 1, wrong ones 0.59 to 0.83
AGAINST = 0.05  # of the matches are in pairs that contradict the cameras; none in the good captures
WRONG, MUCH_AGAINST = 0.7, 0.15  # a set from such poses would be worse than none
KEPT = 0.8  # of a place's frames must be placed again
BETTER = 0.05  # of the matches, by which another method must agree more
SUSPICIOUS = 3  # pairs that contradict the cameras, few as their matches may be; good captures have none
MOST_NAMED = 8
ONCE = (
    "Take photos that also show something that is there only once: step back, look along the front, "
    "or put a marker beside each thing that repeats."
)


@dataclass(frozen=True)
class Doubted:
    """An attempt that was put to the tests."""

    attempt: Attempt
    share: float | None  # of the verified matches that agree with the cameras; None where nothing was placed
    torn: frozenset[int]  # frames of places that were torn off
    warnings: tuple[str, ...]


def doubted(job: Job, found: Attempt) -> Doubted:
    """The attempt, torn apart or made again where it is wrong, and what must be said.

    Raises PoseError where most of the links contradict each other.
    """
    if found.largest is None:
        return Doubted(found, None, frozenset(), ())
    found, torn, warnings = _torn_apart(job, found)
    agreed = agreement_of(found)
    if len(agreed.contradicted) >= SUSPICIOUS and two_view.AVAILABLE:
        found, odd = _without_mirrored(job, found)
        if odd:
            torn |= odd
            warnings.append(f"these photos are mirrored and not used: {_named(job, odd)}. Flip them back.")
            agreed = agreement_of(found)
    if _doubtful(agreed) and not agreed.contradicted:
        found, agreed = _again(job, found, agreed)
    if _doubtful(agreed):
        warnings.append(_contradiction(job, found, agreed))
    return Doubted(found, round(agreed.share, 4), frozenset(torn), tuple(warnings))


def agreement_of(found: Attempt) -> Agreement:
    """How the verified matches agree with the cameras of an attempt that placed some."""
    keypoints = [f.keypoints for f in found.matched.features]
    return agreement(scene_of(found.largest), keypoints, found.matched.geometries)


def against(agreed: Agreement) -> float:
    """The share of the matches that are in pairs which contradict the cameras."""
    total = sum(p.matches for p in agreed.pairs)
    return sum(p.matches for p in agreed.contradicted) / total if total else 0.0


def _doubtful(agreed: Agreement) -> bool:
    return agreed.share < DOUBTFUL or against(agreed) > AGAINST


def _torn_apart(job: Job, found: Attempt) -> tuple[Attempt, set[int], list[str]]:
    frames = job.frames
    model = found.model or Model.of(found.largest)
    if any(frames[n].rig for n in model.frames):
        return found, set(), []
    usual = float(np.median([frames[n].sharpness for n in model.frames]))
    blurred = {k for k, n in enumerate(model.frames) if frames[n].sharpness < BLURRED * usual}
    groups = [
        {model.frames[k] for k in g} for g in places(model, optics_of(found.largest, model.frames), blurred)
    ]
    if len(groups) < 2:
        return found, set(), []
    job.progress.line("photos of places that look alike were taken for one; placing each for itself")
    group_of = {n: k for k, group in enumerate(groups) for n in group}
    kept = {
        (i, j): g
        for (i, j), g in found.matched.geometries.items()
        if i not in group_of or j not in group_of or group_of[i] == group_of[j]
    }
    lenses, lens_of = lenses_of(frames)
    again = attempt(job, lenses, lens_of, _with(found.matched, kept), Method.SKELETON)
    others = set().union(*groups[1:])
    named = "; ".join(_named(job, g) for g in groups)
    if again.placed < KEPT * len(groups[0]) or (again.models[0] & others and again.models[0] & groups[0]):
        text = f"these photos do not fit together, they show places that look alike: {named}. {ONCE}"
        return found, set(), [text]
    used = next(k for k, g in enumerate(groups) if g & again.models[0])
    torn = set().union(*(g for k, g in enumerate(groups) if k != used))
    text = (
        f"these photos do not fit together, they show places that look alike and are not the same: {named}. "
        f"The set is made of {_named(job, groups[used])} alone; make another set from the others."
    )
    return again, torn, [text]


def _without_mirrored(job: Job, found: Attempt) -> tuple[Attempt, set[int]]:
    """The attempt made again without mirrored photos, and these."""
    if any(f.rig for f in job.frames):
        return found, set()
    matched = found.matched
    links = {pair: len(g.inlier_matches) for pair, g in matched.geometries.items()}
    odd = mirrored_frames(matched.features, [f.width for f in job.frames], links, job.threads)
    if not odd:
        return found, set()
    kept = {(i, j): g for (i, j), g in matched.geometries.items() if not {i, j} & odd}
    lenses, lens_of = lenses_of(job.frames)
    again = attempt(job, lenses, lens_of, _with(matched, kept), Method.SKELETON)
    return (again, odd) if again.placed >= KEPT * (found.placed - len(odd)) else (found, set())


def _again(job: Job, found: Attempt, agreed: Agreement) -> tuple[Attempt, Agreement]:
    """What COLMAP's incremental mapper makes of the matches, where that agrees clearly better."""
    job.progress.line(
        "the cameras contradict what the photos have in common; trying another way to place them"
    )
    lenses, lens_of = lenses_of(job.frames)
    other = attempt(job, lenses, lens_of, found.matched, Method.INCREMENTAL)
    if other.largest is None or other.placed < KEPT * found.placed:
        return found, agreed
    better = agreement_of(other)
    return (other, better) if better.share > agreed.share + BETTER else (found, agreed)


def _contradiction(job: Job, found: Attempt, agreed: Agreement) -> str:
    pairs = agreed.contradicted
    if not pairs:
        return (
            "the poses are doubtful: only "
            f"{agreed.share:.0%} of what the photos have in common agrees with them. "
            "Take more photos, closer to each other, and build again."
        )
    i, j = (job.frames[k].name for k in pairs[0].pair)
    named = _named(job, {k for p in pairs for k in p.pair})
    text = (
        f"these photos do not fit together: {named}. {i} and {j} look alike in {pairs[0].matches} points, "
        f"yet others say that they show different places. {ONCE}"
    )
    if agreed.share < WRONG and against(agreed) > MUCH_AGAINST:
        raise PoseError(text)
    return text


def _named(job: Job, numbers: set[int]) -> str:
    names = [job.frames[n].name for n in sorted(numbers)]
    shown = names if len(names) <= MOST_NAMED else [*names[:3], "...", names[-1]]
    return ", ".join(shown) + (f" ({len(names)} photos)" if len(names) > MOST_NAMED else "")


def _with(matched: Matched, geometries: dict[tuple[int, int], object]) -> Matched:
    work = matched.work / "apart"
    work.mkdir(exist_ok=True)
    return replace(matched, geometries=geometries, work=work)
