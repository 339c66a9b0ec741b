"""Which files of a capture hold poses, and which pictures in it are no photos but an app's depth maps.

To add a format: write a reader that returns AppPoses, and name the files that it reads in `_reader_of`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from setpiece.capture.apps.phones import read_polycam, read_record3d
from setpiece.capture.apps.poses import AppPoses, Reader, UnusablePosesError
from setpiece.capture.apps.programs import read_colmap, read_metashape, read_reality_capture
from setpiece.capture.apps.transforms import read_transforms

_CORRECTED, _PLAIN = "corrected_cameras", "cameras"
_NO_PHOTOS = frozenset({"depth", "confidence", "conf", "depth_maps", "stereo", "normal_maps"})
_HEAD = 2000  # bytes that tell a format


def pose_files(files: Sequence[Path]) -> list[Path]:
    """Those of `files` that hold poses."""
    polycam = {f for f in files if f.suffix == ".json" and f.parent.parent.name == "keyframes"}
    return [f for f in files if f in polycam or _reader_of(f) is not None]


def without_depth(pictures: Sequence[Path], holders: Sequence[Path], capture: Path) -> list[Path]:
    """The pictures that are photos, where the files `holders` hold poses.

    Depth and confidence maps are none, copies at other sizes (`images_2`) are none, and of Polycam's pictures
    the corrected ones count where there are any.
    """
    if not holders:
        return list(pictures)
    corrected = any(f.parent.name == _CORRECTED for f in holders)
    kept = []
    for picture in pictures:
        folders = picture.relative_to(capture).parts[:-1]
        smaller = any(p.startswith("images_") and p[7:].isdigit() for p in folders)
        replaced = corrected and folders[-2:] == ("keyframes", "images")
        if not _NO_PHOTOS & {p.casefold() for p in folders} and not smaller and not replaced:
            kept.append(picture)
    return kept or list(pictures)


def read_pose_files(holders: Sequence[Path], capture: Path) -> tuple[list[AppPoses], list[str]]:
    """What the files say, and sentences about those, or the parts of them, that cannot be used."""
    found, notes = [], []
    for file, reader in _work(holders):
        name = file.relative_to(capture).as_posix()
        try:
            poses = reader(file)
        except UnusablePosesError as error:
            notes.append(f"The poses in {name} are not used: {error}.")
            continue
        notes += [f"{name}: {note}." for note in poses.notes]
        found.append(poses)
    return found, notes


def _work(holders: Sequence[Path]) -> list[tuple[Path, Reader]]:
    polycam = sorted({f.parent for f in holders if f.parent.parent.name == "keyframes"})
    best = [f for f in polycam if f.name == _CORRECTED] or [f for f in polycam if f.name == _PLAIN]
    work: list[tuple[Path, Reader]] = [(folder, read_polycam) for folder in best]
    models: set[Path] = set()
    for file in holders:
        reader = _reader_of(file)
        if reader is None or file.parent in polycam:
            continue
        if reader is read_colmap:
            if file.parent in models:
                continue
            models.add(file.parent)
        work.append((file, reader))
    return work


def _reader_of(file: Path) -> Reader | None:
    name, suffix = file.name.casefold(), file.suffix.casefold()
    if name.startswith("transforms") and suffix == ".json":
        return read_transforms
    if name in ("images.bin", "images.txt"):
        others = {f.name for f in file.parent.iterdir()}
        return read_colmap if f"cameras{suffix}" in others else None
    if suffix not in (".json", ".csv", ".xml") and name != "metadata":
        return None
    try:
        with file.open("rb") as opened:
            head = opened.read(_HEAD)
    except OSError:
        return None
    if name in ("metadata.json", "metadata"):
        return read_record3d if b'"poses"' in file.read_bytes() else None
    if suffix == ".csv" and b"#name" in head and b"heading" in head:
        return read_reality_capture
    if suffix == ".xml" and b"<document" in head and b"<chunk" in head:
        return read_metashape
    return None
