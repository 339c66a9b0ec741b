"""`setpiece view`."""

from __future__ import annotations

from pathlib import Path

import click

from setpiece.cli.flags import FolderPath


@click.command()
@click.argument("set_folder", metavar="SET", type=FolderPath())
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    default=8765,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port to listen on; the next free one if taken.",
)
@click.option("--browser/--no-browser", default=True, show_default=True, help="Open the browser.")
def view(set_folder: Path, host: str, port: int, browser: bool) -> None:
    """Walk through SET in the browser.

    Serves the set on this machine only and opens the browser. Ctrl-C ends it.

    \b
    Example:  setpiece view prague
    """
    from setpiece.cli.terminal import terminal_progress
    from setpiece.setfolder import SetFolder
    from setpiece.viewer.server import serve

    progress = terminal_progress()
    serve(SetFolder.open(set_folder), host=host, port=port, open_browser=browser, progress=progress)
