"""Where Gaussians are added, and which are given up: a capped population that goes where the error is.

Dead Gaussians (transparent) are relocated onto live ones and new ones are added the same way: a parent is
drawn with a chance in proportion to the error it is blamed for (Rota Bulò et al. 2024, section 3.1) and
becomes two that together look like it (Kheradmand et al. 2024, section 3.2).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from setpiece.reconstruct.engine import Edit, Float32, Statistics

DEAD_OPACITY = 0.02
SPLIT_SHRINK = float(np.log(1.4))  # of the scales of both halves
SPLIT_SPREAD = 0.7  # standard deviations along the longest axis, to either side


def planned_edit(
    statistics: Statistics,
    opacity_logits: Float32,  # [N]
    log_scales: Float32,  # [N, 3]
    target: int,
    rng: np.random.Generator,
    unwanted: NDArray[np.bool_] | None = None,  # [N] to be given up like the dead
    dead_opacity: float = DEAD_OPACITY,
) -> Edit | None:
    """The edit that leads to `target` Gaussians (never fewer than now), or None when nothing changes."""
    n = len(opacity_logits)
    opacities = 1.0 / (1.0 + np.exp(-opacity_logits.astype(np.float64)))
    dead = opacities < dead_opacity
    if unwanted is not None:
        dead |= unwanted
    score = np.where(dead, 0.0, np.maximum(statistics.error.astype(np.float64), 0.0))
    candidates = int((score > 0).sum())
    wanted = min(int(dead.sum()) + max(0, target - n), candidates)
    if wanted == 0:
        return None
    # Gumbel's trick: `wanted` different parents, each drawn with a chance in proportion to its score.
    with np.errstate(divide="ignore"):
        keys = np.log(score) + rng.gumbel(size=n)
    chosen = np.sort(np.argpartition(-keys, wanted - 1)[:wanted])
    dead_rows = np.flatnonzero(dead)
    dead_rows = dead_rows[np.argsort(opacities[dead_rows], kind="stable")][:wanted]

    keep = np.ones(n, dtype=bool)
    keep[dead_rows] = False
    halves = np.zeros(n, dtype=bool)
    halves[chosen] = True
    parents = np.concatenate([np.flatnonzero(keep), chosen])
    split = np.concatenate([halves[keep], np.ones(wanted, dtype=bool)])
    second = np.arange(len(parents)) >= int(keep.sum())
    offsets = np.zeros((len(parents), 3), dtype=np.float32)
    longest = np.argmax(log_scales[parents], axis=1)
    side = np.where(second, SPLIT_SPREAD, -SPLIT_SPREAD) * split
    offsets[np.arange(len(parents)), longest] = side
    halved = 1.0 - np.sqrt(1.0 - np.minimum(opacities, 0.999))  # eq. 9: two of these cover like one before
    new_opacities = np.where(split, np.maximum(halved[parents], dead_opacity * 1.5), opacities[parents])
    logits = np.where(split, np.log(new_opacities / (1.0 - new_opacities)), opacity_logits[parents])
    return Edit(
        parents=parents.astype(np.int64),
        offsets=offsets,
        log_scale_change=np.where(split, -SPLIT_SHRINK, 0.0).astype(np.float32),
        opacity_logits=logits.astype(np.float32),
        fresh=split,
    )


def kept_rows(keep: NDArray[np.bool_], opacity_logits: Float32) -> Edit:
    """The edit that drops all rows that are not kept and changes nothing else."""
    rows = np.flatnonzero(keep).astype(np.int64)
    return Edit(
        parents=rows,
        offsets=np.zeros((len(rows), 3), dtype=np.float32),
        log_scale_change=np.zeros(len(rows), dtype=np.float32),
        opacity_logits=opacity_logits[rows],
        fresh=np.zeros(len(rows), dtype=bool),
    )
