"""`setpiece build`, `setpiece demo` and `setpiece train`: the commands that make sets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from setpiece.capture.options import CaptureOptions, PoseOptions
from setpiece.cli.flags import FolderPath, flags, parse
from setpiece.reconstruct.options import TrainOptions

_TRAIN_FLAGS = ("quality", "steps", "max_splats", "max_side", "keep_moving", "device", "threads", "seed")
_DEMO_FLAGS = ("quality", "device", "threads")


@click.command()
@click.argument("photos", type=FolderPath())
@click.option(
    "-o",
    "--output",
    "set_folder",
    metavar="SET",
    required=True,
    type=FolderPath(),
    help="Folder of the set.",
)
@click.option("--name", help="What to call the set; default: like its folder.")
@click.option("--overwrite", is_flag=True, help="Make the set anew if it was made from other photos.")
@flags(TrainOptions, *_TRAIN_FLAGS)
@flags(CaptureOptions, "kind", "max_frames", "poses_in_metres")
@flags(PoseOptions, "held_out_every", "marker_size_mm")
def build(photos: Path, set_folder: Path, name: str | None, overwrite: bool, **values: Any) -> None:
    """Make a set from PHOTOS: a folder of photos and videos, or one video.

    Reads the photos, chooses frames from the videos, finds where each was taken, trains Gaussians and
    writes a report. Ctrl-C is safe: the same command goes on where it was stopped.

    \b
    Example:  setpiece build ~/Pictures/prague -o prague
              setpiece build walk.mp4 -o prague
    """
    from setpiece.cli.terminal import terminal_progress
    from setpiece.pipeline import BuildOptions
    from setpiece.pipeline import build as build_set

    options = BuildOptions(
        capture=parse(CaptureOptions, values, "kind", "max_frames", "poses_in_metres"),
        poses=parse(PoseOptions, values, "held_out_every", "marker_size_mm", "threads", "seed"),
        train=parse(TrainOptions, values, *_TRAIN_FLAGS),
    )
    progress = terminal_progress()
    build_set(photos, set_folder, options, progress, name=name, overwrite=overwrite)
    progress.line(f"Look at it:  setpiece view {_quoted(set_folder)}")


@click.command()
@click.option(
    "-o",
    "--output",
    "folder",
    default="setpiece-demo",
    show_default=True,
    type=FolderPath(),
    help="Where the photos and the set go.",
)
@flags(TrainOptions, *_DEMO_FLAGS)
def demo(folder: Path, **values: Any) -> None:
    """Make a sample capture, without downloads, and a set from it.

    A small film set is ray-traced as phone photos and as 360 panoramas, with the truth beside them; then
    the photos become a set as with `setpiece build`.

    \b
    Example:  setpiece demo
    """
    from setpiece.capture.demo import DemoOptions, make_demo
    from setpiece.cli.terminal import terminal_progress
    from setpiece.pipeline import BuildOptions
    from setpiece.pipeline import build as build_set

    options = BuildOptions(
        poses=parse(PoseOptions, values, "threads"), train=parse(TrainOptions, values, *_DEMO_FLAGS)
    )
    progress = terminal_progress()
    make_demo(folder, DemoOptions(threads=values["threads"]), progress)
    build_set(folder / "photos", folder / "set", options, progress, name="The Last Tram, a sample set")
    progress.line(f"Look at it:  setpiece view {_quoted(folder / 'set')}")


@click.command()
@click.argument("set_folder", metavar="SET", type=FolderPath())
@flags(TrainOptions, *_TRAIN_FLAGS)
def train(set_folder: Path, **values: Any) -> None:
    """Train SET, whose poses are known, or go on training it.

    For a set that was posed on a laptop and is trained on another machine.

    \b
    Example:  setpiece train prague --quality high
    """
    from setpiece.cli.terminal import terminal_progress
    from setpiece.pipeline import train_set
    from setpiece.setfolder import SetFolder

    progress = terminal_progress()
    train_set(SetFolder.open(set_folder), parse(TrainOptions, values, *_TRAIN_FLAGS), progress)
    progress.line(f"Look at it:  setpiece view {_quoted(set_folder)}")


def _quoted(path: Path) -> str:
    import shlex

    return shlex.quote(str(path))
