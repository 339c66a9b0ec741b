"""Each of ten damaged captures is found out, and good ones pass in silence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from setpiece.capture.check.check import Checked

Damaged = Callable[[str], Path]
Check = Callable[[Path], Checked]

# damage -> kind of the first finding, and photos that it must name (by number from 1) and must not
FOUND: dict[str, tuple[str, set[int], set[int]]] = {
    "blur": ("blur", {9, 10, 11, 12}, {8, 13}),
    "gap": ("gap", {7, 14}, {1, 20}),
    "rotation": ("turning", {1, 10}, set()),
    "exposure": ("exposure", {13, 20}, {1, 12}),
    "two places": ("places", set(range(21, 29)), {1, 20}),
    "thumb": ("covered", {7, 8, 9}, {6, 10}),
    "mirrored": ("mirrored", {4, 9, 14, 19}, {1, 3, 5, 10}),
    "resized": ("resized", {4, 5, 6, 13, 14, 15}, {3, 7, 12, 16}),
    "facade": ("repeated", set(), set()),
    "alike": ("alike", {1, 8}, set()),
}


@pytest.mark.parametrize("damage", FOUND)
def test_a_damaged_capture(damage: str, damaged: Damaged, checked: Check) -> None:
    kind, named, spared = FOUND[damage]
    found = checked(damaged(damage)).reshoot
    assert found, "nothing was said"
    first = found[0]
    assert first.kind == kind, [f.sentence for f in found]
    numbers = {int(Path(p).stem[-4:]) for p in first.photos}
    assert named <= numbers, first.sentence
    assert not spared & numbers, first.sentence
    if damage not in ("rotation", "alike", "facade"):
        assert [f.kind for f in found] == [kind], [f.sentence for f in found]


def test_a_good_capture_passes(good: Path, checked: Check) -> None:
    result = checked(good)
    assert not result.findings, [f.sentence for f in result.findings]
    assert len(result.look.placed) == 20


@pytest.mark.parametrize(
    "capture",
    ["fox/images", "strecha_fountain-P11_half/images", "opensfm_lund/images"],
    ids=["fox", "fountain", "lund"],
)
def test_a_real_capture_passes(capture: str, shared_data: Path, checked: Check) -> None:
    result = checked(shared_data / capture)
    assert not result.reshoot, [f.sentence for f in result.reshoot]
