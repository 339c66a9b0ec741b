"""A capture looked over before anything costs time: what to reshoot, and what a build would take."""

from __future__ import annotations

import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from setpiece.atomic import write_atomic
from setpiece.capture.options import CaptureOptions, PoseOptions
from setpiece.durations import about
from setpiece.errors import SetpieceError
from setpiece.memory import PeakMemory
from setpiece.progress import Progress, SilentProgress
from setpiece.reconstruct.options import TrainOptions
from setpiece.setfolder import SetFolder

SCHEMA = 1
PAGE_FILE = "check.html"
PAGE_MARK = b'<meta name="generator" content="setpiece check">'
UNUSABLE = ("turning", "alike")  # kinds of findings with which no build gets anywhere
FINISHING_SECONDS = 0.04  # per photo, for finding what is up and how large it is


@dataclass(frozen=True)
class Preflight:
    """What a check found, and the page with the pictures behind it."""

    facts: dict[str, Any]  # docs/check.md lists the keys
    page: str | None  # check.html

    @property
    def reshoot(self) -> bool:
        """Whether anything has to be taken again."""
        return bool(self.facts["findings"])


def preflight(
    capture: Path,
    poses: PoseOptions | None = None,
    reading: CaptureOptions | None = None,
    progress: Progress | None = None,
    *,
    page: bool = False,
    forecast: bool = True,
) -> Preflight:
    """Check a capture: a folder of photos and videos, or one video.

    Nothing is left behind. Raises CaptureError where too few photos can be read.
    """
    from setpiece.capture.check.check import check_capture
    from setpiece.capture.check.facts import check_facts
    from setpiece.capture.sources import find_sources

    poses, progress = poses or PoseOptions(), progress or SilentProgress()
    sources = find_sources(capture)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="setpiece-check-") as place, PeakMemory() as memory:
        scratch = SetFolder.create(Path(place) / "set")
        checked = check_capture(scratch, sources, poses, progress, reading)
        facts = {"schema": SCHEMA, "capture": capture.resolve().name, **check_facts(checked)}
        facts["forecast"] = _forecast(scratch, checked, poses, progress, memory.bytes) if forecast else None
        facts["verdict"] = _verdict(facts)
        facts["seconds"]["all"] = round(time.monotonic() - started, 2)
        text = None
        if page:
            from setpiece.export.report.check_page import check_page

            text = check_page(facts, checked, forecast_sentences(facts))
    return Preflight(facts, text)


def _verdict(facts: dict[str, Any]) -> str:
    kinds = {f["kind"] for f in facts["findings"]}
    if kinds & set(UNUSABLE) or 2 * facts["photos"]["placed"] < facts["photos"]["used"]:
        return "unusable"
    return "reshoot" if facts["findings"] else "good"


def _forecast(
    scratch: SetFolder, checked: Any, poses: PoseOptions, progress: Progress, memory_bytes: int
) -> dict[str, Any] | None:
    """What a build would take on this machine; None where the photos cannot be placed."""
    from setpiece.capture.check.sample import sample
    from setpiece.capture.split import held_out
    from setpiece.reconstruct.outlook import outlooks
    from setpiece.threads import thread_count

    placed, threads = len(checked.look.placed), thread_count(poses.threads)
    with progress.task("trying a few steps of training", 1) as task:
        sampled = sample(scratch, checked.look, poses.image_side, threads)
        if sampled is None:
            return None
        some, picture = sampled
        pictures = picture * placed / threads
        train = placed - len(held_out(placed, poses.held_out_every))
        try:
            device, found = outlooks(scratch.path, some, max(train, 1), TrainOptions(threads=poses.threads))
        except SetpieceError:  # too few points to train on
            return None
        task.advance()
    steps = ("reading", "features", "pairs", "matching", "verification", "mapping", "refinement")
    seconds = sum(checked.seconds.get(k, 0.0) for k in steps) + pictures + FINISHING_SECONDS * placed
    written = sum(f.stat().st_size for f in scratch.capture.rglob("*") if f.is_file())
    shown = sum(f.stat().st_size for f in scratch.poses.rglob("*") if f.is_file())
    disk = written + round(shown / len(some.frames) * placed)
    return {
        "photos_placed": placed,
        "poses_seconds": round(seconds, 1),
        "poses_memory_bytes": memory_bytes,
        "device": device,
        "free_disk_bytes": shutil.disk_usage(Path.cwd()).free,
        "qualities": [
            {
                "quality": o.quality,
                "seconds": o.seconds,
                "memory_bytes": max(o.memory_bytes, memory_bytes),
                "disk_bytes": disk + o.disk_bytes,
                "splats": o.splats,
            }
            for o in found
        ],
    }


def sentences(facts: dict[str, Any]) -> list[str]:
    """The facts in plain sentences: what to reshoot first, what to know, what a build would take."""
    lines = [f"{i}. {f['sentence']}" for i, f in enumerate(facts["findings"], 1)]
    photos = facts["photos"]
    if lines:
        head = (
            "Reshoot before building:"
            if facts["verdict"] == "reshoot"
            else "This capture cannot become a set:"
        )
        lines.insert(0, head)
    else:
        lines.append("Nothing to reshoot.")
    lines += [f"Note: {n['sentence']}" for n in facts["notes"]]
    if photos["left_out"]:
        some = "; ".join(f"{x['name']}: {x['reason']}" for x in photos["left_out"][:5])
        more = len(photos["left_out"]) - 5
        lines.append(f"Not used: {some}" + (f"; and {more} more" if more > 0 else "") + ".")
    return lines + forecast_sentences(facts)


def forecast_sentences(facts: dict[str, Any]) -> list[str]:
    """What a build would take on this machine."""
    photos, forecast = facts["photos"], facts["forecast"]
    placed = f"{photos['placed']} of {photos['used']} photos will get a camera"
    if not forecast or not forecast["qualities"]:
        return [f"Forecast: {placed}."]
    lines = [f"Forecast: {placed}; poses {about(forecast['poses_seconds'])} on this machine."]
    parts = [
        f"{q['quality']} {about(q['seconds'])}, {q['memory_bytes'] / 1e9:.1f} GB of memory, "
        f"{q['disk_bytes'] / 1e6:.0f} MB of disk"
        for q in forecast["qualities"]
    ]
    lines.append(f"Training on {forecast['device']}: " + "; ".join(parts) + ".")
    most = max(q["disk_bytes"] for q in forecast["qualities"])
    if most > forecast["free_disk_bytes"]:
        lines.append(f"The disk here has {forecast['free_disk_bytes'] / 1e6:.0f} MB free: too little.")
    return lines


def place_for_page(page: Path | None, overwrite: bool = False) -> Path:
    """Where the page goes, by default `check.html` here.

    Raises SetpieceError where a file lies there that is no page of a check: it is someone's own.
    """
    place = page or Path(PAGE_FILE)
    if place.is_dir():
        place = place / PAGE_FILE
    if place.exists() and not overwrite:
        with place.open("rb") as file:
            ours = PAGE_MARK in file.read(400)
        if not ours:
            raise SetpieceError(
                f"{place} is there already and is no page of a check. Choose another file with -o, "
                "or pass --overwrite."
            )
    return place


def write_page(place: Path, found: Preflight) -> None:
    """Write the page of a check."""
    assert found.page is not None
    write_atomic(place, found.page.encode())
