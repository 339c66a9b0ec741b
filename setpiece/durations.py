"""Durations in words, no finer than they can be known."""

from __future__ import annotations


def about(seconds: float) -> str:
    """ "about 45 s", "about 2 min 20 s", "about 25 min" or "about 3 h 10 min"."""
    if seconds < 10:
        return f"about {max(1, round(seconds))} s"
    if seconds < 87.5:
        return f"about {5 * round(seconds / 5)} s"
    if seconds < 595:
        minutes, rest = divmod(10 * round(seconds / 10), 60)
        return f"about {minutes} min" + (f" {rest} s" if rest else "")
    if seconds < 3570:
        return f"about {round(seconds / 60)} min"
    hours, minutes = divmod(10 * round(seconds / 600), 60)
    return f"about {hours} h" + (f" {minutes} min" if minutes else "")
