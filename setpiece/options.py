"""Options as frozen dataclasses: one definition serves the API, the command line and `set.json`."""

from __future__ import annotations

import dataclasses
from typing import Any, TypeVar

from setpiece.errors import SetpieceError

T = TypeVar("T")


def option(
    default: T,
    help: str,
    *,
    least: float | None = None,
    most: float | None = None,
    changes_result: bool = True,
) -> T:
    """A dataclass field with a default and one line that says what it means and in which unit.

    The line becomes the help text of the command-line flag of the same name. `least` and `most` bound a
    number (both are allowed themselves; see `check_options`). A stage is not run again for another value of
    an option that does not change its result, such as the number of threads.
    """
    field: Any = dataclasses.field(
        default=default,
        metadata={"help": help, "least": least, "most": most, "changes_result": changes_result},
    )
    return field  # type: ignore[no-any-return]


def check_options(options: Any) -> None:
    """Raise SetpieceError when a number in a dataclass of options is out of its bounds.

    For `__post_init__`, so that the API and the command line refuse the same values before any work.
    """
    for field in dataclasses.fields(options):
        value = getattr(options, field.name)
        least, most = field.metadata.get("least"), field.metadata.get("most")
        if value is None or (least is None and most is None):
            continue
        if not ((least is None or value >= least) and (most is None or value <= most)):  # NaN is neither
            bounds = [f"at least {least}"] if least is not None else []
            bounds += [f"at most {most}"] if most is not None else []
            raise SetpieceError(
                f"{field.name.replace('_', '-')} must be {' and '.join(bounds)}, not {value}."
            )
