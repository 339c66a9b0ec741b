"""Files and folders are replaced whole or not at all."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from setpiece.atomic import TEMPORARY_PREFIX, atomic_file, atomic_folder, remove_leftovers, write_atomic
from setpiece.errors import SetFolderError


def names(folder: Path) -> set[str]:
    return {p.name for p in folder.iterdir()}


def test_write_replaces_the_file(tmp_path: Path) -> None:
    write_atomic(tmp_path / "a", b"old")
    write_atomic(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"new"
    assert names(tmp_path) == {"a"}


def test_an_error_inside_keeps_the_old_file(tmp_path: Path) -> None:
    write_atomic(tmp_path / "a", b"old")
    with pytest.raises(RuntimeError), atomic_file(tmp_path / "a") as file:
        file.write(b"half")
        raise RuntimeError
    assert (tmp_path / "a").read_bytes() == b"old"
    assert names(tmp_path) == {"a"}


def test_folder_is_replaced_whole(tmp_path: Path) -> None:
    for text in ("one", "two"):
        with atomic_folder(tmp_path / "stage") as folder:
            (folder / text).write_text(text)
    assert names(tmp_path / "stage") == {"two"}
    with pytest.raises(RuntimeError), atomic_folder(tmp_path / "stage") as folder:
        (folder / "three").write_text("x")
        raise RuntimeError
    assert names(tmp_path / "stage") == {"two"}
    assert names(tmp_path) == {"stage"}


def test_leftovers_of_a_killed_process_are_removed(tmp_path: Path) -> None:
    (tmp_path / f"{TEMPORARY_PREFIX}12-poses").mkdir()
    (tmp_path / f"{TEMPORARY_PREFIX}12-poses" / "half").write_text("x")
    (tmp_path / "splats").mkdir()
    (tmp_path / "splats" / f"{TEMPORARY_PREFIX}34-scene.ply").write_text("x")
    (tmp_path / "splats" / "scene.ply").write_text("whole")
    (tmp_path / "splats" / "checkpoints").mkdir()
    (tmp_path / "splats" / "checkpoints" / f"{TEMPORARY_PREFIX}56-step-0000100").write_text("x")
    remove_leftovers(tmp_path)
    assert names(tmp_path) == {"splats"}
    assert names(tmp_path / "splats") == {"scene.ply", "checkpoints"}
    assert names(tmp_path / "splats" / "checkpoints") == set()


def test_a_full_disk_is_one_plain_sentence(tmp_path: Path) -> None:
    with pytest.raises(SetFolderError, match="disk is full") as caught, atomic_file(tmp_path / "a"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert "run the same command again" in str(caught.value)
    assert names(tmp_path) == set()


def test_a_really_full_disk(small_disk: Path) -> None:
    write_atomic(small_disk / "kept", b"kept")
    with pytest.raises(SetFolderError, match="disk is full"):
        write_atomic(small_disk / "big", bytes(8 * 1024**2))
    assert (small_disk / "kept").read_bytes() == b"kept"
    assert names(small_disk) == {"kept"}
