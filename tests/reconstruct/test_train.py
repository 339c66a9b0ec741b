"""The training stage on a tiny set, with the judge as its engine."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

from heard import Heard

from judge.engine import JudgeEngine
from judge.sets import make_tiny_set
from setpiece.errors import SetFolderError, TrainingError
from setpiece.reconstruct import train as stage
from setpiece.reconstruct.checkpoint import folder_of, read_splats, running
from setpiece.reconstruct.engine import Batch, Losses
from setpiece.reconstruct.options import TrainOptions
from setpiece.setfolder import SetFolder

OPTIONS = TrainOptions(steps=120, max_splats=90, sh_degree=1, exposure=True, threads=1)


class Stopping(JudgeEngine):
    """Presses Ctrl-C in the middle of a step."""

    stop_at = 70

    def step(self, batch: Batch) -> Losses:
        losses = super().step(batch)
        if self.steps == self.stop_at:
            os.kill(os.getpid(), signal.SIGINT)
        return losses


@pytest.fixture(autouse=True)
def judged(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, JudgeEngine)


def use(monkeypatch: pytest.MonkeyPatch, engine: type[JudgeEngine]) -> None:
    monkeypatch.setattr(stage, "make_engine", lambda device, splats, threads: engine(splats, threads))


def test_training_leaves_a_good_scene(tiny_set: SetFolder, heard: Heard) -> None:
    result = stage.train(tiny_set, OPTIONS, heard)
    assert result["psnr"] > 22
    assert result["psnr_train"] > 22
    assert result["ssim"] > 0.7
    assert (result["train_frames"], result["test_frames"], result["steps"]) == (8, 2, 120)
    assert (result["image_width"], result["image_height"]) == (40, 30)
    assert result["resumed_from_step"] is None
    assert read_splats(tiny_set).count == result["splats"]
    assert 60 < result["splats"] <= 90  # it began with 30
    assert heard.advanced == heard.total
    assert "splats, loss 0." in heard.notes[-1]
    assert not heard.warnings
    metrics = json.loads((tiny_set.splats / "metrics.json").read_text())
    assert [f["name"] for f in metrics["frames"]] == ["photo 02é.png", "photo 07é.png"]
    assert metrics["curve"][-1]["psnr"] == result["psnr"] > metrics["curve"][0]["psnr"]
    assert len(metrics["exposure"]) == 10
    for kind in ("photo", "render", "error"):
        assert (tiny_set.splats / "evaluation" / f"photo 02é.png.{kind}.jpg").stat().st_size > 0
    assert not running(folder_of(tiny_set))


def test_a_finished_training_is_not_run_again(tiny_set: SetFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    options = replace(OPTIONS, steps=4)
    first = stage.train(tiny_set, options)
    monkeypatch.setattr(stage, "make_engine", None)
    assert stage.train(tiny_set, replace(options, threads=2)) == first


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT to send to oneself")
def test_ctrl_c_saves_and_the_rest_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, heard: Heard
) -> None:
    whole, stopped = make_tiny_set(tmp_path / "a"), make_tiny_set(tmp_path / "b")
    stage.train(whole, OPTIONS)
    use(monkeypatch, Stopping)
    with pytest.raises(KeyboardInterrupt):
        stage.train(stopped, OPTIONS, heard)
    assert heard.lines == ["Stopped at step 70 of 120; everything is saved."]
    use(monkeypatch, JudgeEngine)
    result = stage.train(stopped, OPTIONS, heard)
    assert result["resumed_from_step"] == 70
    assert same(read_splats(whole), read_splats(stopped))


def test_a_damaged_checkpoint_is_passed_over(
    tiny_set: SetFolder, monkeypatch: pytest.MonkeyPatch, heard: Heard
) -> None:
    class Killed(JudgeEngine):
        def step(self, batch: Batch) -> Losses:
            if self.steps == 60:
                raise RuntimeError("killed")
            return super().step(batch)

    use(monkeypatch, Killed)
    with pytest.raises(RuntimeError, match="killed"):
        stage.train(tiny_set, replace(OPTIONS, checkpoint_seconds=0.0), heard)
    newest, older = running(folder_of(tiny_set))
    assert (newest.name[:12], older.name[:12]) == ("step-0000060", "step-0000059")
    data = bytearray(newest.read_bytes())
    data[len(data) // 2] ^= 1
    newest.write_bytes(data)
    use(monkeypatch, JudgeEngine)
    result = stage.train(tiny_set, OPTIONS, heard)
    assert result["resumed_from_step"] == 59
    assert "step-0000060" in heard.warnings[0]


@pytest.mark.parametrize("damage", [b"", b"{}\n", b"\xff\x00\n\n"])
def test_only_damaged_checkpoints_start_again(tiny_set: SetFolder, heard: Heard, damage: bytes) -> None:
    folder = folder_of(tiny_set)
    folder.mkdir(parents=True)
    options = replace(OPTIONS, steps=4)
    digest = stage.checkpoint_digest(stage.training_digest(tiny_set, options), "judge")
    (folder / f"step-0000003-{digest[:8]}").write_bytes(damage)
    assert stage.train(tiny_set, options, heard)["resumed_from_step"] is None
    assert len(heard.warnings) == 1


def test_an_unfit_checkpoint_does_not_displace_those_of_the_new_start(
    tiny_set: SetFolder, monkeypatch: pytest.MonkeyPatch, heard: Heard
) -> None:
    use(monkeypatch, Stopping)
    with pytest.raises(KeyboardInterrupt):
        stage.train(tiny_set, OPTIONS)

    class Newer(Stopping):
        stop_at = 30

        def load_state(self, state: dict[str, Any]) -> None:
            raise ValueError("a state of another version")

    use(monkeypatch, Newer)
    with pytest.raises(KeyboardInterrupt):
        stage.train(tiny_set, OPTIONS, heard)
    assert "does not fit" in heard.warnings[0]
    assert [path.name[:12] for path in running(folder_of(tiny_set))] == ["step-0000030"]


def test_another_engine_starts_again_and_leaves_the_checkpoints(
    tiny_set: SetFolder, monkeypatch: pytest.MonkeyPatch, heard: Heard
) -> None:
    use(monkeypatch, Stopping)
    with pytest.raises(KeyboardInterrupt):
        stage.train(tiny_set, OPTIONS)

    class Other(Stopping):
        name = "other"
        stop_at = 30

    use(monkeypatch, Other)
    with pytest.raises(KeyboardInterrupt):
        stage.train(tiny_set, OPTIONS, heard)
    assert heard.warnings == []
    assert len(running(folder_of(tiny_set))) == 2
    use(monkeypatch, JudgeEngine)
    assert stage.train(tiny_set, OPTIONS)["resumed_from_step"] == 70


def test_other_options_do_not_resume(tiny_set: SetFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, Stopping)
    with pytest.raises(KeyboardInterrupt):
        stage.train(tiny_set, OPTIONS)
    use(monkeypatch, JudgeEngine)
    assert stage.train(tiny_set, replace(OPTIONS, seed=1, steps=4))["resumed_from_step"] is None


def test_numbers_that_run_away_are_dropped_by_count(
    tiny_set: SetFolder, monkeypatch: pytest.MonkeyPatch, heard: Heard
) -> None:
    class Sick(JudgeEngine):
        def step(self, batch: Batch) -> Losses:
            if self.steps == 10:
                self.parameters.means.data[:3] = np.nan
                self.steps += 1
                return Losses(np.nan, np.nan, np.nan, np.full((3, 4), np.nan, np.float32))
            return super().step(batch)

    use(monkeypatch, Sick)
    result = stage.train(tiny_set, replace(OPTIONS, steps=30), heard)
    assert heard.warnings == ["Removed 3 of 60 splats: not a number."]
    assert np.isfinite(result["psnr"])


def test_numbers_that_all_run_away_end_with_a_sentence(
    tiny_set: SetFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Dead(JudgeEngine):
        def step(self, batch: Batch) -> Losses:
            self.parameters.means.data[:] = np.nan
            return Losses(np.nan, np.nan, np.nan, np.full((3, 4), np.nan, np.float32))

    use(monkeypatch, Dead)
    with pytest.raises(TrainingError, match="ran away at step 1"):
        stage.train(tiny_set, OPTIONS)


def test_masks_and_no_held_out_photos(tmp_path: Path) -> None:
    target = make_tiny_set(tmp_path / "masked", test_every=0, masked=True)
    result = stage.train(target, replace(OPTIONS, steps=20))
    assert result["psnr"] is None
    assert result["ssim"] is None
    assert result["psnr_train"] > 10


def test_a_set_without_poses_says_so(tmp_path: Path) -> None:
    with pytest.raises(SetFolderError, match="holds no camera poses"):
        stage.train(SetFolder.create(tmp_path / "empty"), OPTIONS)


def test_untrained_sets_have_no_splats(tiny_set: SetFolder) -> None:
    with pytest.raises(TrainingError, match="holds no trained splats"):
        read_splats(tiny_set)


def same(a: Any, b: Any) -> bool:
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in vars(a))
