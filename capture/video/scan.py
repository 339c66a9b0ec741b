"""The first pass through a clip: how sharp every frame is, and how far the view has moved.

Frames are looked at in small and let go, so a long clip takes no more memory than a short one, but for a few
numbers per frame.
"""

from __future__ import annotations

import time
import zlib
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from setpiece.capture.grey import size_within
from setpiece.capture.sharpness import sharpness
from setpiece.capture.video.clip import Clip, Shown, UnreadableClipError
from setpiece.capture.video.movement import Movement
from setpiece.progress import Task

MEASURED_SIDE = 960  # pixels; sharpness is measured at this size
FLOW_SIDE = 480  # pixels; the movement at this size
_NOTE_EVERY_S = 0.5


@dataclass(frozen=True)
class Scan:
    """What was measured of a clip's frames, in order of their presentation times."""

    pts: NDArray[np.int64]  # [N]
    times_s: NDArray[np.float64]  # [N] from the clip's beginning
    sharpness: NDArray[np.float64]  # [N] 0 to 1; 0 where the picture shows nothing or is damaged
    way: NDArray[np.float64]  # [N] how far the view has moved, widths of the picture; never decreases
    scene: NDArray[np.int64]  # [N] number of cuts before the frame
    is_key: NDArray[np.bool_]  # [N] decoding can start here
    checks: NDArray[np.int64]  # [N] checksum of the small picture, to know the frame again
    shown: Shown
    damaged: bool  # not all could be decoded

    @property
    def rate(self) -> float:
        """Frames per second, the median."""
        steps = np.diff(self.times_s)
        return float(1 / np.median(steps)) if len(steps) and np.median(steps) > 0 else 0.0


class SmallGrey:
    """Makes frames of one clip small; keeps what scaling needs from frame to frame."""

    def __init__(self) -> None:
        from av.video.reformatter import VideoReformatter

        self._scaler = VideoReformatter()

    def of(self, frame: Any) -> NDArray[np.uint8]:
        """The luma of an av.VideoFrame with its longer side brought down to MEASURED_SIDE, [H, W]."""
        width, height = size_within((frame.width, frame.height), MEASURED_SIDE)
        small = self._scaler.reformat(frame, width, height, "gray", interpolation="AREA")
        plane: Any = small.planes[0]
        rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
        return np.ascontiguousarray(rows[:height, :width])


def checksum(grey: NDArray[np.uint8]) -> int:
    """What a frame is known by."""
    return zlib.crc32(grey.tobytes())


def scan(clip: Clip, task: Task, cancelled: Callable[[], bool] = lambda: False) -> Scan:
    """Look at every frame of the clip from its beginning. Raises UnreadableClipError where there is none."""
    pts, times, sharp, way = array("q"), array("d"), array("d"), array("d")
    scene, keys, checks = array("q"), array("b"), array("q")
    movement, small, shown = Movement(), SmallGrey(), None
    started = noted = time.monotonic()
    said_s = 0
    for frame in clip.decoded():
        if shown is None:
            shown = clip.shown(frame)
            size = (frame.width, frame.height)
        if (frame.width, frame.height) != size or (pts and frame.pts <= pts[-1]):
            clip.damaged += 1  # a change of size in the middle, or time running backwards
            continue
        grey = small.of(frame)
        moved = movement.step(_flow_picture(grey))
        pts.append(frame.pts)
        times.append(clip.time_s(frame.pts))
        sharp.append(0.0 if moved.blank or frame.is_corrupt else sharpness(grey))
        way.append(max(moved.way, way[-1] if way else 0.0))
        scene.append(moved.scene)
        keys.append(frame.key_frame)
        checks.append(checksum(grey))
        now = time.monotonic()
        if now - noted > _NOTE_EVERY_S:
            noted, before, said_s = now, said_s, max(said_s, int(times[-1]))
            task.advance(said_s - before, f"{len(pts) / (now - started):.0f} frames/s")
    if shown is None:
        raise UnreadableClipError(
            "none of its pictures can be decoded" if clip.damaged else "it holds no pictures"
        )
    task.advance(max(0, round(clip.duration_s or times[-1]) - said_s))
    return Scan(
        pts=np.array(pts, np.int64),
        times_s=np.array(times),
        sharpness=np.array(sharp),
        way=np.array(way),
        scene=np.array(scene, np.int64),
        is_key=np.array(keys, bool),
        checks=np.array(checks, np.int64),
        shown=shown,
        damaged=clip.damaged > 0,
    )


def _flow_picture(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    size = size_within((grey.shape[1], grey.shape[0]), FLOW_SIDE)
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)
