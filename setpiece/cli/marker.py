"""`setpiece marker`."""

from __future__ import annotations

from pathlib import Path

import click

from setpiece.cli.flags import FolderPath


@click.command()
@click.option(
    "-o",
    "--output",
    default="marker.pdf",
    show_default=True,
    type=FolderPath(),
    help="The PDF to write.",
)
@click.option(
    "--ids", default="0", show_default=True, help="Which markers, such as 0-3 or 0,2,5; one a page."
)
@click.option("--paper", type=click.Choice(["a4", "letter"]), default="a4", show_default=True)
@click.option("--overwrite", is_flag=True, help="Replace a file that is there.")
def marker(output: Path, ids: str, paper: str, overwrite: bool) -> None:
    """Write a page with a marker to print, which tells a set's size.

    Lay it flat on the floor or tape it to a wall before you take the photos: its size is known, so the
    set comes out in metres. Several markers with different numbers tell more.

    \b
    Example:  setpiece marker
              setpiece marker --ids 0-3 --paper letter -o markers.pdf
    """
    from setpiece.atomic import write_atomic
    from setpiece.capture.scale.sheet import Paper, marker_pdf
    from setpiece.errors import SetpieceError

    if output.exists() and not overwrite:
        raise SetpieceError(f"{output} is there already. Choose another name with -o, or pass --overwrite.")
    numbers = _numbers(ids)
    write_atomic(output, marker_pdf(numbers, Paper(paper)))
    click.echo(
        f"{output}: {len(numbers)} page{'s' if len(numbers) > 1 else ''}. Print at 100 %, "
        "check the line with a ruler, and show the marker in five photos or more."
    )


def _numbers(text: str) -> list[int]:
    from setpiece.errors import SetpieceError

    numbers: list[int] = []
    try:
        for part in text.split(","):
            first, _, last = part.partition("-")
            numbers += range(int(first), int(last or first) + 1)[:1000]
    except ValueError:
        numbers = []
    if not numbers:
        raise SetpieceError(f"{text!r} names no markers. Write numbers such as 0, 0-3 or 0,2,5.")
    return list(dict.fromkeys(numbers))
