"""`setpiece info`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from setpiece.cli.flags import FolderPath


@click.command()
@click.argument("set_folder", metavar="SET", type=FolderPath())
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object instead of sentences.")
def info(set_folder: Path, as_json: bool) -> None:
    """Say what SET is, in ten lines.

    \b
    Example:  setpiece info prague
              setpiece info prague --json
    """
    from setpiece.info import describe, set_info
    from setpiece.setfolder import SetFolder

    facts = set_info(SetFolder.open(set_folder))
    click.echo(json.dumps(facts, indent=2, ensure_ascii=False) if as_json else describe(facts))
