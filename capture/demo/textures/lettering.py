"""Pictures with words and drawings, made with Pillow: the ground that printed and painted things share."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from setpiece.capture.demo.geometry.patch import Paint
from setpiece.capture.demo.textures.sheet import Colour, Float32, Sheet, albedo, fit, mix, step

Ink = tuple[int, int, int]
Draw = Callable[[ImageDraw.ImageDraw, int, int, np.random.Generator], None]  # canvas, width, height, random


@lru_cache(maxsize=64)
def typeface(size_px: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own typeface in the given size."""
    return ImageFont.load_default(size=max(size_px, 4))


def words(
    draw: ImageDraw.ImageDraw,
    at: tuple[float, float],
    text: str,
    size_px: float,
    ink: Ink,
    anchor: str = "la",
    bold: float = 0.0,
) -> None:
    """Draw a line of text; `bold` thickens it by a share of its size."""
    stroke = round(bold * size_px)
    draw.text(
        at, text, font=typeface(int(size_px)), fill=ink, anchor=anchor, stroke_width=stroke, stroke_fill=ink
    )


def printed(
    ground: Colour, draw: Draw, pixels_wide: int = 700, age: float = 1.0, border: float = 0.0, seed: int = 0
) -> Paint:
    """A paint of something drawn on paper: `draw` gets a canvas of the sheet's shape.

    `border` in metres is left white all around; `age` yellows, creases and stains the paper.
    """

    def paint(sheet: Sheet) -> Float32:
        high = max(8, round(pixels_wide * sheet.height / sheet.width))
        canvas = Image.new("RGB", (pixels_wide, high), tuple(round(255 * c) for c in ground))
        draw(ImageDraw.Draw(canvas), pixels_wide, high, np.random.default_rng([sheet.seed, seed, 77]))
        face = fit(np.asarray(canvas), sheet)
        w, h = sheet.size_m
        edge = np.minimum(
            np.minimum(sheet.x_m, np.float32(w) - sheet.x_m), np.minimum(sheet.y_m, np.float32(h) - sheet.y_m)
        )
        if border:
            face = mix(face, (0.90, 0.87, 0.80), step(border + 0.001, border - 0.001, edge))
        face = face * (1 + 0.035 * sheet.noise(0.05, 5, salt=1))[..., None]
        yellow = step(0.05, 0.0, edge) * 0.35 + 0.25 * step(0.2, 1.8, sheet.noise(0.15, 4, salt=2))
        face = mix(face, face * np.array([0.95, 0.86, 0.66], np.float32), np.clip(age * yellow, 0, 1))
        crease = step(0.03, 0.005, np.abs(sheet.noise(0.25, 3, salt=3)))
        face = mix(face, (0.88, 0.85, 0.78), 0.25 * age * crease)
        return albedo(face)

    return paint


def ink(rgb: Colour) -> Ink:
    """A colour of 0 to 1 as Pillow wants it."""
    return (round(255 * rgb[0]), round(255 * rgb[1]), round(255 * rgb[2]))


def scribble(
    draw: ImageDraw.ImageDraw,
    box: tuple[float, float, float, float],
    rng: np.random.Generator,
    colour: Ink,
    width: int = 2,
) -> None:
    """A handwritten line inside `box`: left, top, right, bottom."""
    left, top, right, bottom = box
    n = max(4, int((right - left) / max(bottom - top, 1) * 3))
    x = np.linspace(left, right, n) + rng.normal(0, (bottom - top) * 0.15, n)
    y = (top + bottom) / 2 + rng.normal(0, (bottom - top) * 0.28, n)
    draw.line(list(zip(x.tolist(), y.tolist(), strict=True)), fill=colour, width=width, joint="curve")


LINES = (
    "INT. WORKSHOP - LATE AFTERNOON",
    "Dust in the light. The tram passes.",
    "She puts the letter on the table.",
    "ANNA",
    "You said one room.",
    "JOSEF",
    "One room is a whole country.",
    "He turns the lamp to the wall.",
    "(a beat)",
    "The kettle. Nobody moves.",
    "CUT TO:",
    "EXT. ROOFTOPS - DUSK",
    "Bells, far away, out of time.",
)


def script(draw: ImageDraw.ImageDraw, w: int, h: int, rng: np.random.Generator) -> None:
    """A page of a screenplay with pencil notes."""
    y, size = h * 0.07, h * 0.021
    words(draw, (w * 0.88, h * 0.03), f"{rng.integers(2, 90)}.", size, (50, 50, 50))
    while y < h * 0.92:
        line = LINES[rng.integers(len(LINES))]
        short = line.isupper() and len(line) < 8
        words(draw, (w * (0.46 if short else rng.choice([0.12, 0.12, 0.26])), y), line, size, (40, 38, 36))
        y += size * rng.choice([1.35, 1.35, 2.3])
    for _ in range(5):
        top = rng.uniform(0.1, 0.85) * h
        left = rng.uniform(0.5, 0.75) * w
        scribble(draw, (left, top, left + 0.2 * w, top + 0.02 * h), rng, (150, 40, 40), max(1, w // 260))


def storyboard(draw: ImageDraw.ImageDraw, w: int, h: int, rng: np.random.Generator) -> None:
    """A sheet of six sketched frames with notes beneath."""
    words(
        draw,
        (w * 0.06, h * 0.025),
        f"SEQ {rng.integers(1, 30)}   ONE ROOM",
        h * 0.03,
        (40, 40, 45),
        bold=0.03,
    )
    for i in range(6):
        left, top = w * (0.06 + 0.47 * (i % 2)), h * (0.085 + 0.30 * (i // 2))
        fw, fh = w * 0.41, h * 0.20
        tone = int(rng.integers(150, 235))
        draw.rectangle(
            (left, top, left + fw, top + fh), fill=(tone, tone, tone - 8), outline=(30, 30, 30), width=3
        )
        horizon = top + fh * rng.uniform(0.4, 0.7)
        dark = int(rng.integers(60, 130))
        draw.rectangle((left + 3, horizon, left + fw - 3, top + fh - 3), fill=(dark, dark, dark))
        for _ in range(int(rng.integers(2, 5))):
            x, s = left + fw * rng.uniform(0.12, 0.85), fh * rng.uniform(0.12, 0.3)
            g = int(rng.integers(20, 255))
            base = min(horizon + fh * rng.uniform(0.0, 0.3), top + fh - 4)
            if rng.random() < 0.5:
                draw.rectangle(
                    (x - s / 2, base - 1.6 * s, x + s / 2, base),
                    fill=(g, g, g),
                    outline=(25, 25, 25),
                    width=2,
                )
            else:
                draw.ellipse(
                    (x - s / 2, base - s, x + s / 2, base), fill=(g, g, g), outline=(25, 25, 25), width=2
                )
        for k in range(3):
            y = top + fh + h * (0.012 + 0.022 * k)
            scribble(draw, (left, y, left + fw * rng.uniform(0.5, 1), y + h * 0.014), rng, (60, 60, 70), 2)
