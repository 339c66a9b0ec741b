"""Making the sample capture: build the set, light it, walk through it with a phone, keep the truth."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from setpiece.capture.demo.options import DemoOptions
from setpiece.errors import CaptureError
from setpiece.progress import Progress, SilentProgress

if TYPE_CHECKING:
    from setpiece.capture.demo.litset import LitSet
    from setpiece.capture.demo.truth import DemoTruth


T = TypeVar("T")


@dataclass(frozen=True)
class DemoCapture:
    """Where a sample capture lies."""

    folder: Path
    photos: tuple[Path, ...]  # in the order in which they were taken
    panoramas: tuple[Path, ...]

    @property
    def photo_folder(self) -> Path:
        """What a user would have copied from the phone."""
        return self.folder / "photos"

    @property
    def panorama_folder(self) -> Path:
        """What a user would have copied from the 360 camera."""
        return self.folder / "panoramas"

    @property
    def truth_folder(self) -> Path:
        """Cameras, depth and mesh."""
        return self.folder / "truth"

    def truth(self) -> DemoTruth:
        """The true cameras."""
        from setpiece.capture.demo.truth import read_truth

        return read_truth(self.truth_folder)


def make_demo(
    folder: Path, options: DemoOptions | None = None, progress: Progress | None = None
) -> DemoCapture:
    """Make the sample capture in `folder`: `photos/`, `panoramas/` and `truth/`.

    The same options give the same bytes on the same machine. Raises CaptureError when `folder` holds
    pictures of something else.
    """
    options, progress = options or DemoOptions(), progress or SilentProgress()
    _check_empty(folder)
    from setpiece.capture.demo.shoot import shoot_panoramas, shoot_photos, write_scene_truth

    for name in ("photos", "panoramas", "truth/depth"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(options.threads or _cores()) as workers:
        with progress.task("Building and lighting the film set", 1) as task:
            lit = build_set(options, workers)
            task.advance()
        with progress.task("Photographing it", options.photos + options.panoramas) as task:
            photos = _each(shoot_photos(lit, folder, options, workers), task.advance)
            panoramas = _each(shoot_panoramas(lit, folder, options, workers), task.advance)
        write_scene_truth(lit, folder / "truth", photos, panoramas)
    return DemoCapture(
        folder=folder,
        photos=tuple(folder / "photos" / name for name, _ in photos),
        panoramas=tuple(folder / "panoramas" / name for name, _ in panoramas),
    )


def build_set(options: DemoOptions, workers: Executor) -> LitSet:
    """The film set, textured and lit."""
    from setpiece.capture.demo.atlas import Atlas, lay_out, paint_patches
    from setpiece.capture.demo.bake import bake
    from setpiece.capture.demo.litset import LitSet
    from setpiece.capture.demo.room import room
    from setpiece.capture.demo.stage import Stage

    scene = room()
    layout = lay_out(scene.patches, options.texel_scale)
    albedo = paint_patches(scene.patches, layout, options.seed, workers)
    stage = Stage(scene.patches, layout)
    light = bake(stage, layout, albedo, scene.lights, options, workers)
    atlas = Atlas(layout)

    def light_patch(i: int) -> None:
        patch, (_, _, w, h) = scene.patches[i], layout.rects[i]
        if patch.glow:
            atlas.put(i, albedo[i] * patch.glow, albedo[i][..., 0] * 0)
            return
        arriving, window = light.on(i, int(w), int(h))
        atlas.put(i, albedo[i] * arriving, window * patch.gloss)

    list(workers.map(light_patch, range(len(scene.patches))))
    atlas.finish()
    return LitSet(stage, atlas, scene.window)


def _each(results: Iterable[T], advance: Callable[[], None]) -> list[T]:
    done = []
    for result in results:
        done.append(result)
        advance()
    return done


def _check_empty(folder: Path) -> None:
    for name in ("photos", "panoramas", "truth"):
        part = folder / name
        if part.exists() and (not part.is_dir() or any(part.iterdir())):
            raise CaptureError(
                f"{part} is not empty; the sample capture would overwrite it. Choose another folder."
            )


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
