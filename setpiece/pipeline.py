"""The whole way from photos to a set. With the command line, the only module that knows every room."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from setpiece.capture.options import CaptureOptions, PoseOptions
from setpiece.errors import SetFolderError
from setpiece.progress import Progress, SilentProgress
from setpiece.reconstruct.options import TrainOptions
from setpiece.setfolder import SetFolder
from setpiece.stage import files_digest, run_stage, stage_record

if TYPE_CHECKING:  # the pictures' libraries are imported when they are needed
    from setpiece.capture.grey import GreyShelf

SPACE_NEEDED = 300 * 1024**2  # bytes free before a build starts; a small set takes about 100 MB

_STARTS = {
    "poses": "Poses     finding where each photo was taken",
    "train": "Training  starts; Ctrl-C is safe, the same command goes on",
    "scene": "Scene     writing splats/scene.ply",
}


@dataclass(frozen=True)
class BuildOptions:
    """The options of every stage of a build."""

    capture: CaptureOptions = field(default_factory=CaptureOptions)
    poses: PoseOptions = field(default_factory=PoseOptions)
    train: TrainOptions = field(default_factory=TrainOptions)


def build(
    photos: Path,
    set_folder: Path,
    options: BuildOptions | None = None,
    progress: Progress | None = None,
    *,
    name: str | None = None,
    overwrite: bool = False,
) -> SetFolder:
    """Make the set at `set_folder` from a folder of photos, or go on with it.

    Stages that are done with the same options on the same photos are not run again. Raises CaptureError,
    PoseError, TrainingError or SetFolderError with one plain sentence; what is finished stays in the set.
    A new set is called `name`, or like its folder. `overwrite` allows a set that was made from other photos
    to be made anew.
    """
    from setpiece.capture.grey import GreyShelf
    from setpiece.capture.ingest import ingest
    from setpiece.capture.sources import find_sources
    from setpiece.reconstruct.engines import chosen_device

    options, progress = options or BuildOptions(), progress or SilentProgress()
    if options.train.device == "cuda":
        chosen_device("cuda")  # before minutes of other work: is there one?
    sources = find_sources(photos)  # before the set is made: a wrong path leaves nothing behind
    _check_space(set_folder)
    target = SetFolder.create(set_folder, name)
    with target.lock():
        progress.log_into(target.log_file)
        digest = files_digest(sources.files)
        record = stage_record(target, "capture")
        if record and record["result"].get("photos_digest") != digest and not overwrite:
            raise SetFolderError(
                f"{set_folder} was made from other photos than those in {photos}. "
                "Choose another folder with -o, or pass --overwrite to make it anew."
            )
        shelf = GreyShelf()
        ran = run_stage(
            target,
            "capture",
            options.capture,
            digest,
            _announced(
                progress,
                _reading(photos, len(sources.files), bool(sources.clips)),
                lambda: {
                    **ingest(target, sources, options.capture, progress, shelf),
                    "photos_digest": digest,
                },
            ),
            outputs=("capture/frames.json",),
        )
        _say(progress, target, "capture", ran)
        _pose(target, options.poses, progress, shelf)
        shelf.clear()
        _train(target, options.train, progress)
    return target


def train_set(target: SetFolder, options: TrainOptions, progress: Progress | None = None) -> None:
    """Train a set that has its poses, or go on training it; then write its files and its report."""
    progress = progress or SilentProgress()
    with target.lock():
        progress.log_into(target.log_file)
        if stage_record(target, "poses") is None:
            raise SetFolderError(
                f"{target.path} has no camera poses yet. Run: setpiece build PHOTOS -o {target.path}"
            )
        _train(target, options, progress)


def _pose(target: SetFolder, options: PoseOptions, progress: Progress, shelf: GreyShelf) -> None:
    from setpiece.capture.estimate import estimate_poses

    work = partial(estimate_poses, target, options, progress, shelf)
    _follow(
        target, "poses", "capture", options, work, progress, outputs=("poses/poses.json", "poses/points.npz")
    )


def _train(target: SetFolder, options: TrainOptions, progress: Progress) -> None:
    from setpiece.export.report.write import write_report
    from setpiece.export.scene import SceneOptions, write_scene
    from setpiece.reconstruct.train import train

    work = partial(train, target, options, progress)
    _follow(target, "train", "poses", options, work, progress, outputs=("splats/metrics.json",))
    scene_options = SceneOptions()
    write = partial(write_scene, target, scene_options, progress)
    outputs = ("splats/scene.ply",)
    _follow(target, "scene", "train", scene_options, write, progress, outputs, editable=True)
    write_report(target)
    progress.line(f"Report    {target.path / 'report.html'}")


def _follow(
    target: SetFolder,
    name: str,
    after: str,
    options: Any,
    work: Callable[[], dict[str, Any]],
    progress: Progress,
    outputs: tuple[str, ...],
    editable: bool = False,
) -> None:
    """Run a stage whose input is the result of the stage `after`, and say what came out."""
    record = stage_record(target, after)
    assert record is not None  # the stages run in order
    announced = _announced(progress, _STARTS[name], work)
    ran = run_stage(target, name, options, record["digest"], announced, outputs, editable)
    _say(progress, target, name, ran)


def _announced(
    progress: Progress, sentence: str, work: Callable[[], dict[str, Any]]
) -> Callable[[], dict[str, Any]]:
    """`work`, which says that it starts; nothing is said when a stage is done already."""

    def announced() -> dict[str, Any]:
        progress.line(sentence)
        return work()

    return announced


def _say(progress: Progress, target: SetFolder, name: str, ran: bool) -> None:
    from setpiece.info import stage_sentence

    record = stage_record(target, name)
    assert record is not None  # it has just been run or found
    progress.line(stage_sentence(name, record) + ("" if ran else ", done before"))


def _reading(capture: Path, files: int, clips: bool) -> str:
    if capture.is_file():
        return f"Frames    choosing from {capture.name}"
    name = capture.resolve().name
    return (
        f"Frames    from {files} files in {name}" if clips else f"Photos    reading {files} files from {name}"
    )


def _check_space(folder: Path) -> None:
    parent = next(p for p in [folder.absolute(), *folder.absolute().parents] if p.exists())
    free = shutil.disk_usage(parent).free
    if free < SPACE_NEEDED:
        raise SetFolderError(
            f"the disk is nearly full: {free // 1024**2} MB are free at {parent}, "
            f"{SPACE_NEEDED // 1024**2} MB are needed to start. "
            "Free some space, or choose another disk with -o."
        )
