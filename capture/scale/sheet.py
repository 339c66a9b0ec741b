"""The page with a marker to print: a PDF of black rectangles and text, exact in millimetres.

A PDF's unit is 1/72 inch. Only what is needed of the format is written (ISO 32000-1): a catalogue, a page per
marker, the standard font Helvetica, and the drawing itself, uncompressed.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from setpiece.capture.scale.tags import CELLS, IDS, PRINTED_MM
from setpiece.errors import SetpieceError

_POINTS_PER_MM = 72 / 25.4
RULER_MM = 100.0


class Paper(enum.Enum):
    """Sizes of paper."""

    A4 = "a4"
    LETTER = "letter"

    @property
    def size_mm(self) -> tuple[float, float]:
        """Width and height."""
        return (210.0, 297.0) if self is Paper.A4 else (215.9, 279.4)


def tag_cells(number: int) -> NDArray[np.bool_]:
    """Where marker `number` is black, [8, 8], rows from the top."""
    tags = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_APRILTAG_36h11)
    drawn = cv2.aruco.generateImageMarker(tags, number, CELLS, borderBits=1)
    black: NDArray[np.bool_] = np.asarray(drawn) < 128
    return black


def marker_pdf(numbers: Sequence[int], paper: Paper) -> bytes:
    """A PDF with one page for each number. Raises SetpieceError for numbers that are not used."""
    for number in numbers:
        if not 0 <= number < IDS:
            raise SetpieceError(f"there is no marker {number}; the numbers are 0 to {IDS - 1}.")
    width, height = paper.size_mm
    box = f"[0 0 {width * _POINTS_PER_MM:.4f} {height * _POINTS_PER_MM:.4f}]"
    first = 4  # after catalogue, pages and font
    pages = [first + 2 * k for k in range(len(numbers))]
    objects = [
        # PrintScaling asks the program that prints not to fit the page
        b"<< /Type /Catalog /Pages 2 0 R /ViewerPreferences << /PrintScaling /None >> >>",
        f"<< /Type /Pages /Kids [{' '.join(f'{p} 0 R' for p in pages)}] /Count {len(pages)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for page, number in zip(pages, numbers, strict=True):
        drawing = _drawing(number, width, height).encode("cp1252")
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox {box} /Contents {page + 1} 0 R "
            "/Resources << /Font << /F 3 0 R >> >> >>".encode()
        )
        objects.append(b"<< /Length %d >>\nstream\n%b\nendstream" % (len(drawing), drawing))
    return _file(objects)


def _drawing(number: int, width: float, height: float) -> str:
    """The page in millimetres from its lower left corner."""
    cell = PRINTED_MM / CELLS
    left, top = (width - PRINTED_MM) / 2, height - cell - 5.0
    lines = [f"{_POINTS_PER_MM:.8f} 0 0 {_POINTS_PER_MM:.8f} 0 0 cm", "0 g"]
    for row, blacks in enumerate(tag_cells(number)):
        y, start = top - (row + 1) * cell, None
        for column, black in enumerate(
            [*blacks.tolist(), False]
        ):  # runs, so that no seam shows between cells
            if black and start is None:
                start = column
            elif not black and start is not None:
                lines.append(f"{left + start * cell:.4f} {y:.4f} {(column - start) * cell:.4f} {cell:.4f} re")
                start = None
    lines.append("f")
    below = top - PRINTED_MM - cell
    ruler = (width - RULER_MM) / 2
    lines.append("0.2 w")
    lines += [f"{ruler:.4f} {below:.4f} m {ruler + RULER_MM:.4f} {below:.4f} l S"]
    for k in range(11):
        tick = 5.0 if k % 5 == 0 else 3.0
        x = ruler + k * RULER_MM / 10
        lines.append(f"{x:.4f} {below:.4f} m {x:.4f} {below - tick:.4f} l S")
    text = [
        (4.0, f"This line is {RULER_MM:g} mm long, and the black square {PRINTED_MM:g} mm wide."),
        (3.4, "Print at 100 %, without fitting to the page, and check both with a ruler."),
        (
            3.4,
            "Another size? Measure the black square and say so: setpiece build ... --marker-size-mm 155",
        ),
        (
            3.4,
            "Put it flat on the floor or a table, or tape it to a wall; no folds, something stiff behind.",
        ),
        (3.4, "Show it whole, with its white edge, in five photos or more, from different sides."),
        (
            3.4,
            "In some it should be a tenth as wide as the photo. Do not move it until you are done.",
        ),
        (3.4, f"Setpiece marker {number} (AprilTag 36h11). Print others with: setpiece marker --ids 0-3"),
    ]
    y = below - 13.0
    for size, words in text:
        lines.append(f"BT /F {size:g} Tf {20:g} {y:.3f} Td ({_escaped(words)}) Tj ET")
        y -= 1.6 * size
    return "\n".join(lines)


def _escaped(words: str) -> str:
    return words.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")


def _file(objects: Sequence[bytes]) -> bytes:
    """A PDF of the objects, the first of which is the catalogue."""
    out = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    places = []
    for number, content in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    for place in places:
        out += b"%010d 00000 n \n" % place
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)
