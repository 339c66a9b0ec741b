"""The check of a capture before anything costs time: what is wrong with it, the worst first."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass, field
from typing import Any

from setpiece.capture.check.blur import blur
from setpiece.capture.check.cover import cover
from setpiece.capture.check.exposure import exposure
from setpiece.capture.check.finding import Finding
from setpiece.capture.check.light import Light, light_of
from setpiece.capture.check.likeness import agreement_of, double, likeness
from setpiece.capture.check.links import links, strays
from setpiece.capture.check.look import Look, look_at
from setpiece.capture.check.mixture import mixture
from setpiece.capture.check.shutter import shutter
from setpiece.capture.check.spot import spot
from setpiece.capture.consistency import Agreement
from setpiece.capture.frames import FRAMES_FOLDER, read_frames
from setpiece.capture.grey import GreyShelf
from setpiece.capture.ingest import ingest
from setpiece.capture.job import Job
from setpiece.capture.options import CaptureOptions, PoseOptions
from setpiece.capture.sources import Sources
from setpiece.progress import Progress
from setpiece.setfolder import SetFolder

WORK_FOLDER = ".check-work"
ODD = ("mirrored", "blur")  # findings that explain why photos have no place


@dataclass(frozen=True)
class Checked:
    """What a check found."""

    look: Look
    light: Light
    agreed: Agreement | None
    findings: tuple[Finding, ...]  # the worst first; those to reshoot before those worth knowing
    read: dict[str, Any]  # what reading the photos gave (`ingest`)
    seconds: dict[str, float] = field(default_factory=dict)  # per step

    @property
    def reshoot(self) -> list[Finding]:
        """What has to be taken again."""
        return [f for f in self.findings if f.reshoot]

    @property
    def notes(self) -> list[Finding]:
        """What is worth knowing and does no harm."""
        return [f for f in self.findings if not f.reshoot]


def check_capture(
    scratch: SetFolder,
    sources: Sources,
    options: PoseOptions,
    progress: Progress,
    capture: CaptureOptions | None = None,
) -> Checked:
    """Check a capture; `scratch` is an empty set that is written into and of no use afterwards.

    Raises CaptureError where too few photos can be read.
    """
    shelf, started = GreyShelf(), time.monotonic()
    read = ingest(scratch, sources, capture or CaptureOptions(), progress, shelf)
    work = scratch.capture / WORK_FOLDER
    work.mkdir()
    job = Job(
        read_frames(scratch.capture), scratch.capture / FRAMES_FOLDER, work, options, progress, shelf=shelf
    )
    job.clock.add("reading", started)
    look = look_at(job)
    started = time.monotonic()
    light, agreed = light_of(look), agreement_of(look)
    found = _findings(look, light, agreed, job.threads)
    job.clock.add("judging", started)
    shutil.rmtree(work, ignore_errors=True)
    return Checked(look, light, agreed, tuple(found), read, job.clock.seconds)


def _findings(look: Look, light: Light, agreed: Agreement | None, threads: int) -> list[Finding]:
    standing = spot(look)
    if standing:  # without depth nothing that goes by the cameras means much
        return _ordered([*standing, *blur(look), *exposure(look, light)])
    changed = mixture(look, threads)
    name = {f.source: i for i, f in enumerate(look.frames)}
    odd = {name[p] for f in changed if f.kind == "mirrored" for p in f.photos}
    found = [*changed, *blur(look), *exposure(look, light), *cover(look), *shutter(look)]
    alike = [] if odd else [*likeness(look, agreed), *double(look)]
    found += alike or [f for f in links(look) if not {name[p] for p in f.photos} & odd]
    explained = {name[p] for f in found if f.kind != "shutter" for p in f.photos}
    return _ordered([*found, *strays(look, explained)])


def _ordered(found: list[Finding]) -> list[Finding]:
    return sorted(found, key=lambda f: (not f.reshoot, -f.share, f.kind))
