"""Scale from what somebody measured on the spot."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from setpiece.capture.align import similarity
from setpiece.capture.demo import DemoCapture
from setpiece.capture.demo.truth import project_distorted
from setpiece.capture.scale.distance import scale_from_distance
from setpiece.capture.scale.height import scale_from_height
from setpiece.capture.scale.known import Posed, scale_of
from setpiece.capture.scale.measured import (
    Distance,
    Measurements,
    Place,
    measurements_json,
    parse_place,
    read_measurements,
)
from setpiece.capture.scale.rescale import read_posed, read_poses_document
from setpiece.errors import SetFolderError, SetpieceError
from setpiece.setfolder import SetFolder

POSTER = np.array([[-0.40, 2.394, 2.25], [0.30, 2.394, 1.25]])  # metres: two corners of the film poster


@pytest.fixture(scope="module")
def posed(posed_demo: tuple[SetFolder, dict[str, object]]) -> Posed:
    target, _ = posed_demo
    return read_posed(target, read_poses_document(target))


def true_metres_per_unit(posed: Posed, demo: DemoCapture) -> float:
    truth = demo.truth().photos
    ours = np.array([p.centre for p in posed.photos])
    true = np.array([truth[p.frame.source].camera.centre_in_world for p in posed.photos])
    return float(np.cbrt(np.linalg.det(similarity(ours, true)[:3, :3])))


def seen(demo: DemoCapture, photo: str, point: np.ndarray) -> Place:
    """Where the true camera shows a point, if it does."""
    x, y, _ = project_distorted(demo.truth().photos[photo], point[None])[0]
    return Place(photo, round(float(x), 1), round(float(y), 1))


def showing(demo: DemoCapture, point: np.ndarray) -> list[str]:
    names = []
    for name, photo in demo.truth().photos.items():
        x, y, depth = project_distorted(photo, point[None])[0]
        if depth > 0 and 5 < x < photo.camera.width - 5 and 5 < y < photo.camera.height - 5:
            names.append(name)
    return names


def measured(demo: DemoCapture, ends: np.ndarray = POSTER) -> Distance:
    both = [n for n in showing(demo, ends[0]) if n in showing(demo, ends[1])]
    places = [tuple(seen(demo, n, end) for n in (both[0], both[-1])) for end in ends]
    return Distance(float(np.linalg.norm(ends[0] - ends[1])), 0.002, places[0], places[1])


def test_a_poster_tells_the_scale(posed: Posed, tiny_demo: DemoCapture) -> None:
    found = scale_from_distance(measured(tiny_demo), posed.photos, posed.reconstruction)
    truth = true_metres_per_unit(posed, tiny_demo)
    assert found.metres_per_unit == pytest.approx(truth, rel=0.005)
    assert abs(found.metres_per_unit / truth - 1) < 3 * found.error < 0.05


def test_one_photo_will_do_where_points_are_near(posed: Posed, tiny_demo: DemoCapture) -> None:
    truth, whole = true_metres_per_unit(posed, tiny_demo), 0
    for name in showing(tiny_demo, POSTER.mean(axis=0)):
        inner = POSTER.mean(axis=0) + 0.7 * (POSTER - POSTER.mean(axis=0))  # around it lies the picture
        places = [(seen(tiny_demo, name, end),) for end in inner]
        distance = Distance(float(np.linalg.norm(inner[0] - inner[1])), 0.002, places[0], places[1])
        try:
            found = scale_from_distance(distance, posed.photos, posed.reconstruction)
        except SetpieceError:  # too few points around it, or it is not in this photo
            continue
        whole += 1
        assert abs(np.log(found.metres_per_unit / truth)) < 3 * found.error
    assert whole >= 2


def test_clicks_that_do_not_meet(posed: Posed, tiny_demo: DemoCapture) -> None:
    good = measured(tiny_demo)
    wrong = Place(good.start[1].photo, good.start[1].x, good.start[1].y + 60)
    bad = Distance(good.metres, 0.002, (good.start[0], wrong), good.end)
    with pytest.raises(SetpieceError, match="do not show the same point: they miss each other by"):
        scale_from_distance(bad, posed.photos, posed.reconstruction)


@pytest.mark.parametrize(
    ("place", "message"),
    [
        (Place("nothing.jpg", 1, 1), "no photo called nothing.jpg has a pose"),
        (Place("IMG_0001.jpg", 5000, 1), "is 480x360 pixels; 5000,1 lies outside"),
        (Place("IMG_0001.jpg", float("nan"), 1), "lies outside"),
    ],
)
def test_places_that_are_none(posed: Posed, tiny_demo: DemoCapture, place: Place, message: str) -> None:
    good = measured(tiny_demo)
    with pytest.raises(SetpieceError, match=message):
        scale_from_distance(Distance(1.0, 0.002, (place,), good.end), posed.photos, posed.reconstruction)


def test_a_distance_of_nothing(posed: Posed, tiny_demo: DemoCapture) -> None:
    good = measured(tiny_demo)
    with pytest.raises(SetpieceError, match=r"same point|too near to each other"):
        scale_from_distance(Distance(1.0, 0.002, good.start, good.start), posed.photos, posed.reconstruction)


def test_the_height_of_the_camera(posed: Posed, tiny_demo: DemoCapture) -> None:
    truth = true_metres_per_unit(posed, tiny_demo)
    heights = [p.camera.centre_in_world[2] for p in tiny_demo.truth().photos.values()]
    found = scale_from_height(float(np.median(heights)), posed.heights())
    assert abs(found.metres_per_unit / truth - 1) < 3 * found.error
    with pytest.raises(SetpieceError, match="Measure a distance"):
        scale_from_height(1.6, np.array([0.1, -1.0, 2.0]))


def test_what_cannot_be_used_is_said(posed: Posed, tiny_demo: DemoCapture) -> None:
    gone = Distance(1.0, 0.002, (Place("gone.jpg", 1, 1),), (Place("gone.jpg", 5, 5),))
    scale, unused = scale_of(posed, [], Measurements((gone, measured(tiny_demo))))
    assert scale is not None
    assert len(scale.estimates) == 1
    assert unused[0].startswith("the distance 1 m in gone.jpg is not used: no photo called gone.jpg")


def test_measurements_survive_their_file(tmp_path: Path) -> None:
    distance = Distance(
        2.5, 0.01, (Place("a b.jpg", 1.5, 2), Place("ö.heic", 3, 4)), (Place("a b.jpg", 5, 6),)
    )
    some = Measurements((distance,), 1.6, 155.0)
    assert read_measurements(tmp_path) == Measurements()
    (tmp_path / "scale.json").write_bytes(measurements_json(some))
    assert read_measurements(tmp_path) == some
    (tmp_path / "scale.json").write_text('{"schema": 1, "distances": [{}]}')
    with pytest.raises(SetFolderError, match="damaged"):
        read_measurements(tmp_path)


def test_how_places_are_written() -> None:
    assert parse_place("day 1/a:b.jpg:12.5,7") == Place("day 1/a:b.jpg", 12.5, 7)
    for text in ("a.jpg", "a.jpg:1", "a.jpg:1,2,3", ":1,2", "a.jpg:x,y", "a.jpg:nan,1", "a.jpg:1e9,1"):
        with pytest.raises(SetpieceError, match="Write PHOTO:X,Y"):
            parse_place(text)


def test_pixels_are_those_of_the_original(tiny_demo: DemoCapture, posed: Posed) -> None:
    photo = posed.photos[0]
    larger = replace(photo, frame=replace(photo.frame, taken_width=2 * photo.frame.width))
    assert np.allclose(larger.from_photo_px(100, 40), (50, 20))
