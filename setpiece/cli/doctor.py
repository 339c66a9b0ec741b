"""`setpiece doctor`."""

from __future__ import annotations

import json

import click


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object instead of lines.")
def doctor(as_json: bool) -> None:
    """Say what this machine and this installation can do.

    Exit code 1 when something that is needed is missing.

    \b
    Example:  setpiece doctor
    """
    from setpiece.doctor import Check, examine

    checks = examine()
    if as_json:
        click.echo(json.dumps([c.to_json() for c in checks], indent=2, ensure_ascii=False))
    else:
        marks = {"ok": "ok     ", "note": "-      ", "fail": "MISSING"}
        width = max(len(c.name) for c in checks)
        for check in checks:
            click.echo(f"{marks[check.status]}  {check.name:<{width}}  {check.text}")
    if any(c.status == Check.FAIL for c in checks):
        raise SystemExit(1)
