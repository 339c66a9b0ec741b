"""How far two sets of cameras lie apart, after the best similarity between them is taken away."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float64]


@dataclass(frozen=True)
class PoseErrors:
    """Differences of cameras from a reference, per camera and over all pairs."""

    centre: Vectors  # [N] distance of the centres after alignment, in units of the reference
    rotation_deg: Vectors  # [N] angle after alignment of the rotations by one constant rotation
    relative_rotation_deg: Vectors  # [N (N - 1) / 2] of the rotation between two cameras; needs no alignment
    extent: float  # of the reference: the largest distance between two centres

    @property
    def centre_rms(self) -> float:
        """Root of the mean squared centre distance, units of the reference."""
        return float(np.sqrt((self.centre**2).mean()))

    @property
    def centre_median(self) -> float:
        """Median centre distance, units of the reference."""
        return float(np.median(self.centre))


def similarity(source: Vectors, target: Vectors) -> Vectors:
    """`target_from_source` [4, 4] that brings points [N, 3] closest to others in the least squares sense.

    Umeyama 1991, eq. 40 to 42. Needs three points that are not on a line.
    """
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    a, b = source - source_mean, target - target_mean
    u, s, vt = np.linalg.svd(b.T @ a / len(a))
    sign = np.diag([1.0, 1.0, float(np.sign(np.linalg.det(u @ vt)))])
    rotation = u @ sign @ vt
    scale = float(np.trace(np.diag(s) @ sign) / (a**2).sum(axis=1).mean())
    matrix = np.eye(4)
    matrix[:3, :3] = scale * rotation
    matrix[:3, 3] = target_mean - scale * rotation @ source_mean
    return matrix


def pose_errors(cam_from_world: Vectors, reference_cam_from_world: Vectors) -> PoseErrors:
    """The differences of poses [N, 4, 4] from reference poses [N, 4, 4] of the same cameras."""
    rotation, reference = cam_from_world[:, :3, :3], reference_cam_from_world[:, :3, :3]
    centres, wanted = _centres(cam_from_world), _centres(reference_cam_from_world)
    aligned = similarity(centres, wanted)
    moved = centres @ aligned[:3, :3].T + aligned[:3, 3]
    u, _, vt = np.linalg.svd((reference.transpose(0, 2, 1) @ rotation).sum(axis=0))
    world = u @ np.diag([1.0, 1.0, float(np.sign(np.linalg.det(u @ vt)))]) @ vt
    first, second = np.triu_indices(len(rotation), 1)
    relative = rotation[first] @ rotation[second].transpose(0, 2, 1)
    wanted_relative = reference[first] @ reference[second].transpose(0, 2, 1)
    distances = np.linalg.norm(wanted[first] - wanted[second], axis=1)
    return PoseErrors(
        centre=np.linalg.norm(moved - wanted, axis=1),
        rotation_deg=angles_deg(rotation, reference @ world),
        relative_rotation_deg=angles_deg(relative, wanted_relative),
        extent=float(distances.max()),
    )


def angles_deg(first: Vectors, second: Vectors) -> Vectors:
    """The angle in degrees between rotations [N, 3, 3] and [N, 3, 3], accurate near zero."""
    chord = np.linalg.norm(first - second, axis=(1, 2)) / np.sqrt(8.0)
    angles: Vectors = np.degrees(2 * np.arcsin(np.clip(chord, 0, 1)))
    return angles


def _centres(cam_from_world: Vectors) -> Vectors:
    centres: Vectors = -np.einsum("nji,nj->ni", cam_from_world[:, :3, :3], cam_from_world[:, :3, 3])
    return centres
