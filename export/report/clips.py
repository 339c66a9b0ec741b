"""The clips of a capture: where on their length frames were taken, and where they are blurred."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from setpiece.export.report.thumbnail import data_url
from setpiece.setfolder import SetFolder

_SHOWN = 12  # frames of a clip in its row
_SIDE = 150  # px
_WIDTH, _HEIGHT = 1000, 34  # of the strip


def clip_rows(
    target: SetFolder, clips: list[dict[str, Any]], frames: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """For each clip of the capture stage's result: a line of facts, a strip of its length, some frames.

    `frames` are those of frames.json.
    """
    rows = []
    for clip in clips:
        own = [f for f in frames if f.get("clip") == clip["name"]]
        times = sorted({float(f["clip_time_s"]) for f in own})
        first_views = {float(f["clip_time_s"]): f for f in reversed(own)}  # a panorama has several views
        step = max(1, -(-len(times) // _SHOWN))
        rows.append(
            {
                "name": clip["name"],
                "facts": _facts(clip),
                "strip": _strip(clip, times),
                "note": clip["note"],
                "frames": [
                    {
                        "time": _minutes(t),
                        "picture": data_url(target.capture / "frames" / first_views[t]["name"], _SIDE, 70),
                    }
                    for t in times[::step]
                ],
            }
        )
    return rows


def _facts(clip: dict[str, Any]) -> str:
    size = f"{clip['width']}x{clip['height']}"
    hdr = f", {clip['transfer']} tone-mapped" if clip["transfer"] != "SDR" else ""
    cuts = f", {clip['scenes']} scenes" if clip["scenes"] > 1 else ""
    return (
        f"{_minutes(clip['seconds'])}, {size}, {clip['codec'].upper()}{hdr}{cuts}: {clip['frames_used']} of "
        f"{clip['frames_in_clip']:,} frames"
    )


def _strip(clip: dict[str, Any], times: list[float]) -> Markup:
    """The length of the clip with its chosen frames as ticks and its blurred stretches shaded."""
    scale = _WIDTH / max(float(clip["seconds"]), 1e-3)
    parts = [
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" class="strip" role="img" aria-label="Frames along the clip" '
        'preserveAspectRatio="none">'
    ]
    for run in clip["blurred"]:
        left, width = run["first_s"] * scale, max(3.0, (run["last_s"] - run["first_s"]) * scale)
        title = f"blurred from {_minutes(run['first_s'])} to {_minutes(run['last_s'])}"
        parts.append(
            f'<rect class="blurred" x="{left:.1f}" y="0" width="{width:.1f}" height="{_HEIGHT}">'
            f"<title>{title}</title></rect>"
        )
    d = "".join(f"M{t * scale:.1f},6V{_HEIGHT - 6}" for t in times)
    parts.append(f'<path class="taken" d="{d}"/></svg>')
    return Markup("".join(parts))


def _minutes(seconds: float) -> str:
    minutes, rest = divmod(round(seconds * 10), 600)
    return f"{minutes:02d}:{rest // 10:02d}.{rest % 10}"
