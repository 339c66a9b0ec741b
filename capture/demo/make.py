"""Making the sample capture: build the set, light it, walk through it with a phone, keep the truth."""

from __future__ import annotations

import dataclasses
import json
import shutil
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from setpiece.atomic import write_atomic
from setpiece.capture.demo.names import panorama_name, photo_name
from setpiece.capture.demo.options import DemoOptions
from setpiece.errors import CaptureError
from setpiece.progress import Progress, SilentProgress
from setpiece.threads import thread_count

if TYPE_CHECKING:
    from setpiece.capture.demo.litset import LitSet
    from setpiece.capture.demo.room import Scene
    from setpiece.capture.demo.truth import DemoTruth


T = TypeVar("T")

PARTS = ("photos", "panoramas", "truth")
MARKER = "demo.json"  # says that the folder is a sample capture, how it was made, and whether it is complete
_LATER = ("marker", "walker", "vignette")  # options
RECIPE = 1  # raised when the set or the pictures change


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

    The same options give the same bytes on the same machine. A capture that is complete and was made with
    the same options is not made again; one that was interrupted is made anew. Raises CaptureError when
    `folder` holds something that this function did not put there.
    """
    options, progress = options or DemoOptions(), progress or SilentProgress()
    recipe = {"made_by": "setpiece demo", "recipe": RECIPE, "options": _recipe_options(options)}
    done = _read_marker(folder)
    if done == {**recipe, "complete": True}:
        progress.line(f"The sample capture in {folder} is there already.")
        return _found(folder, options)
    if done is None:
        _check_empty(folder)
    from setpiece.capture.demo.shoot import shoot_panoramas, shoot_photos, write_scene_truth

    started = time.monotonic()
    for name in PARTS:
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).mkdir(parents=True)
    (folder / "truth" / "depth").mkdir()
    _write_marker(folder, {**recipe, "complete": False})
    with ThreadPoolExecutor(thread_count(options.threads)) as workers:
        with progress.task("Building and lighting the film set", 3) as task:
            lit = build_set(options, workers, task.advance)
        with progress.task("Photographing it", options.photos + options.panoramas) as task:
            photos = _each(shoot_photos(lit, folder, options, workers), task.advance)
            panoramas = _each(shoot_panoramas(lit, folder, options, workers), task.advance)
        write_scene_truth(lit, folder / "truth", photos, panoramas)
    _write_marker(folder, {**recipe, "complete": True})
    progress.line(
        f"Capture   {options.photos} photos and {options.panoramas} panoramas of a film set, "
        f"{time.monotonic() - started:.1f} s"
    )
    return _found(folder, options)


def build_set(
    options: DemoOptions,
    workers: Executor,
    advance: Callable[[], None] = lambda: None,
    scene: Scene | None = None,
) -> LitSet:
    """A scene, by default the film set, textured and lit; `advance` is called after each of three steps."""
    from setpiece.capture.demo.atlas import Atlas, lay_out, paint_patches
    from setpiece.capture.demo.bake import bake
    from setpiece.capture.demo.litset import LitSet
    from setpiece.capture.demo.room import room
    from setpiece.capture.demo.stage import Stage

    scene = scene or room(options.marker)
    layout = lay_out(scene.patches, options.texel_scale)
    albedo = paint_patches(scene.patches, layout, options.seed, workers)
    advance()
    stage = Stage(scene.patches, layout)
    light = bake(stage, layout, albedo, scene.lights, options, workers)
    advance()
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
    advance()
    return LitSet(stage, atlas, scene.window)


def _each(results: Iterable[T], advance: Callable[[], None]) -> list[T]:
    done = []
    for result in results:
        done.append(result)
        advance()
    return done


def _found(folder: Path, options: DemoOptions) -> DemoCapture:
    return DemoCapture(
        folder=folder,
        photos=tuple(folder / "photos" / photo_name(i) for i in range(options.photos)),
        panoramas=tuple(folder / "panoramas" / panorama_name(i) for i in range(options.panoramas)),
    )


def _recipe_options(options: DemoOptions) -> dict[str, Any]:
    fields = dataclasses.asdict(options)
    del fields["threads"]  # changes nothing in the pictures
    for name in _LATER:  # a capture made before they came is the same as one with their defaults
        if fields[name] == getattr(DemoOptions(), name):
            del fields[name]
    return fields


def _read_marker(folder: Path) -> dict[str, Any] | None:
    """What the marker says, or None when `folder` is not a sample capture."""
    try:
        marker = json.loads((folder / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return marker if isinstance(marker, dict) and marker.get("made_by") == "setpiece demo" else None


def _write_marker(folder: Path, marker: dict[str, Any]) -> None:
    write_atomic(folder / MARKER, (json.dumps(marker, indent=1) + "\n").encode())


def _check_empty(folder: Path) -> None:
    for name in PARTS:
        part = folder / name
        if part.exists() and (not part.is_dir() or any(part.iterdir())):
            raise CaptureError(
                f"{part} is not empty; the sample capture would overwrite it. Choose another folder with -o."
            )
