"""Posed frames with what is known of their exposure and their lens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from setpiece.capture.frames import CapturedFrame
from setpiece.capture.model import Model
from setpiece.capture.photometry import Observed, falloff_at, photometry
from setpiece.capture.undistort import Samples, UndistortJob
from setpiece.posed import PosedFrame


def with_photometry(
    posed: Sequence[PosedFrame],
    frames: Sequence[CapturedFrame],
    model: Model,
    reconstruction: Any,
    jobs: Sequence[UndistortJob],
    samples: Sequence[Samples],
) -> tuple[list[PosedFrame], list[NDArray[np.float64]]]:
    """The frames with gains and falloff, and the colours of their points [S, 3] without either.

    Everything is in the order of the model's frames. A held-out frame's gain is, like every other's, found
    from the points that it shares with other photos; no render has a part in it.
    """
    radius = []
    for job in jobs:
        camera = job.undistorter.pinhole
        middle = np.array([camera.centre_x_px, camera.centre_y_px])
        half = np.hypot(camera.width, camera.height) / 2
        radius.append(np.linalg.norm(job.samples_px - middle, axis=1) / half)
    found = photometry(
        [
            Observed(
                np.asarray(model.seen[k], np.int64),
                samples[k].around.astype(np.float64),
                radius[k],
                samples[k].contrast,
                None if (rig := frames[number].rig) else int(reconstruction.image(number + 1).camera_id),
                frames[number].clip,
                rig.instant if rig else None,
            )
            for k, number in enumerate(model.frames)
        ]
    )
    result, colours = [], []
    for k, (frame, number) in enumerate(zip(posed, model.frames, strict=True)):
        falloff = found.falloff.get(int(reconstruction.image(number + 1).camera_id))
        r, g, b = (round(float(x), 6) for x in found.gains[k])
        result.append(replace(frame, gains=(r, g, b), falloff=falloff))
        remains = 1.0 if falloff is None else falloff_at(falloff, radius[k])[:, None]
        colours.append(samples[k].colours / (found.gains[k] * remains))
    return result, colours
