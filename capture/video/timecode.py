"""Places in a clip as people read them off a player."""

from __future__ import annotations


def timecode(seconds: float) -> str:
    """ "00:01:02.500": hours, minutes, seconds, milliseconds."""
    milliseconds = round(max(0.0, seconds) * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{rest // 1000:02d}.{rest % 1000:03d}"


def short_timecode(seconds: float) -> str:
    """ "01:02.5", or "1:00:02.5" where a clip is longer than an hour."""
    tenths = round(max(0.0, seconds) * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    ending = f"{minutes:02d}:{rest // 10:02d}.{rest % 10}"
    return f"{hours}:{ending}" if hours else ending
