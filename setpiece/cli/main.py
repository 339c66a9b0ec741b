"""The `setpiece` command: its subcommands, and how errors reach the user."""

from __future__ import annotations

import errno
import sys
from typing import Any

import click

from setpiece.cli.build import build, demo, train
from setpiece.cli.check import check
from setpiece.cli.doctor import doctor
from setpiece.cli.info import info
from setpiece.cli.marker import marker
from setpiece.cli.scale import scale
from setpiece.cli.view import view
from setpiece.errors import SetpieceError


class _Setpiece(click.Group):
    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except SetpieceError as error:
            return self._fail(context, str(error), 1)
        except KeyboardInterrupt:
            return self._fail(context, "stopped. Run the same command again to go on from here.", 130)
        except MemoryError:
            return self._fail(
                context, "there is not enough memory. Try --quality draft, or close programs.", 1
            )
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            return self._fail(context, "the disk is full. Free some space and run the same command again.", 1)

    @staticmethod
    def _fail(context: click.Context, sentence: str, code: int) -> None:
        if context.params.get("debug"):
            raise
        click.echo(f"setpiece: {sentence}", err=True)
        sys.exit(code)


@click.group(
    cls=_Setpiece, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.version_option(package_name="setpiece")
def main(debug: bool) -> None:
    """Turn photos of a real place into a virtual set.

    \b
    Try it:          setpiece demo
    Your own place:  setpiece build PHOTOS -o SET
    Look at it:      setpiece view SET
    """


for command in (build, check, demo, train, scale, marker, view, info, doctor):
    main.add_command(command)
