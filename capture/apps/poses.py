"""Camera poses as an app or a program exported them, in axes of ours."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

OPENCV_FROM_OPENGL = np.diag([1.0, -1.0, -1.0])  # camera axes: OpenGL's y is up, its z backward
Z_UP_FROM_Y_UP = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
MIRRORED = "mirrored (their determinant is -1)"
NOT_FINITE = "not numbers (NaN), or no rotations"


class UnusablePosesError(Exception):
    """Why a file with poses cannot be used; a plain sentence without its name."""


@dataclass(frozen=True)
class Optics:
    """Of the picture as it is stored, in pixels."""

    width: float
    height: float
    focal: float
    centre_x: float
    centre_y: float
    k1: float = 0.0
    k2: float = 0.0


@dataclass(frozen=True)
class AppPose:
    """Where a photo was taken."""

    photo: str  # as the file names it
    cam_from_world: Matrix  # [3, 4] OpenCV axes of the picture as it is stored
    optics: Optics | None


@dataclass(frozen=True)
class AppPoses:
    """All that a file says."""

    source: str  # "transforms.json", "Polycam", ...
    metric: bool  # lengths are metres
    z_up: bool  # +Z is up, by gravity
    poses: tuple[AppPose, ...]
    notes: tuple[str, ...] = ()  # sentences about what was left out

    def in_metres(self) -> AppPoses:
        """The same, by somebody who knows, in metres and with +Z up."""
        return replace(self, metric=True, z_up=True)


@dataclass
class Collector:
    """Poses one by one, with a count of those that are no good."""

    poses: list[AppPose] = field(default_factory=list)
    bad: dict[str, int] = field(default_factory=dict)

    def add(self, photo: str, world_from_cam: Matrix, optics: Optics | None) -> None:
        """Take a pose [3, 4] or [4, 4] in OpenCV axes; a similarity loses its scale."""
        turn, centre = world_from_cam[:3, :3], world_from_cam[:3, 3]
        determinant = float(np.linalg.det(turn)) if np.isfinite(world_from_cam).all() else math.nan
        scale = np.cbrt(determinant)
        if determinant < 0 and np.allclose(turn @ turn.T, scale**2 * np.eye(3), atol=0.02 * scale**2):
            self._count(MIRRORED)
        elif not determinant > 0 or not np.allclose(
            turn @ turn.T, scale**2 * np.eye(3), atol=0.02 * scale**2
        ):
            self._count(NOT_FINITE)
        else:
            u, _, vt = np.linalg.svd(turn)
            rotation = (u @ vt).T
            self.poses.append(AppPose(photo, np.c_[rotation, -rotation @ centre], optics))

    def _count(self, reason: str) -> None:
        self.bad[reason] = self.bad.get(reason, 0) + 1

    def result(self, source: str, *, metric: bool, z_up: bool) -> AppPoses:
        """All of them. Raises UnusablePosesError where none is left."""
        total = len(self.poses) + sum(self.bad.values())
        notes = tuple(
            f"{n} of its {total} poses are {reason} and are not used" for reason, n in self.bad.items()
        )
        if not self.poses:
            raise UnusablePosesError("; ".join(notes) or "it holds no poses")
        return AppPoses(source, metric, z_up, tuple(self.poses), notes)


Reader = Callable[[Path], AppPoses]
