"""A change of several files is made as a whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from setpiece import transaction
from setpiece.setfolder import SetFolder
from setpiece.transaction import DECIDED, all_or_nothing, change_is_left


def write_both(folder: Path, text: str) -> None:
    (folder / "splats").mkdir(exist_ok=True)
    (folder / "scale.json").write_text(text)
    (folder / "splats" / "scene.ply").write_text(text)


def both(folder: Path) -> tuple[str, str]:
    return (folder / "scale.json").read_text(), (folder / "splats" / "scene.ply").read_text()


def test_all_files_change(tmp_path: Path) -> None:
    write_both(tmp_path, "old")
    with all_or_nothing(tmp_path) as staged:
        write_both(staged, "new")
        assert both(tmp_path) == ("old", "old")
    assert both(tmp_path) == ("new", "new")
    assert sorted(f.name for f in tmp_path.iterdir()) == ["scale.json", "splats"]


def test_an_error_leaves_everything_as_it_was(tmp_path: Path) -> None:
    write_both(tmp_path, "old")
    with pytest.raises(RuntimeError), all_or_nothing(tmp_path) as staged:
        write_both(staged, "new")
        raise RuntimeError
    assert both(tmp_path) == ("old", "old")
    assert sorted(f.name for f in tmp_path.iterdir()) == ["scale.json", "splats"]


def test_what_a_killed_process_decided_is_finished_by_whoever_opens_the_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = SetFolder.create(tmp_path / "set")
    write_both(target.path, "old")
    monkeypatch.setattr(transaction, "finish_change", lambda folder: None)  # killed right after deciding
    with all_or_nothing(target.path) as staged:
        write_both(staged, "new")
    monkeypatch.undo()
    (target.path / DECIDED / "scale.json").replace(target.path / "scale.json")  # or after the first file
    assert both(target.path) == ("new", "old")
    assert change_is_left(target.path)
    SetFolder.open(target.path)
    assert both(target.path) == ("new", "new")
    assert not change_is_left(target.path)
