"""The scene stage: trained splats become the file that is shown."""

from __future__ import annotations

import dataclasses
import sys
import types
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from setpiece.errors import TrainingError
from setpiece.export.ply import read_ply
from setpiece.export.scene import SceneOptions, unfit, write_scene, write_scene_splats
from setpiece.progress import SilentProgress
from setpiece.setfolder import SetFolder
from setpiece.splats import Splats

MakeSplats = Callable[..., Splats]


class Lines(SilentProgress):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def line(self, text: str) -> None:
        self.lines.append(text)


@pytest.fixture
def target(tmp_path: Path) -> SetFolder:
    return SetFolder.create(tmp_path / "my set")


def with_faults(splats: Splats) -> Splats:
    """Rows 0 to 2 cannot be shown, 3 and 4 would be invisible."""
    splats.means[0, 1] = np.nan
    splats.sh[1, 0, 2] = np.inf
    splats.quats_wxyz[2] = 0
    splats.opacity_logits[3:5] = -8  # opacity 0.0003
    splats.opacity_logits[5:] = 1
    return splats


def test_what_cannot_be_shown_is_left_out_and_said(target: SetFolder, random_splats: MakeSplats) -> None:
    progress = Lines()
    splats = with_faults(random_splats(1000, 1))
    result = write_scene_splats(target, splats, progress=progress)
    path = target.path / "splats" / "scene.ply"
    assert result == {
        "splats": 995,
        "bytes": path.stat().st_size,
        "removed": {"not finite": 3, "invisible": 2},
    }
    assert progress.lines == ["Left 5 of 1,000 splats out of splats/scene.ply: 3 not finite, 2 invisible."]
    np.testing.assert_array_equal(read_ply(path).means, splats.means[5:])


def test_nothing_is_said_when_nothing_is_left_out(target: SetFolder, random_splats: MakeSplats) -> None:
    progress = Lines()
    splats = dataclasses.replace(random_splats(10), opacity_logits=np.ones(10, np.float32))
    assert write_scene_splats(target, splats, progress=progress)["removed"] == {
        "not finite": 0,
        "invisible": 0,
    }
    assert progress.lines == []


def test_a_splat_is_counted_once(random_splats: MakeSplats) -> None:
    splats = random_splats(1)
    splats.means[0] = np.nan
    splats.opacity_logits[0] = -20
    reasons = unfit(splats, SceneOptions())
    assert sum(int(r.sum()) for r in reasons.values()) == 1


def test_opacity_threshold_is_an_option(target: SetFolder, random_splats: MakeSplats) -> None:
    splats = dataclasses.replace(random_splats(10), opacity_logits=np.full(10, -8, np.float32))
    assert write_scene_splats(target, splats, SceneOptions(min_opacity=0))["splats"] == 10
    with pytest.raises(TrainingError, match="none of the 10 trained splats"):
        write_scene_splats(target, splats)


def test_an_old_scene_survives_a_failure(target: SetFolder, random_splats: MakeSplats) -> None:
    good = dataclasses.replace(random_splats(10), opacity_logits=np.ones(10, np.float32))
    write_scene_splats(target, good)
    before = (target.splats / "scene.ply").read_bytes()
    good.means[:] = np.nan
    with pytest.raises(TrainingError):
        write_scene_splats(target, good)
    assert (target.splats / "scene.ply").read_bytes() == before
    assert [p.name for p in target.splats.iterdir()] == ["scene.ply"]


def test_the_stage_reads_the_checkpoint(
    target: SetFolder, random_splats: MakeSplats, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = types.ModuleType("setpiece.reconstruct.checkpoint")
    module.read_splats = lambda _: random_splats(100)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "setpiece.reconstruct.checkpoint", module)
    result = write_scene(target, SceneOptions(), SilentProgress())
    assert result["splats"] + sum(result["removed"].values()) == 100
