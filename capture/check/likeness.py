"""Things that look alike and are not the same: photos whose links contradict each other."""

from __future__ import annotations

from setpiece.capture import tearing
from setpiece.capture.check.blur import blurred_frames
from setpiece.capture.check.finding import Finding, finding, named
from setpiece.capture.check.look import Look
from setpiece.capture.consistency import Agreement
from setpiece.capture.glued import optics_of, places


def agreement_of(look: Look) -> Agreement | None:
    """How the matches agree with the cameras that were found; None where none were."""
    if look.found.largest is None:
        return None
    return tearing.agreement_of(look.found)


def double(look: Look) -> list[Finding]:
    """What is to be said of two places that look alike and were taken for one."""
    model = look.model
    if model is None or any(f.rig for f in look.frames):
        return []
    blurred = blurred_frames(look)
    unjudged = {position for position, frame in enumerate(model.frames) if frame in blurred}
    groups = places(model, optics_of(look.found.largest, model.frames), unjudged)
    if len(groups) < 2:
        return []
    numbers = [{model.frames[p] for p in g} for g in groups]
    text = (
        "These photos show places that look alike and are not the same: "
        + "; ".join(named(look.frames, g) for g in numbers)
        + ". What one of them shows is missing in the others from the same spot. Make a set of each."
    )
    return [finding("double", text, look.frames, set().union(*numbers[1:]), share=0.9)]


def likeness(look: Look, agreed: Agreement | None) -> list[Finding]:
    """What is to be said of photos that do not fit together."""
    if agreed is None or not agreed.pairs:
        return []
    against, weight = agreed.contradicted, tearing.against(agreed)
    if weight <= tearing.AGAINST and agreed.share >= tearing.DOUBTFUL:
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
