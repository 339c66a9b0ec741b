"""`setpiece check`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from setpiece.capture.options import CaptureOptions, PoseOptions
from setpiece.cli.flags import FolderPath, flags, parse

STRICT_CODE = 2


@click.command()
@click.argument("capture", type=FolderPath())
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object instead of sentences.")
@click.option(
    "-o",
    "--output",
    "page",
    metavar="PAGE",
    type=FolderPath(),
    help="Where the page with the pictures goes; default: check.html here, and none with --json.",
)
@click.option("--strict", is_flag=True, help="Exit with code 2 when something is to be reshot.")
@click.option("--overwrite", is_flag=True, help="Replace a file at PAGE that is no page of a check.")
@flags(CaptureOptions, "kind", "max_frames")
@flags(PoseOptions, "threads")
def check(
    capture: Path, as_json: bool, page: Path | None, strict: bool, overwrite: bool, **values: Any
) -> None:
    """Say what is wrong with CAPTURE before anything costs time.

    Looks for blurred, covered, mirrored and cropped photos, jumps of exposure, gaps, places that do not hang
    together and places that look alike, and says what a build would take on this machine. What to reshoot
    comes first.

    \b
    Example:  setpiece check ~/Pictures/prague
              setpiece check walk.mp4 --json
    """
    from setpiece.cli.terminal import terminal_progress
    from setpiece.preflight import place_for_page, preflight, sentences, write_page

    place = place_for_page(page, overwrite) if page or not as_json else None
    found = preflight(
        capture,
        parse(PoseOptions, values, "threads"),
        parse(CaptureOptions, values, "kind", "max_frames"),
        terminal_progress(),
        page=place is not None,
    )
    if place is not None:
        write_page(place, found)
    if as_json:
        click.echo(json.dumps(found.facts, indent=2, ensure_ascii=False))
    else:
        for line in sentences(found.facts):
            click.echo(line)
        click.echo(f"Pictures and numbers: {place}")
    if strict and found.reshoot:
        raise SystemExit(STRICT_CODE)
