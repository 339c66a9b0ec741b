"""The set folder: made, opened, locked, moved, refused."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from setpiece.atomic import TEMPORARY_PREFIX
from setpiece.errors import SetFolderError
from setpiece.options import option
from setpiece.posed import read_posed_frames
from setpiece.setfolder import SetFolder
from setpiece.stage import files_digest, run_stage, stage_record


def test_create_then_open(tmp_path: Path) -> None:
    made = SetFolder.create(tmp_path / "Altstädter Ring № 5")
    document = SetFolder.open(made.path).document()
    assert document["name"] == "Altstädter Ring № 5"
    assert document["frame"]["scale_known"] is False
    assert document["frame"]["unit"] == "units"
    assert SetFolder.create(made.path).document() == document


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "damaged"),
        ("[]", "damaged"),
        ('{"schema": 99}', "schema 99"),
        ('{"sch', "damaged"),
        ('{"schema": 1, "name": "a", "frame": {}}', "damaged"),
        ('{"schema": 1, "name": "a", "frame": 3, "stages": {}}', "damaged"),
    ],
)
def test_a_damaged_set_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "set.json").write_text(text)
    with pytest.raises(SetFolderError, match=sentence):
        SetFolder.open(tmp_path)


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "holiday.txt").write_text("mine")
    with pytest.raises(SetFolderError, match="not empty"):
        SetFolder.create(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["holiday.txt"]


def test_a_file_is_no_set(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("mine")
    with pytest.raises(SetFolderError, match="is a file"):
        SetFolder.create(tmp_path / "a")
    with pytest.raises(SetFolderError, match="is not a set"):
        SetFolder.open(tmp_path / "nowhere")


def test_what_a_process_killed_at_once_leaves_is_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / f"{TEMPORARY_PREFIX}12-set.json").write_text('{"sch')
    with SetFolder.create(tmp_path).lock():
        assert not list(tmp_path.glob(f"{TEMPORARY_PREFIX}*"))


def test_an_error_inside_the_lock_is_not_taken_for_one_of_the_set(tmp_path: Path) -> None:
    target = SetFolder.create(tmp_path / "set")
    with pytest.raises(PermissionError), target.lock():
        raise PermissionError(errno.EACCES, "Permission denied", "holiday.jpg")
    with target.lock():
        pass


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    target = SetFolder.create(tmp_path / "set")
    code = (
        "import sys; from pathlib import Path; from setpiece.setfolder import SetFolder\n"
        "with SetFolder.open(Path(sys.argv[1])).lock():\n"
        "    print('locked', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(target.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "locked\n"
        with pytest.raises(SetFolderError, match="another process"), target.lock():
            pass
        other.kill()  # a killed process leaves no lock behind
    with target.lock():
        pass


@dataclass(frozen=True)
class Options:
    size: int = 3
    threads: int = option(1, "How many at once.", changes_result=False)


def test_a_stage_runs_once(tmp_path: Path) -> None:
    target, runs = SetFolder.create(tmp_path / "set"), []

    def work() -> dict[str, Any]:
        runs.append(1)
        (target.path / "out").write_text("x")
        return {"n": len(runs)}

    def run(size: int = 3, digest: str = "photos") -> bool:
        return run_stage(target, "poses", Options(size), digest, work, outputs=("out",))

    assert [run(), run()] == [True, False]
    assert [run(size=4), run(size=4)] == [True, False], "other options, another run"
    assert [run(size=4, digest="other"), run(size=4, digest="other")] == [True, False], (
        "other input, another run"
    )
    (target.path / "out").unlink()
    assert [run(size=4, digest="other"), run(size=4, digest="other")] == [True, False], (
        "lost output, another run"
    )
    record = stage_record(target, "poses")
    assert record
    assert record["options"] == {"size": 4, "threads": 1}
    assert record["result"] == {"n": 4}
    assert record["seconds"] >= 0
    assert record["peak_memory_bytes"] > 10**6


def test_options_that_change_no_result_run_nothing_again(tmp_path: Path) -> None:
    target = SetFolder.create(tmp_path / "set")
    assert run_stage(target, "poses", Options(threads=1), "photos", dict, outputs=())
    assert not run_stage(target, "poses", Options(threads=2), "photos", dict, outputs=())


def test_later_stages_are_forgotten_when_an_earlier_one_runs_again(tmp_path: Path) -> None:
    target = SetFolder.create(tmp_path / "set")
    for name in ("capture", "poses", "train"):
        run_stage(target, name, Options(), "photos", dict, outputs=())
    run_stage(target, "poses", Options(size=4), "photos", dict, outputs=())
    assert list(target.document()["stages"]) == ["capture", "poses"]


def test_a_failed_stage_leaves_no_record(tmp_path: Path) -> None:
    target = SetFolder.create(tmp_path / "set")

    def work() -> dict[str, Any]:
        raise SetFolderError("no")

    with pytest.raises(SetFolderError):
        run_stage(target, "poses", Options(), "photos", work, outputs=())
    assert stage_record(target, "poses") is None


def test_a_moved_set_is_the_same_set(tmp_path: Path) -> None:
    target = SetFolder.create(tmp_path / "a")
    run_stage(target, "poses", Options(), "photos", dict, outputs=())
    target.path.rename(tmp_path / "b")
    moved = SetFolder.open(tmp_path / "b")
    assert run_stage(moved, "poses", Options(), "photos", dict, outputs=()) is False
    assert str(tmp_path) not in json.dumps(moved.document())


def test_files_digest_sees_content_and_not_place(tmp_path: Path) -> None:
    for folder, byte in (("a", b"x"), ("b", b"x"), ("c", b"y")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "1.jpg").write_bytes(bytes(100_000) + byte)
    digests = [files_digest([tmp_path / f / "1.jpg"]) for f in "abc"]
    assert digests[0] == digests[1] != digests[2]
    assert files_digest([tmp_path / "c" / "gone.jpg"]) not in digests, "what cannot be read is no error here"


def test_cut_off_points_are_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "poses.json").write_text('{"schema": 1, "frames": []}')
    (tmp_path / "points.npz").write_bytes(b"PK\x03\x04 and then nothing")
    with pytest.raises(SetFolderError, match="cannot be read"):
        read_posed_frames(tmp_path)
