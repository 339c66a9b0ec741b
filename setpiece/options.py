"""Options as frozen dataclasses: one definition serves the API, the command line and `set.json`."""

from __future__ import annotations

import dataclasses
from typing import Any, TypeVar

T = TypeVar("T")


def option(default: T, help: str, *, changes_result: bool = True) -> T:
    """A dataclass field with a default and one line that says what it means and in which unit.

    The line becomes the help text of the command-line flag of the same name. A stage is not run again for
    another value of an option that does not change its result, such as the number of threads.
    """
    field: Any = dataclasses.field(default=default, metadata={"help": help, "changes_result": changes_result})
    return field  # type: ignore[no-any-return]
