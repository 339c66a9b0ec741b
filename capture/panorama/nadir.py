"""Who held the camera: what is below every panorama is the tripod, the hand or the person, and is masked.

A cone straight below is always masked. Beyond it, what looks the same in the camera's axes on nearly all
panoramas while the world moved on belongs to the rig: it is masked as far as it hangs together with the cone.

That is judged on a disc around the nadir: a picture in which the distance from the middle is the angle from
straight down (in the rig's axes), DISC_STEP_DEG per pixel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from setpiece.axes import rotation_from_quat
from setpiece.capture.mask import Mask, write_mask
from setpiece.capture.panorama.read import ReadPanorama
from setpiece.capture.panorama.sphere import Sphere
from setpiece.capture.panorama.views import view_rays
from setpiece.capture.read_photo import ReadFrame

Bytes = NDArray[np.uint8]
Vectors = NDArray[np.float64]

CONE_DEG = 14.0  # half the angle of the cone that is masked under every panorama
LONE_CONE_DEG = 20.0  # where there are too few panoramas to tell more
FEWEST = 4  # panoramas
DISC_DEG = 70.0  # from straight down to the disc's edge: as far as something may hang together with the cone
DISC_STEP_DEG = 0.5
_STILL = 16.0  # grey levels; farthest from the median of what does not move
_LIT, _RIM_DEG = 30.0, 7.0  # the same beside what does not move, and how far beside
_MOSTLY = 90  # percent of the panoramas on which it does not
_CLOSED_DEG, _GROWN_DEG = 2.0, 3.0  # gaps that are closed in what is found, and what is added around it


def masked_nadirs(
    read: Sequence[ReadFrame], panoramas: Sequence[ReadPanorama], folder: Path
) -> list[ReadFrame]:
    """The frames, those of panoramas with their masks, which are written into `folder`."""
    masks: dict[str, float] = {}
    for alike in _by_camera(panoramas):
        rig = rig_mask([p.small for p in alike])
        of_sensor: dict[int, Mask] = {}
        for panorama in alike:
            for view in panorama.views:
                assert view.frame.rig is not None
                sensor = view.frame.rig.sensor
                if sensor not in of_sensor:
                    of_sensor[sensor] = _in_view(view, rig)
                counts = of_sensor[sensor]
                if (more := panorama.counts.get(view.frame.name)) is not None:
                    counts = counts & more
                if not counts.all():
                    masks[view.frame.name] = 1.0 - float(counts.mean())
                    write_mask(folder / f"{view.frame.name}.png", counts)
    return [_masked(r, masks[r.frame.name]) if r.frame.name in masks else r for r in read]


def _masked(read: ReadFrame, share: float) -> ReadFrame:
    frame = replace(read.frame, mask=f"{read.frame.name}.png")
    return replace(read, frame=frame, masked=share)


def rig_mask(small: Sequence[Bytes]) -> Mask:
    """Where the disc around the nadir shows the rig, from small panoramas [H, W, 3] of one camera."""
    off = np.linalg.norm(_disc_angles(), axis=-1)
    if len(small) < FEWEST:
        lone: Mask = off < LONE_CONE_DEG
        return lone
    cone: Mask = off < CONE_DEG
    change = _change(np.stack([_disc(p) for p in small]))
    change[off >= DISC_DEG] = np.inf
    found = _joined((change < _STILL) | cone, cone)
    around = cv2.dilate(found.astype(np.uint8), _ellipse(_RIM_DEG)) > 0  # where light plays on its rim
    found = _joined(found | (around & (change < _LIT)), cone)
    closed = cv2.morphologyEx(found.astype(np.uint8), cv2.MORPH_CLOSE, _ellipse(_CLOSED_DEG))
    mask: Mask = cv2.dilate(closed, _ellipse(_GROWN_DEG)) > 0
    return mask


def _disc_angles() -> Vectors:
    """Of each pixel of the disc how far it is from straight down, to the right and to the back, [S, S, 2]."""
    half = round(DISC_DEG / DISC_STEP_DEG)
    across, back = np.meshgrid(np.arange(-half, half + 1.0), np.arange(-half, half + 1.0))
    return np.stack([across, back], axis=-1) * DISC_STEP_DEG


def _disc(small: Bytes) -> Bytes:
    angles = np.radians(_disc_angles())
    off = np.linalg.norm(angles, axis=-1)
    level = np.where(off > 0, np.sin(off) / np.maximum(off, 1e-9), 1.0)[..., None] * angles
    rays = np.stack([level[..., 0], np.cos(off), -level[..., 1]], axis=-1)  # y is down, z to the front
    at = Sphere.whole(small.shape[1], small.shape[0]).positions(rays.reshape(-1, 3)) - 0.5
    wide = np.concatenate([small[:, -2:], small, small[:, :2]], axis=1)
    places = (at + (2, 0)).reshape(*off.shape, 2).astype(np.float32)
    disc = cv2.remap(wide, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(disc, np.uint8)


def _change(discs: Bytes) -> NDArray[np.float32]:
    """How much discs [N, S, S, 3] differ, grey levels, blurred against the noise and the stitching."""
    calm = np.stack([cv2.GaussianBlur(d, (0, 0), 1.5) for d in discs]).astype(np.float32)
    off = np.abs(calm - np.median(calm, axis=0)).max(axis=3)
    change: NDArray[np.float32] = np.percentile(off, _MOSTLY, axis=0).astype(np.float32)
    return change


def _joined(candidates: Mask, cone: Mask) -> Mask:
    """The candidates that hang together with the cone."""
    _, labels = cv2.connectedComponents(candidates.astype(np.uint8), connectivity=4)
    wanted = np.unique(labels[cone])
    mask: Mask = np.isin(labels, wanted[wanted > 0])
    return mask


def _ellipse(reach_deg: float) -> Bytes:
    side = 2 * round(reach_deg / DISC_STEP_DEG) + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)


def _in_view(view: ReadFrame, rig: Mask) -> Mask:
    """What of a view counts: where it does not show the rig."""
    frame = view.frame
    assert frame.rig is not None
    assert frame.focal_px is not None
    cam_from_rig = rotation_from_quat(np.array(frame.rig.cam_from_rig))
    x, y, z = (view_rays(frame.width, frame.focal_px) @ cam_from_rig).T
    level = np.hypot(x, z)
    off = np.degrees(np.arctan2(level, y)) / np.maximum(level, 1e-12)
    places = np.stack([off * x, -off * z], axis=1) / DISC_STEP_DEG + rig.shape[0] // 2
    shaped = places.reshape(frame.height, frame.width, 2).astype(np.float32)
    grey = np.where(rig, np.float32(0), np.float32(255))
    smooth = cv2.remap(
        grey, shaped, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=(255.0,)
    )
    counts: Mask = smooth >= 127.5
    return counts


def _by_camera(panoramas: Sequence[ReadPanorama]) -> list[list[ReadPanorama]]:
    groups: dict[tuple[str, int], list[ReadPanorama]] = {}
    for panorama in panoramas:
        if panorama.views:
            frame = panorama.views[0].frame
            groups.setdefault((frame.lens, frame.width), []).append(panorama)
    return list(groups.values())
