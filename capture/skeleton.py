"""Own incremental mapping: where the photos stand, from few matches of each pair. See native/mapper.h.

pycolmap's incremental mapper does the same from a database, in about six times the time; it is used where
Setpiece was built without native code, and where this one cannot place the photos.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from setpiece.capture.colmap import Lens
from setpiece.capture.matching import Pair
from setpiece.capture.scene import Rigs, Scene, most_first

try:
    from setpiece.capture import _native
except ImportError:  # built without native code
    _native = None

UNKNOWN_FOCAL = 1.2  # of the longer side, as COLMAP has it; the mapper tries others
_MOST_FEATURES = 2**31 - 1


@dataclass(frozen=True)
class FewMatches:
    """Verified matches of pairs, at most so many of each; features are numbered over all frames."""

    pairs: NDArray[np.int32]  # [K, 2] frames
    starts: NDArray[np.int64]  # [K + 1] of each pair's matches
    matches: NDArray[np.int32]  # [M, 2]
    verified: NDArray[np.int32]  # [K] how many each pair had

    @classmethod
    def of(cls, feature_starts: NDArray[np.int64], geometries: Mapping[Pair, Any], limit: int) -> FewMatches:
        """Those whose features take part in most pairs: they make the longest tracks."""
        ordered = most_first(geometries)
        found = [
            np.asarray(g.inlier_matches, np.int64) + (feature_starts[i], feature_starts[j])
            for (i, j), g in ordered
        ]
        verified = np.array([len(f) for f in found], np.int32)
        every = np.concatenate([np.zeros((0, 2), np.int64), *found])
        degree = np.bincount(every.ravel(), minlength=int(feature_starts[-1]))
        worth = degree[every].sum(axis=1)
        pair = np.repeat(np.arange(len(found)), verified)
        order = np.lexsort((-worth, pair))  # stable: of equals the first
        rank = np.arange(len(every)) - np.repeat(np.cumsum(verified) - verified, verified)
        kept = np.sort(order[rank < limit])
        return cls(
            pairs=np.array([pair for pair, _ in ordered], np.int32).reshape(-1, 2),
            starts=np.cumsum([0, *np.minimum(verified, limit)]).astype(np.int64),
            matches=every[kept].astype(np.int32),
            verified=verified,
        )


def map_skeleton(
    keypoints: Sequence[NDArray[np.float32]],
    geometries: Mapping[Pair, Any],
    lenses: Sequence[Lens],
    lens_of: Sequence[int],
    limit: int,
    seed: int,
    threads: int,
    station_of: Sequence[int] | None = None,
) -> list[Scene]:
    """The models that at most `limit` matches of each pair give, that of most frames first; without points.

    `keypoints` are those of all frames; frames of one station are placed together (None: each alone). Poses
    and focal lengths are rough, distortion has one term. The same for any number of threads.
    """
    starts = np.cumsum([0] + [len(k) for k in keypoints]).astype(np.int64)
    if not geometries or starts[-1] > _MOST_FEATURES:
        return []
    few = FewMatches.of(starts, geometries, limit)
    stations = np.array(range(len(keypoints)) if station_of is None else station_of, np.int32)
    rigs = Rigs.of(lenses, stations)
    longer = np.array([float(max(lens.width, lens.height)) for lens in lenses])
    optics = np.array(
        [
            [lens.focal_px or UNKNOWN_FOCAL * side, lens.width / 2, lens.height / 2, 0, 0]
            for lens, side in zip(lenses, longer, strict=True)
        ]
    )
    models = _native.map_photos(
        starts,
        np.concatenate([k[:, :2] for k in keypoints]).astype(np.float64),
        np.array(lens_of, np.int32),
        optics,
        longer,
        np.array([lens.focal_px is not None for lens in lenses]),
        few.pairs,
        few.starts,
        few.matches,
        few.verified,
        seed,
        threads,
        stations,
        rigs.turns if rigs else None,
        rigs.fixed if rigs else np.zeros(len(lenses), bool),
    )
    scenes = []
    for frames, poses, found in models:
        used, rows = np.unique(np.array(lens_of, np.int32)[frames], return_inverse=True)
        none = np.zeros(0, np.int32)
        scenes.append(
            Scene(
                frames=frames.tolist(),
                poses=poses,
                lens_of=rows.astype(np.int32),
                lenses=found[used],
                points=np.zeros((0, 3)),
                frame=none,
                point=none,
                feature=none,
                xy=np.zeros((0, 2)),
                rigs=rigs.part(frames, used) if rigs else None,
            )
        )
    return scenes
