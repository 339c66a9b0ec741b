"""Cameras and points as arrays, and what the native code does with them: triangulate, adjust, drop misfits.

Without the native code pycolmap does the same, several times slower (`mapping.triangulate`, `refine`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from setpiece.capture.colmap import Lens, rotation_of
from setpiece.capture.matching import Pair

try:
    from setpiece.capture import _native
except ImportError:  # built without native code
    _native = None

AVAILABLE = _native is not None
LOSS_PX = 1.0  # scale of the Cauchy loss
FEWEST_VIEWS = 3  # features of a track; two views alone check nothing
MIN_ANGLE_DEG = 1.5


@dataclass(frozen=True)
class Rigs:
    """Which frames of a scene move together, and lenses that are known exactly."""

    station: NDArray[np.int32]  # [N] of each frame, ascending
    turns: NDArray[np.float64]  # [L, 3, 3] rotation of the lens from its station's axes
    fixed: NDArray[np.bool_]  # [L] the lens is known exactly

    @classmethod
    def of(cls, lenses: Sequence[Lens], station: NDArray[np.int32]) -> Rigs | None:
        """Those of lenses and of frames at stations; None where no lens is a panorama's view."""
        fixed = np.array([lens.cam_from_rig is not None for lens in lenses], bool)
        if not fixed.any():
            return None
        return cls(station.astype(np.int32), np.array([rotation_of(lens) for lens in lenses]), fixed)

    def part(self, frames: Sequence[int] | NDArray[np.int32], lenses: Any) -> Rigs:
        """The same for some of the frames and lenses."""
        return Rigs(self.station[list(frames)], self.turns[lenses], self.fixed[lenses])

    def numbered(self) -> NDArray[np.int32]:
        """The stations numbered from 0 without gaps, [N]."""
        return np.unique(self.station, return_inverse=True)[1].astype(np.int32)


Free = tuple[bool, bool, bool, bool, bool]  # which of f, cx, cy, k1 and k2 are estimated


@dataclass(frozen=True)
class Scene:
    """Posed frames and the points that they see. Observations are sorted by point, then by frame."""

    frames: list[int]  # numbers of the frames, ascending
    poses: NDArray[np.float64]  # [N, 3, 4] camera from world
    lens_of: NDArray[np.int32]  # [N] rows of `lenses`
    lenses: NDArray[np.float64]  # [L, 5] f, cx, cy, k1, k2 in pixels
    points: NDArray[np.float64]  # [P, 3]
    frame: NDArray[np.int32]  # [O] positions in `frames`
    point: NDArray[np.int32]  # [O] rows of `points`
    feature: NDArray[np.int32]  # [O] numbers among the frame's features
    xy: NDArray[np.float64]  # [O, 2] pixels
    rigs: Rigs | None = None  # None: each frame moves alone, and no lens is known exactly

    def adjusted(self, free: Free, iterations: int, tolerance: float, threads: int) -> tuple[Scene, float]:
        """The scene of least cost near by, and that cost; ends where a step gains less than `tolerance`."""
        poses, lenses, points = self.poses.copy(), self.lenses.copy(), self.points.copy()
        _, cost, _ = _native.adjust(
            poses, self.lens_of, np.zeros(len(poses), bool), lenses, free, points, self.frame, self.point,
            self.xy, LOSS_PX, iterations, tolerance, threads, "",
            *((rigs.numbered(), rigs.turns, rigs.fixed) if (rigs := self.rigs) else ()),
        )  # fmt: skip
        return replace(self, poses=poses, lenses=lenses, points=points), cost

    def measured(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Errors of the observations [O] in pixels, widest angles of the points' rays [P] in degrees."""
        errors, angles = _native.measure(
            self.poses, self.lens_of, self.lenses, self.points, self.frame, self.point, self.xy
        )
        return errors, angles

    def without_misfits(self, largest_error_px: float) -> Scene:
        """The scene without larger errors, and without points that then too few or too near frames see."""
        errors, _ = self.measured()
        rest = self.kept(errors <= largest_error_px)
        _, angles = rest.measured()
        return rest.kept(angles[rest.point] >= MIN_ANGLE_DEG)

    def of_frames(self, positions: Sequence[int]) -> Scene:
        """The scene of some of its frames, with the lenses that they use and points that two of them see."""
        if len(positions) == len(self.frames):
            return self
        row = np.full(len(self.frames), -1, np.int32)
        row[list(positions)] = np.arange(len(positions), dtype=np.int32)
        rest = self.kept(row[self.frame] >= 0)
        used, lens_of = np.unique(self.lens_of[list(positions)], return_inverse=True)
        return replace(
            rest,
            frames=[self.frames[p] for p in positions],
            poses=self.poses[list(positions)],
            lens_of=lens_of.astype(np.int32),
            lenses=self.lenses[used],
            frame=row[rest.frame],
            rigs=self.rigs.part(positions, used) if self.rigs else None,
        )

    def kept(self, observations: NDArray[np.bool_]) -> Scene:
        """The scene with these observations, and with the points that keep two or more."""
        views = np.bincount(self.point[observations], minlength=len(self.points))
        alive = views >= 2
        observations = observations & alive[self.point]
        number = np.cumsum(alive) - 1
        return replace(
            self,
            points=self.points[alive],
            frame=self.frame[observations],
            point=number[self.point[observations]].astype(np.int32),
            feature=self.feature[observations],
            xy=self.xy[observations],
        )


def most_first(geometries: Mapping[Pair, Any]) -> list[tuple[Pair, Any]]:
    """Pairs with their geometries, most inliers first: of matches that contradict, the first counts."""
    return sorted(geometries.items(), key=lambda item: (-len(item[1].inlier_matches), item[0]))


@dataclass(frozen=True)
class Matches:
    """Verified matches of some frames, with their features numbered through."""

    starts: NDArray[np.int64]  # [N + 1] of each frame's features
    xy: NDArray[np.float64]  # [F, 2] pixels
    pairs: NDArray[np.int32]  # [M, 2] features that show the same

    @classmethod
    def of(
        cls, frames: Sequence[int], keypoints: Sequence[NDArray[np.float32]], geometries: Mapping[Pair, Any]
    ) -> Matches:
        """The inliers of `geometries` between `frames`."""
        position = {number: i for i, number in enumerate(frames)}
        starts = np.cumsum([0] + [len(keypoints[n]) for n in frames])
        found = [np.zeros((0, 2), np.int64)]
        for (i, j), geometry in most_first(geometries):
            if i in position and j in position:
                inliers = np.asarray(geometry.inlier_matches).astype(np.int64)
                found.append(inliers + (starts[position[i]], starts[position[j]]))
        return cls(
            starts=starts.astype(np.int64),
            xy=np.concatenate([keypoints[n][:, :2] for n in frames]).astype(np.float64),
            pairs=np.concatenate(found).astype(np.int32),
        )


def triangulated(scene: Scene, matches: Matches, largest_error_px: float, threads: int) -> Scene:
    """The scene's cameras with points made anew from all matches of its frames."""
    points, frame, feature, point = _native.triangulate(
        scene.poses, scene.lens_of, scene.lenses, matches.starts, matches.xy, matches.pairs,
        largest_error_px, MIN_ANGLE_DEG, FEWEST_VIEWS, threads,
    )  # fmt: skip
    return replace(
        scene,
        points=points,
        frame=frame,
        point=point,
        feature=(feature - matches.starts[frame]).astype(np.int32),
        xy=matches.xy[feature],
    )
