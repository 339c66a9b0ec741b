"""Posters and prints on the walls, drawn in code."""

from __future__ import annotations

import math

import numpy as np
from PIL import ImageDraw

from setpiece.capture.demo.textures.lettering import words


def film_poster(draw: ImageDraw.ImageDraw, w: int, h: int, rng: np.random.Generator) -> None:
    """The poster of a film that was never made: a low sun, a city, a tram, beams and type."""
    for y in range(h):
        t = y / h
        draw.line((0, y, w, y), fill=(int(225 - 40 * t), int(176 - 110 * t), int(118 - 72 * t)))
    cx, cy, r = w * 0.62, h * 0.40, w * 0.30
    for i in range(28):
        a0, a1 = 2 * math.pi * i / 28, 2 * math.pi * (i + 0.5) / 28
        far = 1.7 * h
        draw.polygon(
            [
                (cx, cy),
                (cx + far * math.cos(a0), cy + far * math.sin(a0)),
                (cx + far * math.cos(a1), cy + far * math.sin(a1)),
            ],
            fill=(214, 150 - 3 * (i % 5), 92),
        )
    draw.ellipse((cx - r, cy - r, cx + r, cy + r), fill=(247, 222, 160))
    draw.ellipse((cx - r * 0.86, cy - r * 0.86, cx + r * 0.86, cy + r * 0.86), fill=(240, 196, 110))
    for layer, (base, tint) in enumerate(((0.60, (150, 72, 58)), (0.66, (98, 44, 48)), (0.73, (42, 26, 38)))):
        x = -0.02 * w
        while x < w:
            bw, bh = w * rng.uniform(0.05, 0.13), h * rng.uniform(0.05, 0.19)
            top = base * h - bh
            draw.rectangle((x, top, x + bw, h * 0.82), fill=tint)
            if rng.random() < 0.45:
                draw.polygon(
                    [(x, top), (x + bw / 2, top - h * rng.uniform(0.02, 0.09)), (x + bw, top)], fill=tint
                )
            for _ in range(int(rng.integers(2, 9)) if layer else 0):
                px, py = x + bw * rng.uniform(0.15, 0.8), top + bh * rng.uniform(0.1, 1.3)
                draw.rectangle((px, py, px + w * 0.010, py + h * 0.010), fill=(246, 205, 120))
            x += bw * rng.uniform(0.8, 1.05)
    draw.rectangle((0, h * 0.80, w, h), fill=(30, 22, 32))
    tram = (w * 0.12, h * 0.715, w * 0.52, h * 0.80)
    draw.rounded_rectangle(tram, radius=w * 0.02, fill=(168, 38, 34))
    draw.rectangle((w * 0.12, h * 0.765, w * 0.52, h * 0.772), fill=(240, 226, 196))
    for i in range(6):
        x = w * (0.145 + 0.061 * i)
        draw.rectangle((x, h * 0.728, x + w * 0.045, h * 0.757), fill=(250, 226, 160))
    draw.line((w * 0.3, h * 0.715, w * 0.36, h * 0.68), fill=(30, 22, 32), width=4)
    draw.line((0, h * 0.68, w, h * 0.66), fill=(30, 22, 32), width=3)
    words(draw, (w * 0.06, h * 0.035), "THE LAST", w * 0.155, (52, 24, 34), bold=0.035)
    words(draw, (w * 0.06, h * 0.130), "TRAM", w * 0.235, (150, 30, 30), bold=0.045)
    words(
        draw,
        (w * 0.06, h * 0.845),
        "A FILM IN ONE ROOM AND FORTY TAKES",
        w * 0.044,
        (240, 214, 160),
        bold=0.015,
    )
    for i, line in enumerate(
        (
            "with  ANNA VESELA   JOSEF HRUBY   M. LINDQVIST",
            "camera  T. OKONJO    sound  R. ABELARD",
            "music  the house orchestra of the depot",
        )
    ):
        words(draw, (w * 0.06, h * (0.892 + 0.028 * i)), line, w * 0.029, (206, 178, 140))


def botanical(draw: ImageDraw.ImageDraw, w: int, h: int, rng: np.random.Generator) -> None:
    """A plate of a fern from an old flora."""
    stem = [(w * (0.5 + 0.10 * math.sin(3 * t)), h * (0.9 - 0.78 * t)) for t in np.linspace(0, 1, 40)]
    draw.line(stem, fill=(60, 84, 48), width=max(2, w // 120))
    for i, (x, y) in enumerate(stem[4:]):
        size = w * 0.34 * math.sin(math.pi * (1 - i / 36)) ** 0.7 * (0.3 + 0.7 * (1 - i / 36))
        for side in (-1, 1):
            tip = (x + side * size, y - size * 0.35)
            g = int(rng.integers(80, 140))
            draw.polygon(
                [
                    (x, y),
                    (x + side * size * 0.5, y - size * 0.30),
                    tip,
                    (x + side * size * 0.5, y - size * 0.06),
                ],
                fill=(g - 30, g, g - 50),
            )
    words(draw, (w * 0.5, h * 0.935), "Polypodium scaenicum", w * 0.052, (70, 60, 50), anchor="mm")
    words(draw, (w * 0.9, h * 0.05), f"PL. {rng.integers(10, 99)}", w * 0.045, (70, 60, 50), anchor="rm")


def city_plan(draw: ImageDraw.ImageDraw, w: int, h: int, rng: np.random.Generator) -> None:
    """A street plan with a river."""
    for _ in range(120):
        x, y, s = rng.uniform(0, w), rng.uniform(0, h), rng.uniform(0.03, 0.10) * w
        a = rng.uniform(0, math.pi / 8) + (x + y) / (w + h)
        corners = [(x + s * math.cos(a + k), y + s * math.sin(a + k)) for k in (0.4, 2.2, 3.5, 5.4)]
        draw.polygon(
            corners,
            fill=tuple(int(v) for v in rng.choice([(214, 190, 150), (196, 160, 120), (180, 196, 150)])),
            outline=(110, 80, 60),
        )
    river = [(w * (0.2 + 0.5 * t + 0.12 * math.sin(7 * t)), h * t) for t in np.linspace(-0.05, 1.05, 40)]
    draw.line(river, fill=(118, 158, 176), width=int(w * 0.09), joint="curve")
    for k in range(5):
        y = h * (0.12 + 0.19 * k)
        draw.line((0, y, w, y + h * rng.uniform(-0.1, 0.1)), fill=(246, 238, 214), width=max(3, w // 90))
    for name in ("Harbour", "Old Mint", "Depot", "Gasworks", "Wharf", "Opera", "Weir"):
        words(draw, (rng.uniform(0.02, 0.75) * w, rng.uniform(0.03, 0.93) * h), name, w * 0.05, (60, 36, 30))


def abstract(draw: ImageDraw.ImageDraw, w: int, h: int, rng: np.random.Generator) -> None:
    """Overlapping cut-paper shapes."""
    inks = [(38, 70, 83), (42, 127, 121), (219, 164, 74), (200, 96, 60), (94, 38, 44), (233, 220, 190)]
    for i in range(16):
        x, y, s = rng.uniform(0, w), rng.uniform(0, h), rng.uniform(0.08, 0.32) * w
        fill = inks[int(rng.integers(len(inks)))]
        if i % 3 == 0:
            draw.pieslice(
                (x - s, y - s, x + s, y + s),
                float(rng.uniform(0, 360)),
                float(rng.uniform(90, 420)),
                fill=fill,
            )
        elif i % 3 == 1:
            a = rng.uniform(0, 6.28)
            draw.polygon(
                [(x + s * math.cos(a + k), y + s * math.sin(a + k)) for k in (0, 1.9, 3.6)], fill=fill
            )
        else:
            draw.rectangle((x - s * 0.3, y - s, x + s * 0.3, y + s), fill=fill)


def clock_face(draw: ImageDraw.ImageDraw, w: int, h: int, rng: np.random.Generator) -> None:
    """A station clock."""
    c = w / 2
    draw.ellipse((2, 2, w - 2, h - 2), fill=(236, 230, 214), outline=(30, 30, 30), width=w // 22)
    for k in range(12):
        a = math.radians(30 * k)
        words(
            draw,
            (c + 0.36 * w * math.sin(a), c - 0.36 * w * math.cos(a)),
            str(k or 12),
            w * 0.09,
            (30, 30, 30),
            anchor="mm",
            bold=0.02,
        )
    for a, length, width in ((128, 0.22, w // 26), (96, 0.34, w // 40)):
        draw.line(
            (c, c, c + length * w * math.sin(math.radians(a)), c - length * w * math.cos(math.radians(a))),
            fill=(20, 20, 20),
            width=width,
        )
