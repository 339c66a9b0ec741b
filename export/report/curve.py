"""A line chart as inline SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

WIDTH, HEIGHT = 640, 260
LEFT, RIGHT, TOP, BOTTOM = 52, 16, 14, 40


@dataclass(frozen=True)
class Line:
    """One line of a chart."""

    label: str
    x: Sequence[float]
    y: Sequence[float]
    css_class: str


def chart(lines: Sequence[Line], x_label: str, y_label: str) -> Markup:
    """The lines over common axes; empty when no line has a finite point."""
    points = [(x, y) for line in lines for x, y in zip(line.x, line.y, strict=True) if math.isfinite(y)]
    if not points:
        return Markup("")
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    x_ticks, y_ticks = _ticks(0.0, max(xs)), _ticks(min(ys), max(ys))
    x_low, x_high, y_low, y_high = 0.0, max(x_ticks[-1], max(xs)), y_ticks[0], y_ticks[-1]

    def place(x: float, y: float) -> str:
        u = LEFT + (x - x_low) / (x_high - x_low or 1) * (WIDTH - LEFT - RIGHT)
        v = HEIGHT - BOTTOM - (y - y_low) / (y_high - y_low or 1) * (HEIGHT - TOP - BOTTOM)
        return f"{u:.1f},{v:.1f}"

    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" class="chart" role="img" aria-label="{y_label} over {x_label}">'
    ]
    for tick in y_ticks:
        u, v = place(x_low, tick).split(",")
        parts.append(f'<path class="grid" d="M{u},{v}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{float(v) + 4:.1f}" text-anchor="end">{tick:g}</text>')
    for tick in x_ticks:
        u, v = place(tick, y_low).split(",")
        parts.append(f'<text x="{u}" y="{float(v) + 16:.1f}" text-anchor="middle">{tick:g}</text>')
    parts.append(f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 6}" text-anchor="end">{x_label}</text>')
    parts.append(f'<text x="{LEFT}" y="{TOP - 3}">{y_label}</text>')
    for line in lines:
        finite = [place(x, y) for x, y in zip(line.x, line.y, strict=True) if math.isfinite(y)]
        parts.append(f'<polyline class="{line.css_class}" points="{" ".join(finite)}"/>')
        parts += [
            f'<circle class="{line.css_class}" cx="{p.split(",")[0]}" cy="{p.split(",")[1]}" r="3"/>'
            for p in finite
        ]
    return Markup("".join(parts) + "</svg>")


def _ticks(low: float, high: float) -> list[float]:
    """Four to eight round numbers from at or below `low` to at or above `high`."""
    span = (high - low) or 1.0
    step = 10.0 ** math.floor(math.log10(span))
    step *= next(f for f in (0.1, 0.2, 0.5, 1.0, 2.0) if span / (step * f) <= 6)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [round(i * step, 10) for i in range(first, max(last, first + 1) + 1)]
