"""An app's poses as priors of the frames that were read from its photos."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import PurePosixPath

import numpy as np

from setpiece.capture.apps.poses import AppPose, AppPoses, Optics
from setpiece.capture.frames import CapturedFrame, PosePrior
from setpiece.capture.gravity import upright_from_stored
from setpiece.capture.read_photo import ReadFrame

_OTHER_SHAPE = 0.02  # of the ratio of the sides
_OTHER_LENS = 1.05  # ratio of focal lengths that belong to different lenses
_SHOWN = 3


def with_priors(read: Sequence[ReadFrame], sources: Sequence[AppPoses]) -> tuple[list[ReadFrame], list[str]]:
    """The frames with the poses of the source that names most of them, and sentences about the rest."""
    matched = [(poses, _matches([r.frame for r in read], poses)) for poses in sources]
    matched.sort(key=lambda item: -len(item[1]))
    if not matched or not matched[0][1]:
        notes = [
            f"The poses of {p.source} name none of the photos that are here, and are not used."
            for p, _ in matched
        ]
        return list(read), notes
    poses, rows = matched[0]
    found = [_with_prior(r, rows[i], poses) if i in rows else r for i, r in enumerate(read)]
    return _lenses_apart(found, poses.source), _notes(poses, rows, read)


def _notes(poses: AppPoses, rows: dict[int, AppPose], read: Sequence[ReadFrame]) -> list[str]:
    notes, used = [], {id(p) for p in rows.values()}
    missing = [p.photo.removeprefix("./") for p in poses.poses if id(p) not in used]
    if missing:
        names = ", ".join(missing[:_SHOWN]) + (" ..." if len(missing) > _SHOWN else "")
        notes.append(f"{poses.source} has poses of {len(missing)} photos that are not here: {names}.")
    if len(rows) < len(read):
        notes.append(f"{len(read) - len(rows)} of the {len(read)} photos have no pose from {poses.source}.")
    return notes


def _matches(frames: Sequence[CapturedFrame], poses: AppPoses) -> dict[int, AppPose]:
    """The pose of each frame that has one: by path, else by a file name, else by a stem that is unique."""
    found: dict[int, AppPose] = {}
    taken: set[int] = set()
    for key in (_path, _name, _stem):
        theirs: dict[str, list[AppPose]] = {}
        for pose in poses.poses:
            theirs.setdefault(key(pose.photo), []).append(pose)
        ours: dict[str, list[int]] = {}
        for i, frame in enumerate(frames):
            if frame.rig is None and frame.clip is None:
                ours.setdefault(key(frame.source), []).append(i)
        for text, numbers in ours.items():
            same = theirs.get(text, [])
            if len(numbers) == 1 and len(same) == 1 and numbers[0] not in found and id(same[0]) not in taken:
                found[numbers[0]] = same[0]
                taken.add(id(same[0]))
    return found


def _path(text: str) -> str:
    return str(PurePosixPath(text.replace("\\", "/"))).removeprefix("./").casefold()


def _name(text: str) -> str:
    return PurePosixPath(_path(text)).name


def _stem(text: str) -> str:
    return PurePosixPath(_path(text)).stem


def _with_prior(read: ReadFrame, pose: AppPose, poses: AppPoses) -> ReadFrame:
    frame = read.frame
    turn = upright_from_stored(read.orientation)  # apps count pixels as they are stored
    if np.linalg.det(turn) < 0:
        return read
    cam_from_world = turn @ pose.cam_from_world
    optics = _upright(pose.optics, turn, frame) if pose.optics else None
    prior = PosePrior(
        cam_from_world=tuple(tuple(float(v) for v in row) for row in cam_from_world),
        source=poses.source,
        metric=poses.metric,
        z_up=poses.z_up,
        optics=optics,
    )
    changes: dict[str, object] = {"prior": prior}
    if optics is not None:
        changes |= {"focal_px": optics[0], "focal_source": poses.source}
    if poses.z_up and frame.gravity_in_cam is None:
        changes["gravity_in_cam"] = tuple(float(-v) for v in cam_from_world[:, 2])
    return replace(read, frame=replace(frame, **changes))  # type: ignore[arg-type]


def _upright(optics: Optics, turn: np.ndarray, frame: CapturedFrame) -> tuple[float, ...] | None:
    """Focal length, centre and distortion in pixels of the written frame; None where it has another shape."""
    sides = np.abs(turn[:2, :2] @ (optics.width, optics.height))
    scale = frame.width / sides[0]
    if abs(scale * sides[1] / frame.height - 1) > _OTHER_SHAPE:
        return None
    off = turn[:2, :2] @ (optics.centre_x - optics.width / 2, optics.centre_y - optics.height / 2)
    centre = np.array([frame.width, frame.height]) / 2 + scale * off
    values = (optics.focal * scale, centre[0], centre[1], optics.k1, optics.k2)
    return tuple(float(v) for v in values) if all(map(math.isfinite, values)) and optics.focal > 0 else None


def _lenses_apart(read: list[ReadFrame], source: str) -> list[ReadFrame]:
    """The frames, those with clearly different focal lengths as of different lenses."""
    focals = sorted({r.frame.prior.optics[0] for r in read if r.frame.prior and r.frame.prior.optics})
    if not focals or focals[-1] / focals[0] < _OTHER_LENS:
        return read
    group, groups = 0, {focals[0]: 0}
    for before, focal in pairwise(focals):
        group += focal / before >= _OTHER_LENS
        groups[focal] = group
    return [
        replace(r, frame=replace(r.frame, lens=f"{r.frame.lens}|{source} {groups[r.frame.prior.optics[0]]}"))
        if r.frame.prior and r.frame.prior.optics
        else r
        for r in read
    ]
