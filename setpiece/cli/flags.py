"""Command-line flags made from the fields of an options dataclass."""

from __future__ import annotations

import dataclasses
import enum
import types
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click


class FolderPath(click.ParamType[Path]):
    """A path that is not empty: an unset variable in a script must not come to mean the current folder."""

    name = "path"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """The path. Fails with click's usage error."""
        if str(value) == "":
            self.fail("the path is empty.", param, ctx)
        return Path(value)


F = TypeVar("F", bound=Callable[..., Any])
Options = TypeVar("Options")


def flags(options: type[Any], *names: str) -> Callable[[F], F]:
    """Decorate a command with one flag for each named field of a dataclass of options."""
    fields = {f.name: f for f in dataclasses.fields(options)}
    hints = typing.get_type_hints(options)

    def decorate(function: F) -> F:
        for name in reversed(names):
            field = fields[name]
            kind, default = _plain(hints[name]), field.default
            flag = f"--{name.replace('_', '-')}"
            declaration = f"{flag}/--no-{flag[2:]}" if kind is bool else flag
            function = click.option(
                declaration,
                name,
                type=_click_type(kind),
                default=default.value if isinstance(default, enum.Enum) else default,
                show_default=default is not None,
                help=field.metadata["help"],
            )(function)
        return function

    return decorate


def parse(options: type[Options], values: dict[str, Any], *names: str) -> Options:
    """The dataclass with the named fields taken from the command's values."""
    hints = typing.get_type_hints(options)
    chosen: dict[str, Any] = {}
    for name in names:
        kind, value = _plain(hints[name]), values[name]
        is_enum = isinstance(kind, type) and issubclass(kind, enum.Enum)
        chosen[name] = kind(value) if is_enum and value is not None else value
    return options(**chosen)


def _plain(hint: Any) -> Any:
    """The type itself where the hint is `type | None`."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return next(a for a in typing.get_args(hint) if a is not type(None))
    return hint


def _click_type(kind: Any) -> Any:
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return click.Choice([str(member.value) for member in kind])
    if typing.get_origin(kind) is typing.Literal:
        return click.Choice([str(a) for a in typing.get_args(kind)])
    return None if kind is bool else kind
