"""The first pass through a clip: how sharp every frame is, and how far the view has moved.

Frames are looked at in small and let go, so a long clip takes no more memory than a short one, but for a few
numbers per frame.
"""

from __future__ import annotations

import time
import zlib
from array import array
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from setpiece.capture.grey import size_within
from setpiece.capture.sharpness import sharpness
from setpiece.capture.video.clip import Clip, Shown, UnreadableClipError
from setpiece.capture.video.movement import Movement, scenes_and_way
from setpiece.progress import Task

MEASURED_SIDE = 960  # pixels; sharpness is measured at this size
FLOW_SIDE = 480  # pixels; the movement at this size
_NOTE_EVERY_S = 0.5
_AHEAD = 4  # small pictures that may wait to be looked at


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


class _Looker:
    """What is worked out of one small picture after the other, in order."""

    def __init__(self) -> None:
        self._movement = Movement()
        self.sharpness, self.way = array("d"), array("d")
        self.lost, self.checks = array("b"), array("q")

    def look(self, grey: NDArray[np.uint8], is_corrupt: bool) -> None:
        size = size_within((grey.shape[1], grey.shape[0]), FLOW_SIDE)
        moved = self._movement.step(
            np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)
        )
        self.sharpness.append(0.0 if moved.blank or is_corrupt else sharpness(grey))
        self.way.append(max(moved.way, self.way[-1] if self.way else 0.0))
        self.lost.append(moved.lost)
        self.checks.append(checksum(grey))


def scan(clip: Clip, task: Task) -> Scan:
    """Look at every frame of the clip from its beginning. Raises UnreadableClipError where there is none."""
    pts, times, keys = array("q"), array("d"), array("b")
    looker, small, shown = _Looker(), SmallGrey(), None
    started = noted = time.monotonic()
    said_s = 0
    waiting: deque[Future[None]] = deque()
    with ThreadPoolExecutor(1) as beside:  # while the next frame is decoded
        for frame in clip.decoded():
            if shown is None:
                shown = clip.shown(frame)
                size = (frame.width, frame.height)
            if (frame.width, frame.height) != size or (pts and frame.pts <= pts[-1]):
                clip.damaged += 1  # a change of size in the middle, or time running backwards
                continue
            waiting.append(beside.submit(looker.look, small.of(frame), frame.is_corrupt))
            if len(waiting) > _AHEAD:
                waiting.popleft().result()
            pts.append(frame.pts)
            times.append(clip.time_s(frame.pts))
            keys.append(frame.key_frame)
            now = time.monotonic()
            if now - noted > _NOTE_EVERY_S:
                noted, before, said_s = now, said_s, max(said_s, int(times[-1]))
                task.advance(said_s - before, f"{len(pts) / (now - started):.0f} frames/s")
        for future in waiting:
            future.result()
    if shown is None:
        raise UnreadableClipError(
            "none of its pictures can be decoded" if clip.damaged else "it holds no pictures"
        )
    task.advance(max(0, round(clip.duration_s or times[-1]) - said_s))
    scene, whole_way = scenes_and_way(np.array(times), np.array(looker.way), np.array(looker.lost, bool))
    return Scan(
        pts=np.array(pts, np.int64),
        times_s=np.array(times),
        sharpness=np.array(looker.sharpness),
        way=whole_way,
        scene=scene,
        is_key=np.array(keys, bool),
        checks=np.array(looker.checks, np.int64),
        shown=shown,
        damaged=clip.damaged > 0,
    )
