"""`setpiece scale`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from setpiece.cli.flags import FolderPath

if TYPE_CHECKING:
    from setpiece.scaling import ScaleChange

_LENGTH = click.FloatRange(min=0, min_open=True, max=1e5)


@click.command()
@click.argument("set_folder", metavar="SET", type=FolderPath())
@click.option("--distance", type=_LENGTH, help="Metres between two points that you measured.")
@click.option(
    "--from",
    "start",
    metavar="PHOTO:X,Y",
    multiple=True,
    help="Where one end is: pixels of the photo from its top left corner. Give it for two photos.",
)
@click.option("--to", "end", metavar="PHOTO:X,Y", multiple=True, help="Where the other end is, likewise.")
@click.option(
    "--distance-error",
    type=_LENGTH,
    help="Metres by which the measured distance may be off (one standard deviation).  [default: 0.3 %]",
)
@click.option(
    "--camera-height", type=_LENGTH, help="Metres from the floor to the camera: half of the photos lie above."
)
@click.option(
    "--marker-size-mm", type=_LENGTH, help="Side of the black square, of a marker not printed at full size."
)
@click.option("--forget", is_flag=True, help="Drop what was measured for this set before.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object instead of sentences.")
def scale(
    set_folder: Path,
    distance: float | None,
    start: tuple[str, ...],
    end: tuple[str, ...],
    distance_error: float | None,
    camera_height: float | None,
    marker_size_mm: float | None,
    forget: bool,
    as_json: bool,
) -> None:
    """Bring SET to its true size in metres, without training again; or say what is known of it.

    Measure something long and clear with a tape, and look up its two ends in two photos each. Markers
    (setpiece marker), GPS and poses of phone apps are found by themselves when a set is built; what you
    measure joins them, and contradictions are said.

    \b
    Example:  setpiece scale prague
              setpiece scale prague --distance 2.35 \\
                --from IMG_1.jpg:812,400 --from IMG_9.jpg:600,380 \\
                --to IMG_1.jpg:1530,412 --to IMG_9.jpg:1291,377
              setpiece scale prague --camera-height 1.6
    """
    import json

    from setpiece.cli.terminal import terminal_progress
    from setpiece.scaling import scale_set
    from setpiece.setfolder import SetFolder

    progress = terminal_progress()
    change = scale_set(
        SetFolder.open(set_folder),
        distance=_distance(distance, start, end, distance_error),
        camera_height_m=camera_height,
        marker_mm=marker_size_mm,
        forget=forget,
        progress=progress,
    )
    for sentence in (*change.unused, *(change.scale.contradictions if change.scale else ())):
        progress.warning(sentence)
    click.echo(json.dumps(_facts(change), indent=2) if as_json else _sentences(change))


def _distance(
    metres: float | None, start: tuple[str, ...], end: tuple[str, ...], error_m: float | None
) -> Any:
    from setpiece.capture.scale.measured import Distance, distance_error_m, parse_place
    from setpiece.errors import SetpieceError

    if metres is None and not start and not end and error_m is None:
        return None
    if metres is None or not start or not end:
        raise SetpieceError(
            "a measured distance needs --distance METRES, --from PHOTO:X,Y and --to PHOTO:X,Y, "
            "the last two best for two photos each."
        )
    error = distance_error_m(metres) if error_m is None else error_m
    places = [tuple(parse_place(text) for text in ends) for ends in (start, end)]
    return Distance(metres, error, places[0], places[1])


def _facts(change: ScaleChange) -> dict[str, Any]:
    found = change.scale
    return {
        "known": found is not None,
        "error": found.error if found else None,
        "factor": change.factor,
        "sources": [e.to_json() for e in found.estimates] if found else [],
        "contradictions": list(found.contradictions) if found else [],
        "unused": list(change.unused),
    }


def _sentences(change: ScaleChange) -> str:
    from setpiece.capture.scale.estimates import percent

    found = change.scale
    if found is None:
        return (
            "Scale     unknown: lengths are in units. Measure a distance (setpiece scale --help), or put a "
            "printed marker into the picture next time (setpiece marker)."
        )
    lines = [f"Scale     metres, ± {percent(found.error)} (one standard deviation)"]
    for e in found.estimates:
        off = e.metres_per_unit / found.metres_per_unit - 1
        lines.append(f"          {e.source}, {e.detail}: {100 * off:+.1f} %, ± {percent(e.error)}")
    if change.factor != 1:
        lines.append(f"The set is {change.factor:.4g} times as large as before; nothing was trained again.")
    return "\n".join(lines)
