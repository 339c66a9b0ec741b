"""The scene stage: the trained Gaussians become `splats/scene.ply`, the file that the viewer shows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from setpiece.errors import TrainingError
from setpiece.export.ply import write_ply
from setpiece.progress import Progress, SilentProgress
from setpiece.setfolder import SetFolder
from setpiece.splats import Splats

SCENE_FILE = "splats/scene.ply"  # relative to the set


@dataclass(frozen=True)
class SceneOptions:
    """How the trained Gaussians are written."""

    min_opacity: float = 1 / 255  # fainter Gaussians are left out: no renderer draws them


def write_scene(
    target: SetFolder, options: SceneOptions | None = None, progress: Progress | None = None
) -> dict[str, Any]:
    """Write `splats/scene.ply` from the newest checkpoint; returns splats, bytes and removed (by reason).

    Raises TrainingError when nothing is left to write, and what reading the checkpoint raises.
    """
    # Late, because the trainer is heavy to load and only this stage of the room needs it.
    from setpiece.reconstruct.checkpoint import read_splats

    return write_scene_splats(target, read_splats(target), options, progress)


def write_scene_splats(
    target: SetFolder,
    splats: Splats,
    options: SceneOptions | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Write `splats/scene.ply` from Gaussians at hand: what `write_scene` does after reading them."""
    options, progress = options or SceneOptions(), progress or SilentProgress()
    reasons = unfit(splats, options)
    keep = ~np.any(list(reasons.values()), axis=0)
    removed = {name: int(rows.sum()) for name, rows in reasons.items()}
    kept = splats.take(keep)
    dropped = splats.count - kept.count
    if kept.count == 0:
        raise TrainingError(
            f"none of the {splats.count:,} trained splats can be shown "
            f"({removed['not finite']:,} not finite, {removed['invisible']:,} invisible). Train again."
        )
    if dropped:
        why = ", ".join(f"{n:,} {name}" for name, n in removed.items() if n)
        progress.line(f"Left {dropped:,} of {splats.count:,} splats out of {SCENE_FILE}: {why}.")
    path = target.path / SCENE_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    write_ply(path, kept)
    return {"splats": kept.count, "bytes": path.stat().st_size, "removed": removed}


def unfit(splats: Splats, options: SceneOptions) -> dict[str, NDArray[np.bool_]]:
    """Which Gaussians cannot be shown, [N] per reason; a Gaussian is counted under one reason only.

    "not finite": a value is NaN or infinite, or the quaternion has no direction. "invisible": fainter than
    `options.min_opacity`.
    """
    finite = splats.finite() & (np.abs(splats.quats_wxyz).max(axis=1, initial=0) > 0)
    if options.min_opacity <= 0:
        faintest = -math.inf
    else:
        faintest = math.log(options.min_opacity) - math.log1p(-options.min_opacity)
    return {"not finite": ~finite, "invisible": finite & ~(splats.opacity_logits >= faintest)}
