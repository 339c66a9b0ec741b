"""What somebody measured on the spot: `scale.json` in the set, kept when the poses are made anew."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

from setpiece.errors import SetFolderError, SetpieceError

SCALE_FILE = "scale.json"
SCALE_SCHEMA = 1
DISTANCE_ERROR = 0.003  # of a distance measured by hand, where nothing is said
LEAST_DISTANCE_ERROR_M = 0.002
HEIGHT_ERROR_M = 0.02  # of the height of a camera


@dataclass(frozen=True)
class Place:
    """A place in a photo: pixels of the original, as it is shown upright, from its top left corner."""

    photo: str  # path in the capture, or its file name where that is unique
    x: float
    y: float


@dataclass(frozen=True)
class Distance:
    """A length that was measured between two points, each shown in one photo or, better, in several."""

    metres: float
    error_m: float
    start: tuple[Place, ...]
    end: tuple[Place, ...]

    @property
    def detail(self) -> str:
        """Which one it is, in a few words."""
        return f"{self.metres:g} m in {self.start[0].photo}"


@dataclass(frozen=True)
class Measurements:
    """All that was measured."""

    distances: tuple[Distance, ...] = ()
    camera_height_m: float | None = None  # of the cameras over the floor, their median
    marker_mm: float | None = None  # side of the black square of a marker that was printed at another size


def read_measurements(folder: Path) -> Measurements:
    """What `scale.json` in the set says; nothing where there is none. Raises SetFolderError if damaged."""
    file = folder / SCALE_FILE
    if not file.exists():
        return Measurements()
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        if data["schema"] != SCALE_SCHEMA:
            raise SetFolderError(f"{file} has schema {data['schema']}; this version reads {SCALE_SCHEMA}.")
        return Measurements(
            distances=tuple(
                Distance(
                    float(d["metres"]),
                    float(d["error_m"]),
                    tuple(Place(**p) for p in d["start"]),
                    tuple(Place(**p) for p in d["end"]),
                )
                for d in data["distances"]
            ),
            camera_height_m=data.get("camera_height_m"),
            marker_mm=data.get("marker_mm"),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SetFolderError(f"{file} is damaged ({error}). Restore it, or delete it.") from error


def measurements_json(measurements: Measurements) -> bytes:
    """The contents of `scale.json`."""
    document = {"schema": SCALE_SCHEMA, **dataclasses.asdict(measurements)}
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()


def parse_place(text: str) -> Place:
    """The place written as PHOTO:X,Y. Raises SetpieceError when it is not written so."""
    photo, _, numbers = text.rpartition(":")
    try:
        x, y = (float(n) for n in numbers.split(","))
    except ValueError:
        photo = ""
    if not photo or not (abs(x) < 1e6 and abs(y) < 1e6):
        raise SetpieceError(
            f"{text!r} is no place in a photo. Write PHOTO:X,Y, such as IMG_0012.jpg:812,400."
        )
    return Place(photo, x, y)


def distance_error_m(metres: float) -> float:
    """The standard deviation of a distance of which nobody said how exact it is."""
    return max(LEAST_DISTANCE_ERROR_M, DISTANCE_ERROR * metres)
