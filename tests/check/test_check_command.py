"""`setpiece check` as its user has it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from made_captures import arc

from setpiece.capture.align import pose_errors
from setpiece.capture.check.check import Checked
from setpiece.cli import main
from setpiece.export.report.check_page import WORDS

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def answer(
    damaged: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, object], str, Path]:
    """Facts, exit code of --strict as text, and the page."""
    page = tmp_path_factory.mktemp("page") / "thumb.html"
    capture = damaged("thumb")
    run = CliRunner().invoke(main, ["check", str(capture), "--json", "--strict", "-o", str(page)])
    return json.loads(run.stdout), str(run.exit_code), page


def test_the_facts(answer: tuple[dict[str, object], str, Path]) -> None:
    facts, code, _ = answer
    assert facts["verdict"] == "reshoot"
    assert code == "2"
    photos, forecast = facts["photos"], facts["forecast"]
    assert isinstance(photos, dict)
    assert isinstance(forecast, dict)
    assert photos["given"] == photos["placed"] == 20
    assert [q["quality"] for q in forecast["qualities"]] == ["draft", "standard", "high"]
    seconds = [q["seconds"] for q in forecast["qualities"]]
    assert seconds == sorted(seconds)
    assert forecast["poses_seconds"] > 0
    assert all(q["memory_bytes"] > 10**8 and q["disk_bytes"] > 10**6 for q in forecast["qualities"])


def test_the_page_is_one_file_with_every_photo(answer: tuple[dict[str, object], str, Path]) -> None:
    text = answer[2].read_text(encoding="utf-8")
    assert not re.search(r'(src|href)="(?!data:)', text)
    assert all(f"IMG_{i:04d}.jpg" in text for i in range(1, 21))
    assert text.count("<svg") == 3


def test_sentences_and_a_page_that_is_not_ours(
    good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "check.html").write_text("<html>mine</html>")
    run = CliRunner().invoke(main, ["check", str(good)])
    assert run.exit_code == 1
    assert "no page of a check" in run.output
    (tmp_path / "check.html").unlink()
    for _ in range(2):  # a page of a check may be replaced
        run = CliRunner().invoke(main, ["check", str(good)])
        assert run.exit_code == 0, run.output
    assert run.stdout.startswith("Nothing to reshoot.")
    assert "20 of 20 photos will get a camera" in run.stdout
    assert "standard about" in run.stdout
    assert sorted(f.name for f in tmp_path.iterdir()) == ["check.html"]


def test_bad_input_gets_one_sentence(tmp_path: Path) -> None:
    run = CliRunner().invoke(main, ["check", str(tmp_path), "--json"])
    assert run.exit_code == 1
    assert "holds no photos" in run.output
    assert len(run.output.splitlines()) == 1


def test_the_cameras_of_the_good_capture_are_true(good: Path, checked: Callable[[Path], Checked]) -> None:
    """Its first pairs look across 60 degrees of an arc: the mapper once began in a folded room."""
    model = checked(good).look.model
    assert model is not None
    true = np.array([v.cam_from_world for v in arc(20)])
    errors = pose_errors(model.cam_from_world, true[model.frames])
    assert errors.centre.max() < 0.002 * errors.extent
    assert errors.rotation_deg.max() < 0.1


def test_the_docs_name_every_kind() -> None:
    page = (ROOT / "docs" / "check.md").read_text(encoding="utf-8")
    assert all(f"`{kind}`" in page for kind in WORDS)
