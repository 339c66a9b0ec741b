"""TypeScript interfaces from the message dataclasses, so that page and server cannot drift apart."""

from __future__ import annotations

import dataclasses
import types
import typing
from pathlib import Path

from setpiece.atomic import write_atomic
from setpiece.viewer.messages import MESSAGES

TARGET = Path(__file__).parent / "src" / "api_types.ts"
_HEADER = "// Made by `python -m setpiece.viewer.typescript` from viewer/messages.py. Do not edit.\n"
_SIMPLE = {str: "string", int: "number", float: "number", bool: "boolean", type(None): "null"}


def typescript() -> str:
    """The text of `src/api_types.ts`."""
    return _HEADER + "".join(_interface(message) for message in MESSAGES)


def _interface(message: type) -> str:
    hints = typing.get_type_hints(message)
    doc = (message.__doc__ or "").strip()
    fields = "".join(f"  readonly {f.name}: {_type(hints[f.name])};\n" for f in dataclasses.fields(message))
    return f"\n/** {doc} */\nexport interface {message.__name__} {{\n{fields}}}\n"


def _type(hint: object) -> str:
    """The TypeScript of a field's type. Raises TypeError for one that JSON cannot carry."""
    if isinstance(hint, type) and hint in _SIMPLE:
        return _SIMPLE[hint]
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return hint.__name__
    if typing.get_origin(hint) is list:
        inner = _type(typing.get_args(hint)[0])
        return f"readonly ({inner})[]" if " " in inner else f"readonly {inner}[]"
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        return " | ".join(_type(part) for part in typing.get_args(hint))
    raise TypeError(f"{hint} has no TypeScript counterpart here")


if __name__ == "__main__":
    write_atomic(TARGET, typescript().encode())
