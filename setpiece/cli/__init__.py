"""The command line: each command is parse, options, one public function, print."""

from setpiece.cli.main import main

__all__ = ["main"]
