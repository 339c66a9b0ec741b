"""A few of the photos as the training pictures that they would become: what a forecast tries its steps on."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from setpiece.capture.check.look import Look
from setpiece.capture.frames import FRAMES_FOLDER
from setpiece.capture.undistort import Undistorter, UndistortJob, undistort_all
from setpiece.posed import PosedFrame, PosedFrames, SparsePoints
from setpiece.progress import SilentProgress
from setpiece.setfolder import SetFolder

SAMPLED = 3  # photos


def sample(scratch: SetFolder, look: Look, image_side: int, threads: int) -> tuple[PosedFrames, float] | None:
    """Pictures of a few frames, written into the scratch set's poses/, with their cameras and all points.

    Also the seconds that one picture takes one thread. None where no cameras were found. The world is
    COLMAP's.
    """
    model = look.model
    if model is None or not len(model.points):
        return None
    folder = scratch.poses / "images"
    folder.mkdir(parents=True, exist_ok=True)
    jobs, posed = [], []
    for position in np.linspace(0, len(model.frames) - 1, min(SAMPLED, len(model.frames))).astype(int):
        frame = look.frames[model.frames[position]]
        colmap = look.camera(model.frames[position])
        undistorter = Undistorter.of(colmap, image_side)
        camera = replace(undistorter.pinhole, cam_from_world=model.cam_from_world[position])
        picture = f"{scratch.poses.name}/images/{frame.name}"
        file = scratch.capture / FRAMES_FOLDER / frame.name
        jobs.append(UndistortJob(file, undistorter, scratch.path / picture, np.zeros((0, 2))))
        posed.append(PosedFrame(frame.name, picture, None, camera, "train", frame.order))
    started = time.monotonic()
    undistort_all(jobs, threads, SilentProgress())
    seconds = (time.monotonic() - started) / -(-len(jobs) // threads)
    points = SparsePoints(
        points_in_world=model.points.astype(np.float32),
        rgb=np.full((len(model.points), 3), 128, np.uint8),
        error_px=model.error_px,
        track_length=model.track_length,
    )
    return PosedFrames(tuple(posed), points), seconds
