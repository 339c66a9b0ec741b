"""The good capture and its damaged copies, made once."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from made_captures import (
    arc,
    behind,
    copied,
    cover,
    crop,
    expose,
    mirror,
    pass_by,
    shoot,
    shrink,
    smear,
    stand,
    turn,
)
from made_places import facade, furnished_differently, lit

from setpiece.capture.check.check import Checked, check_capture
from setpiece.capture.demo.litset import LitSet
from setpiece.capture.demo.room import room
from setpiece.capture.options import PoseOptions
from setpiece.capture.sources import find_sources
from setpiece.progress import SilentProgress
from setpiece.setfolder import SetFolder

PHOTOS = 20
Make = Callable[[Path], None]


@pytest.fixture(scope="session")
def film_set() -> LitSet:
    return lit(room())


@pytest.fixture(scope="session")
def good(film_set: LitSet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A capture without faults. Treat it as read-only."""
    return shoot(film_set, arc(PHOTOS), tmp_path_factory.mktemp("captures") / "good")


@pytest.fixture(scope="session")
def facade_photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A walk along a front that repeats itself."""
    return shoot(lit(facade()), pass_by(20, -6, 6), tmp_path_factory.mktemp("facade") / "photos")


@pytest.fixture(scope="session")
def double_photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same walk through another room that is furnished much the same."""
    views = arc(PHOTOS, seed=2)
    return shoot(lit(furnished_differently()), views, tmp_path_factory.mktemp("double") / "photos", PHOTOS)


@pytest.fixture(scope="session")
def damaged(
    good: Path, film_set: LitSet, facade_photos: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """A capture by the name of its damage."""
    place = tmp_path_factory.mktemp("damaged")

    def blurred(folder: Path) -> None:
        for file in copied(good, folder)[8:12]:
            smear(file)

    def gap(folder: Path) -> None:
        copied(good, folder, without=range(7, 13))

    def exposed(folder: Path) -> None:
        for file in copied(good, folder)[12:]:
            expose(file, 1.6, 0.3)

    def two_places(folder: Path) -> None:
        copied(good, folder)
        shoot(film_set, behind(8), folder, PHOTOS)

    def thumb(folder: Path) -> None:
        for file in copied(good, folder)[6:9]:
            cover(file, 0.25)

    def mirrored(folder: Path) -> None:
        for file in copied(good, folder)[3::5]:
            mirror(file)

    def resized(folder: Path) -> None:
        files = copied(good, folder)
        for file in files[3:6]:
            crop(file, 0.7)
        for file in files[12:15]:
            shrink(file, 0.5)

    makers: dict[str, Make] = {
        "blur": blurred,
        "gap": gap,
        "rotation": lambda folder: void(shoot(film_set, turn(10, 8), folder)),
        "exposure": exposed,
        "two places": two_places,
        "thumb": thumb,
        "mirrored": mirrored,
        "resized": resized,
        "facade": lambda folder: void(shutil.copytree(facade_photos, folder)),
        "alike": lambda folder: void(shoot(film_set, stand(8), folder)),
    }

    def of(name: str) -> Path:
        folder = place / name
        if not folder.exists():
            makers[name](folder)
        return folder

    return of


def void(_: object) -> None:
    """What a maker returns."""


@pytest.fixture(scope="session")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Checked]:
    """The check of a folder, made once."""

    done: dict[Path, Checked] = {}

    def of(folder: Path) -> Checked:
        if folder not in done:
            done[folder] = check(folder)
        return done[folder]

    def check(folder: Path) -> Checked:
        scratch = SetFolder.create(tmp_path_factory.mktemp("scratch") / "set")
        return check_capture(
            scratch, find_sources(folder), PoseOptions(threads=2, max_features=2048), SilentProgress()
        )

    return of
