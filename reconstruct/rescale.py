"""Trainings at another size of the world: every length in a checkpoint is brought along.

With means m and a loss that a change of size leaves as it is, gradients by m shrink as m grows: Adam's first
moments by the factor, its second moments by its square. A logarithm of a length grows by the logarithm of the
factor, and its gradient stays as it is. The rates of the means follow the scene's extent anyway.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from setpiece.progress import Progress
from setpiece.reconstruct.checkpoint import (
    FINAL,
    Arrays,
    CheckpointError,
    folder_of,
    read_checkpoint,
    running,
    write_checkpoint_file,
)
from setpiece.setfolder import SetFolder


def write_rescaled_checkpoints(target: SetFolder, factor: float, output: Path, progress: Progress) -> None:
    """Write the checkpoints of the set, `factor` times as large, into the folder `output`.

    One that is damaged is named in a warning and left as it is: going on from it will say so again.
    """
    folder = folder_of(target)
    for path in [folder / FINAL, *running(folder)]:
        if not path.exists():
            continue
        try:
            checkpoint = read_checkpoint(path)
            arrays = rescaled(checkpoint.arrays, factor)
        except (CheckpointError, KeyError, ValueError) as error:
            progress.warning(f"The checkpoint {path.name} is damaged ({error}) and keeps its size.")
            continue
        output.mkdir(parents=True, exist_ok=True)
        write_checkpoint_file(output / path.name, replace(checkpoint, arrays=arrays))


def rescaled(arrays: Arrays, factor: float) -> Arrays:
    """The arrays of a finished training, or of one under way on either engine, `factor` times as large.

    Raises KeyError where they are of neither.
    """
    grown = math.log(factor)
    if "engine.values" in arrays:  # the CPU's: columns of a table, means before log scales
        table = {
            "engine.values": ((slice(0, 3), factor, 0.0), (slice(3, 6), 1.0, grown)),
            "engine.first_moments": ((slice(0, 3), 1 / factor, 0.0),),
            "engine.second_moments": ((slice(0, 3), 1 / factor**2, 0.0),),
        }
        return {**arrays, **{name: _changed(arrays[name], changes) for name, changes in table.items()}}
    prefix = "engine." if "engine.means" in arrays else ""
    changes = {f"{prefix}means": (factor, 0.0), f"{prefix}log_scales": (1.0, grown)}
    if prefix:
        changes |= {f"{prefix}first.means": (1 / factor, 0.0), f"{prefix}second.means": (1 / factor**2, 0.0)}
    every = slice(None)
    return {**arrays, **{name: _changed(arrays[name], ((every, *c),)) for name, c in changes.items()}}


def _changed(
    array: NDArray[np.generic], changes: tuple[tuple[slice, float, float], ...]
) -> NDArray[np.generic]:
    """The array with some of its columns multiplied and shifted."""
    changed = np.array(array, np.float32)
    for columns, factor, shift in changes:
        changed[:, columns] = changed[:, columns] * np.float32(factor) + np.float32(shift)
    return changed
