"""A point that somebody showed in photos, as a place in COLMAP's world with its uncertainty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from setpiece.capture.scale.posed_photos import PosedPhoto
from setpiece.errors import SetpieceError

Vectors = NDArray[np.float64]

CLICK_PX = 1.0  # of the original photo; standard deviation of a place that somebody reads off
MOST_APART_PX = 12.0  # of the frame at a longest side of 1600; clicks that miss more show different points
SMALLEST_ANGLE_DEG = 1.0  # between the rays; below it their meeting point is a guess
NEAR = 0.04  # of the longest side: sparse points so near to a click in a single photo tell its depth
FEWEST_NEAR = 5
LEAST_DEPTH_ERROR = 0.02  # of the depth, where it comes from points around a click
_ITERATIONS = 10


@dataclass(frozen=True)
class Point:
    """A place and how well it is known."""

    position: Vectors  # [3]
    covariance: Vectors  # [3, 3]


@dataclass(frozen=True)
class Click:
    """A place in a posed photo, in pixels of the frame."""

    photo: PosedPhoto
    xy: Vectors  # [2]
    sigma_px: float


def met(clicks: Sequence[Click], what: str) -> Point:
    """The point that two clicks or more in different photos show, by least squares of the reprojection.

    Raises SetpieceError when the clicks do not show one point. `what` names it in the message.
    """
    flat = np.array([c.photo.flat(c.xy[None])[0] for c in clicks])
    rays = np.array([_ray(c, f) for c, f in zip(clicks, flat, strict=True)])
    widest = float(np.degrees(np.arccos(np.clip((rays @ rays.T).min(), -1, 1))))
    names = " and ".join(c.photo.frame.source for c in clicks)
    if widest < SMALLEST_ANGLE_DEG:
        raise SetpieceError(
            f"{names} were taken from too near to each other to tell where {what} lies "
            f"(the rays differ by {widest:.1f} degrees). Give it in photos from farther apart."
        )
    centres = np.array([c.photo.centre for c in clicks])
    across = np.eye(3) - rays[:, :, None] * rays[:, None, :]
    x = np.linalg.solve(across.sum(axis=0), (across @ centres[:, :, None]).sum(axis=0))[:, 0]
    weights = np.array([c.photo.focal_px / c.sigma_px for c in clicks])
    for _ in range(_ITERATIONS):
        residuals, jacobian = _misses(clicks, flat, weights, x)
        normal = jacobian.T @ jacobian
        x = x - np.linalg.solve(normal, jacobian.T @ residuals)
    residuals, jacobian = _misses(clicks, flat, weights, x)
    depths = [float(c.photo.cam_from_colmap[2] @ np.append(x, 1)) for c in clicks]
    longest = max(max(c.photo.frame.width, c.photo.frame.height) for c in clicks)
    missed_px = float(np.abs(residuals).max()) * max(c.sigma_px for c in clicks)
    if min(depths) <= 0 or missed_px > MOST_APART_PX * longest / 1600:
        raise SetpieceError(
            f"the places given in {names} for {what} do not show the same point: "
            f"they miss each other by {missed_px:.0f} pixels. Check the numbers, and that they count "
            "from the top left corner of the photo as it is shown upright."
        )
    freedom = max(1, len(residuals) - 3)
    worse = max(1.0, float(residuals @ residuals) / freedom)  # clicks that miss more than they should
    return Point(x, np.linalg.inv(jacobian.T @ jacobian) * worse)


def near_points(click: Click, reconstruction: Any, image_id: int, what: str) -> Point:
    """The point that a click in one photo shows, from the depths of the sparse points around it.

    A plane in space has an inverse depth that is linear over the picture: it is fitted to the inverse depths
    of the near points. Raises SetpieceError where there are too few.
    """
    photo = click.photo
    seen = [
        (p.xy, reconstruction.point3D(p.point3D_id).xyz)
        for p in reconstruction.image(image_id).points2D
        if p.has_point3D()
    ]
    places = np.array([xy for xy, _ in seen]).reshape(-1, 2)
    away = np.linalg.norm(places - click.xy, axis=1)
    near = np.flatnonzero(away < NEAR * max(photo.frame.width, photo.frame.height))
    if len(near) < FEWEST_NEAR:
        raise SetpieceError(
            f"too little is known around {what} in {photo.frame.source} to tell its depth from one photo. "
            "Give the same point in a second photo too."
        )
    pose = photo.cam_from_colmap
    inverse = 1 / (np.array([seen[i][1] for i in near]) @ pose[2, :3] + pose[2, 3])
    kept = np.abs(inverse - np.median(inverse)) <= 3 * 1.4826 * _spread(inverse) + 1e-12
    offset = (places[near] - click.xy)[kept]
    terms = np.concatenate([np.ones((len(offset), 1)), offset], axis=1)
    if kept.sum() >= 6:
        solved = np.linalg.lstsq(terms, inverse[kept], rcond=None)[0]
        rest, at = inverse[kept] - terms @ solved, float(solved[0])
    else:
        at = float(np.median(inverse[kept]))
        rest = inverse[kept] - at
    if at <= 0:
        raise SetpieceError(f"{what} in {photo.frame.source} cannot be placed from one photo. Give a second.")
    depth = 1 / at
    unsure = float(np.sqrt((rest**2).mean()))
    if not kept.all():  # an edge is near: it may lie on either side
        unsure = max(unsure, float(np.ptp(inverse)) / 2)
    sigma_depth = depth * max(LEAST_DEPTH_ERROR, unsure * depth)
    flat = photo.flat(click.xy[None])[0]
    turn = pose[:, :3].T
    in_cam = depth * np.append(flat, 1.0)
    sideways = depth * click.sigma_px / photo.focal_px
    along = in_cam / np.linalg.norm(in_cam)
    spread = sideways**2 * np.eye(3) + (sigma_depth**2 - sideways**2) * np.outer(along, along)
    return Point(turn @ (in_cam - pose[:, 3]), turn @ spread @ turn.T)


def _ray(click: Click, flat: Vectors) -> Vectors:
    ray = click.photo.cam_from_colmap[:, :3].T @ np.append(flat, 1.0)
    unit: Vectors = ray / np.linalg.norm(ray)
    return unit


def _misses(clicks: Sequence[Click], flat: Vectors, weights: Vectors, x: Vectors) -> tuple[Vectors, Vectors]:
    """Misses [2 N] in standard deviations, and their derivatives [2 N, 3] by the point."""
    poses = np.array([c.photo.cam_from_colmap for c in clicks])
    u, v, depth = (poses[:, :, :3] @ x + poses[:, :, 3]).T
    residuals = np.stack([u / depth, v / depth], axis=1) - flat
    turn = poses[:, :, :3]
    du = (turn[:, 0] * depth[:, None] - turn[:, 2] * u[:, None]) / depth[:, None] ** 2
    dv = (turn[:, 1] * depth[:, None] - turn[:, 2] * v[:, None]) / depth[:, None] ** 2
    jacobian = np.stack([du, dv], axis=1) * weights[:, None, None]
    return (residuals * weights[:, None]).ravel(), jacobian.reshape(-1, 3)


def _spread(values: Vectors) -> float:
    return float(np.median(np.abs(values - np.median(values))))
