"""Things that look alike and are not the same: photos whose links contradict each other."""

from __future__ import annotations

from setpiece.capture.check.finding import Finding, finding, named
from setpiece.capture.check.look import Look
from setpiece.capture.consistency import Agreement, agreement
from setpiece.capture.reconstruction import scene_of

SHARE = 0.88  # of the matches that agree with one set of cameras; four good captures have 0.92 to 1
AGAINST = 0.05  # of the matches are in pairs that contradict the cameras


def agreement_of(look: Look) -> Agreement | None:
    """How the matches agree with the cameras that were found; None where none were."""
    if look.found.largest is None:
        return None
    keypoints = [f.keypoints for f in look.matched.features]
    return agreement(scene_of(look.found.largest), keypoints, look.matched.geometries)


def likeness(look: Look, agreed: Agreement | None) -> list[Finding]:
    """What is to be said of photos that do not fit together."""
    if agreed is None or not agreed.pairs:
        return []
    against = agreed.contradicted
    matches = sum(p.matches for p in agreed.pairs)
    weight = sum(p.matches for p in against) / max(matches, 1)
    if weight < AGAINST and agreed.share >= SHARE:
        return []
    frames = look.frames
    if not against:
        text = (
            f"The photos do not fit together in one place: only {agreed.share:.0%} of what they have in "
            "common agrees. Take more photos, closer to each other, from more sides."
        )
        return [finding("misfit", text, frames, look.placed, share=1 - agreed.share)]
    i, j = against[0].pair
    concerned = {k for p in against for k in p.pair}
    text = (
        f"These photos do not fit together: {named(frames, concerned)}. "
        f"{frames[i].source} and {frames[j].source} look alike in {against[0].matches} points, yet others "
        "say that they show different places, as windows or doors do that repeat. Reshoot so that each photo "
        "also shows something that is there only once: step back, look along the front, or put a marker "
        "beside each."
    )
    return [finding("repeated", text, frames, concerned, share=max(weight, 1 - agreed.share))]
