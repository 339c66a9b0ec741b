"""Satellite positions: read, made relative, and the scale that they tell or rightly do not."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_photos import pose
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational
from test_frames import PLAIN

from setpiece.capture.demo import DemoCapture
from setpiece.capture.fixes import Fix, places_of, read_fix
from setpiece.capture.frames import Place, read_frames
from setpiece.capture.scale.posed_photos import PosedPhoto
from setpiece.capture.scale.satellite import scale_from_places
from setpiece.posed import read_posed_frames

UP = np.array([0.2, -0.9, 0.1]) / np.linalg.norm([0.2, -0.9, 0.1])  # in COLMAP's world
METRES_PER_UNIT = 7.0
GPS = ExifTags.IFD.GPSInfo


def walk(length_m: float, count: int = 25) -> np.ndarray:
    """A bent way in metres, [N, 3]: east, north, up."""
    t = np.linspace(0, 1, count)
    return np.stack([length_m * t, 0.2 * length_m * np.sin(3 * t), 1.6 + 0.02 * length_m * t], axis=1)


def photos_at(places: list[Place | None], way: np.ndarray) -> list[PosedPhoto]:
    x = np.linalg.svd(UP[None])[2][1]
    axes = np.stack([x, np.cross(UP, x), UP])  # a heading of its own
    photos = []
    for i, (place, centre) in enumerate(zip(places, way / METRES_PER_UNIT @ axes, strict=True)):
        frame = replace(PLAIN, name=f"{i:02d}.jpg", source=f"{i:02d}.jpg", order=i, place=place)
        photos.append(PosedPhoto(i, frame, None, np.c_[np.eye(3), -centre]))
    return photos


def measured(
    way: np.ndarray, noise_m: float, seed: int = 0, error_m: float | None = None
) -> list[Place | None]:
    noise = np.random.default_rng(seed).normal(0, noise_m, (len(way), 2))
    return [Place(*np.round(w[:2] + n, 2).tolist(), None, error_m) for w, n in zip(way, noise, strict=True)]


def test_a_long_way_tells_the_scale() -> None:
    way = walk(150)
    found, wrong, silent = scale_from_places(photos_at(measured(way, 2.0), way), UP)
    assert found is not None
    assert abs(found.metres_per_unit / METRES_PER_UNIT - 1) < 2 * found.error
    assert 0.005 < found.error < 0.05
    assert found.detail.startswith("25 positions along 15")
    assert (wrong, silent) == ([], None)


def test_stated_errors_contain_what_is_seen() -> None:
    way, off = walk(120), []
    for seed in range(40):
        found, _, _ = scale_from_places(photos_at(measured(way, 3.0, seed, 3.0), way), UP)
        assert found is not None
        off.append(abs(math.log(found.metres_per_unit / METRES_PER_UNIT)) / found.error)
    assert np.mean(np.array(off) < 1) > 0.68  # it allows for drift too, of which there is none here
    assert max(off) < 3


def test_a_jump_of_a_kilometre_is_named_and_dropped() -> None:
    way = walk(150)
    places = measured(way, 1.0)
    assert places[7] is not None
    places[7] = replace(places[7], east_m=places[7].east_m - 1020)
    places[20] = replace(places[20], north_m=400.0)  # type: ignore[type-var]
    found, wrong, _ = scale_from_places(photos_at(places, way), UP)
    assert found is not None
    assert abs(found.metres_per_unit / METRES_PER_UNIT - 1) < 2 * found.error
    assert wrong[0] == "07.jpg: its GPS position lies 1.0 km from where the others put it; it is not used"
    assert wrong[1].startswith("20.jpg: its GPS position lies 3")
    assert len(wrong) == 2


@pytest.mark.parametrize(
    ("length_m", "error_m", "message"),
    [
        (12, None, "the photos lie 13 m apart at most, and GPS is good to 5 m"),
        (30, 20.0, "and GPS is good to 20 m"),
    ],
)
def test_a_short_way_tells_nothing(length_m: float, error_m: float | None, message: str) -> None:
    way = walk(length_m)
    found, _, silent = scale_from_places(photos_at(measured(way, 1.0, error_m=error_m), way), UP)
    assert found is None
    assert silent is not None
    assert message in silent


def test_positions_that_have_nothing_to_do_with_the_way() -> None:
    way = walk(100)
    rng = np.random.default_rng(1)
    places: list[Place | None] = [Place(*rng.uniform(-500, 500, 2).tolist(), None, None) for _ in way]
    found, _, silent = scale_from_places(photos_at(places, way), UP)
    assert found is None
    assert silent is not None


def test_repeated_and_missing_positions() -> None:
    way = walk(100)
    none: list[Place | None] = [None] * len(way)
    assert scale_from_places(photos_at(none, way), UP) == (None, [], None)
    same: list[Place | None] = [Place(1.0, 2.0, None, None)] * len(way)
    found, _, silent = scale_from_places(photos_at(same, way), UP)
    assert found is None
    assert silent == "GPS does not tell the scale: there are only 1 different positions"
    places = measured(walk(150), 1.0)
    stale = [places[i - i % 3] for i in range(len(places))]  # a phone that looks up its place now and then
    found, _, _ = scale_from_places(photos_at(stale, walk(150)), UP)
    assert found is not None
    assert abs(found.metres_per_unit / METRES_PER_UNIT - 1) < 2 * found.error


def test_degrees_become_metres() -> None:
    first = Fix(55.698166, 13.195388, 40.0, 4.0)
    north = replace(first, latitude_deg=first.latitude_deg + 0.001)
    east = replace(first, longitude_deg=first.longitude_deg + 0.001, altitude_m=None)
    a, b, c, d = places_of([first, north, None, east])
    assert a == Place(0.0, 0.0, 0.0, 4.0)
    assert b is not None
    assert d is not None
    # GeographicLib: 0.001 degrees there are 111.357 m along the meridian and 62.892 m along the parallel
    assert (b.east_m, b.north_m) == (0.0, pytest.approx(111.36, abs=0.02))
    assert (d.east_m, d.north_m, d.up_m) == (pytest.approx(62.90, abs=0.03), 0.0, None)
    assert c is None
    across = places_of([replace(first, longitude_deg=179.9999), replace(first, longitude_deg=-179.9999)])
    assert across[1] is not None
    assert 0 < across[1].east_m < 20


@pytest.mark.parametrize(
    "gps",
    [
        {},
        {1: "N", 2: (0.0, 0.0, 0.0), 3: "E", 4: (0.0, 0.0, 0.0)},
        {1: "N", 2: (95.0, 0.0, 0.0), 3: "E", 4: (1.0, 0.0, 0.0)},
        {1: "N", 2: (float("nan"), 0.0, 0.0), 3: "E", 4: (1.0, 0.0, 0.0)},
        {1: "N", 2: (1.0, 0.0), 3: "E", 4: "x"},
        {1: "N", 2: (IFDRational(1, 0), 0.0, 0.0), 3: "E", 4: (1.0, 0.0, 0.0)},
    ],
)
def test_positions_that_are_none(gps: dict[int, object]) -> None:
    assert read_fix(gps) is None


def test_south_west_and_below_the_sea() -> None:
    found = read_fix({1: b"S\0", 2: (10, 30, 0), 3: "W", 4: (20, 0, 36), 5: b"\x01", 6: 12.0, 31: 3.5})
    assert found == Fix(-10.5, -20.01, -12.0, 3.5)


def test_a_capture_with_positions_is_metric(tiny_demo: DemoCapture, photos: Path, tmp_path: Path) -> None:
    # the demo's walk, ten times as large, as a phone in Lund would have noted it
    truth = tiny_demo.truth().photos
    for file in tiny_demo.photos:
        with Image.open(file) as picture:
            exif = picture.getexif()
            x, y, z = 10 * truth[file.name].camera.centre_in_world
            exif[GPS] = {
                **{1: "N", 2: _dms(55.7 + y / 111_360), 3: "E", 4: _dms(13.2 + x / 62_900)},
                **{6: 50 + float(z), 31: 2.0},
            }
            picture.save(photos / file.name, exif=exif, quality=95)
    target, _ = pose(photos, tmp_path / "set")
    frame = target.document()["frame"]
    assert frame["scale_source"] == "GPS"
    centres = np.array([p.camera.centre_in_world for p in truth.values()])
    places = [f.place for f in read_frames(target.capture)]
    assert all(p is not None and p.error_m == 2.0 for p in places)
    way = max(math.hypot(p.east_m, p.north_m) for p in places if p)
    assert way == pytest.approx(10 * np.linalg.norm((centres - centres[0])[:, :2], axis=1).max(), rel=0.01)
    heights = [f.camera.centre_in_world[2] for f in read_posed_frames(target.poses).frames]
    assert np.median(heights) == pytest.approx(10 * np.median(centres[:, 2]), rel=4 * frame["scale_error"])
    for file in target.path.rglob("*.json"):  # nothing says where on Earth that is
        assert b"13.2000" not in file.read_bytes(), file
    for picture_file in (target.capture / "frames").iterdir():
        with Image.open(picture_file) as picture:
            assert not picture.getexif().get_ifd(GPS)


def _dms(degrees: float) -> tuple[float, float, float]:
    whole, rest = divmod(degrees, 1)
    minutes, rest = divmod(60 * rest, 1)
    return whole, minutes, round(60 * rest, 4)
