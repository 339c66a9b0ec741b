"""Write docs/commands.md from the commands' own help. A test fails when the page is stale."""

from __future__ import annotations

from pathlib import Path

import click

from setpiece.cli import main

PAGE = Path(__file__).with_name("commands.md")


def page() -> str:
    """The page as it should be."""
    parts = [
        "# Commands\n\nWritten by `python docs/make_commands.py` from the help of the commands themselves.\n"
    ]
    settings = {**main.context_settings, "max_content_width": 100, "terminal_width": 100}
    root = click.Context(main, info_name="setpiece", **settings)
    parts.append(f"```\n{main.get_help(root)}\n```\n")
    for name, command in sorted(main.commands.items()):
        context = click.Context(
            command, info_name=name, parent=root, max_content_width=100, terminal_width=100
        )
        parts.append(f"## setpiece {name}\n\n```\n{command.get_help(context)}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
