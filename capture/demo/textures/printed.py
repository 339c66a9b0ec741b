"""Small printed and lettered things: books, the slate, labels and stencils."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from setpiece.capture.demo.geometry.patch import Paint
from setpiece.capture.demo.textures.lettering import Draw, Ink, ink, scribble, words
from setpiece.capture.demo.textures.sheet import Colour, Float32, Sheet, albedo, fit, mix, step

TITLES = (
    "LIGHT",
    "THE LONG TAKE",
    "SHADOWS",
    "A Room",
    "LENSES",
    "Montage",
    "EXITS",
    "Sound & Sea",
    "NORTH",
    "The Prompter",
    "TWELVE SETS",
    "Paper Cities",
    "DEPTH",
    "Rain",
    "OPTICS II",
    "Balcony",
    "VOICES",
    "The Understudy",
    "GRIP",
    "Colour",
    "MASKS",
    "Interval",
    "DAY FOR NIGHT",
    "Curtain",
    "TRAMS",
    "The Plan",
    "ORIGINS",
    "Props",
    "FOG",
)


def spine(colour: Colour) -> Paint:
    """A paint of a book's spine: bands and a title that runs down it."""

    def paint(sheet: Sheet) -> Float32:
        rng = sheet.rng(1)
        w, h = 96, max(96, round(96 * sheet.height / sheet.width))
        canvas = Image.new("RGB", (h, w), ink(colour))  # lying down: the title reads from top to bottom
        draw = ImageDraw.Draw(canvas)
        pale: Ink = (236, 220, 180) if sum(colour) < 1.5 else (52, 36, 36)
        for at in rng.uniform(0.02, 0.16, 2).tolist() + rng.uniform(0.82, 0.97, 2).tolist():
            draw.rectangle((h * at, 0, h * at + 6, w), fill=pale)
        if rng.random() < 0.4:
            draw.rectangle(
                (h * 0.22, w * 0.08, h * 0.72, w * 0.92), fill=tuple(int(255 * c * 0.55) for c in colour)
            )
        words(
            draw,
            (h * 0.25, w * 0.5),
            TITLES[rng.integers(len(TITLES))],
            w * rng.uniform(0.42, 0.6),
            pale,
            anchor="lm",
            bold=0.02,
        )
        face = fit(np.ascontiguousarray(np.rot90(np.asarray(canvas), -1)), sheet)
        worn = step(
            0.0035, 0.0, np.minimum(sheet.y_m, np.float32(sheet.size_m[1]) - sheet.y_m) + 0 * sheet.x_m
        )
        face = (
            face * (1 + 0.08 * sheet.noise(0.012, 3, salt=2) + 0.06 * sheet.noise(0.05, 3, salt=3))[..., None]
        )
        return albedo(mix(face, (0.7, 0.62, 0.5), 0.5 * worn))

    return paint


def pages(sheet: Sheet) -> Float32:
    """The cut edge of a book's pages, lines along x."""
    lines = sheet.noise((0.3, 0.0016), 2, salt=1)
    return albedo(
        sheet.flat((0.84, 0.78, 0.65)) * (1 + 0.10 * lines + 0.05 * sheet.noise(0.02, 3, salt=2))[..., None]
    )


def cover(colour: Colour) -> Draw:
    """The drawing of a book's cover."""

    def draw_cover(draw: ImageDraw.ImageDraw, w: int, h: int, rng: np.random.Generator) -> None:
        draw.rectangle((0, 0, w, h), fill=ink(colour))
        pale: Ink = (238, 224, 190) if sum(colour) < 1.5 else (50, 34, 40)
        draw.rectangle((w * 0.06, h * 0.05, w * 0.94, h * 0.95), outline=pale, width=max(2, w // 90))
        words(
            draw,
            (w * 0.5, h * 0.22),
            TITLES[rng.integers(len(TITLES))],
            w * 0.10,
            pale,
            anchor="mm",
            bold=0.03,
        )
        for _ in range(7):
            x, y, r = rng.uniform(0.2, 0.8) * w, rng.uniform(0.4, 0.82) * h, rng.uniform(0.04, 0.15) * w
            draw.ellipse((x - r, y - r, x + r, y + r), outline=pale, width=max(2, w // 110))
        scribble(draw, (w * 0.3, h * 0.87, w * 0.7, h * 0.91), rng, pale, 3)

    return draw_cover


def slate(draw: ImageDraw.ImageDraw, w: int, h: int, rng: np.random.Generator) -> None:
    """The board of a clapper: production, roll, scene, take in chalk."""
    draw.rectangle((0, 0, w, h), fill=(34, 36, 38))
    white: Ink = (226, 226, 218)
    for x in (0.34, 0.67):
        draw.line((w * x, h * 0.40, w * x, h * 0.72), fill=white, width=3)
    for y in (0.40, 0.72):
        draw.line((w * 0.03, h * y, w * 0.97, h * y), fill=white, width=3)
    words(draw, (w * 0.05, h * 0.06), "PROD.", w * 0.045, white)
    words(draw, (w * 0.24, h * 0.12), "THE LAST TRAM", w * 0.088, white, bold=0.03)
    for i, (name, value) in enumerate((("ROLL", "A07"), ("SCENE", "12"), ("TAKE", "3"))):
        words(draw, (w * (0.04 + 0.33 * i), h * 0.42), name, w * 0.04, white)
        words(draw, (w * (0.19 + 0.33 * i), h * 0.60), value, w * 0.13, white, anchor="mm", bold=0.03)
    words(draw, (w * 0.05, h * 0.77), "DIR.  A. VESELA", w * 0.055, white)
    words(draw, (w * 0.05, h * 0.88), "CAM.  T. OKONJO   DAY   INT", w * 0.055, white)
    for _ in range(6):
        x, y = rng.uniform(0, 0.8) * w, rng.uniform(0, 0.9) * h
        scribble(draw, (x, y, x + 0.2 * w, y + 0.03 * h), rng, (86, 88, 90), 3)


def sticks(draw: ImageDraw.ImageDraw, w: int, h: int, rng: np.random.Generator) -> None:
    """The striped sticks of a clapper."""
    draw.rectangle((0, 0, w, h), fill=(30, 30, 32))
    for k in range(-1, 8):
        x = w * k / 6.5
        draw.polygon(
            [(x, 0), (x + w / 13, 0), (x + w / 13 + h * 0.8, h), (x + h * 0.8, h)], fill=(232, 230, 222)
        )


def stencilled(ground: Paint, text: str, size: float = 0.3, colour: Ink = (40, 30, 26)) -> Paint:
    """`ground` with worn letters across its middle; `size` is their height as a share of the sheet's."""

    def paint(sheet: Sheet) -> Float32:
        w, h = sheet.width, sheet.height
        canvas = Image.new("RGB", (w, h))
        words(ImageDraw.Draw(canvas), (w / 2, h / 2), text, h * size, (255, 255, 255), anchor="mm", bold=0.04)
        cover_ = (
            np.asarray(canvas, np.float32)[..., 0] / 255 * step(-2.1, -1.2, sheet.noise(0.02, 4, salt=91))
        )
        return mix(ground(sheet), tuple(c / 255 for c in colour), 0.85 * cover_)  # type: ignore[arg-type]

    return paint


def label(text: str, paper: Colour = (0.86, 0.82, 0.70)) -> Draw:
    """The drawing of a paper label with a title and handwriting."""

    def draw_label(draw: ImageDraw.ImageDraw, w: int, h: int, rng: np.random.Generator) -> None:
        draw.rectangle((0, 0, w, h), fill=ink(paper))
        draw.rectangle((w * 0.02, h * 0.06, w * 0.98, h * 0.94), outline=(120, 30, 30), width=max(2, h // 30))
        words(draw, (w * 0.06, h * 0.12), text, h * 0.3, (120, 30, 30), bold=0.03)
        scribble(draw, (w * 0.06, h * 0.55, w * 0.9, h * 0.85), rng, (40, 40, 60), max(2, h // 40))

    return draw_label
