"""A phone's video of the film set with its truth: the walk as it is filmed, not photographed.

The clip is what phones make it hard with: held upright but stored lying, with a display matrix; HEVC with 10
bits in HLG; frames at uneven times; and now and then a jerk, which blurs the frames that are exposed
meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from setpiece.cameras import Camera
from setpiece.capture.demo.geometry.patch import Float32
from setpiece.capture.demo.hdr import HLG_BT2020, hlg_planes
from setpiece.capture.demo.litset import LitSet
from setpiece.capture.demo.options import DemoOptions
from setpiece.capture.demo.photo import Exposure, develop, phone_camera, phone_lens, photograph
from setpiece.capture.demo.walk import TARGET, Viewpoint, look_at

TIME_BASE = Fraction(1, 600)  # seconds; QuickTime's usual one
QUARTER_TURN = (0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30)  # to the right, as of a phone held upright
_ENCODER = {"preset": "veryfast", "crf": "16", "x265-params": "log-level=none"}
_PLAIN = Exposure(0.0, (1.0, 1.0, 1.0))


@dataclass(frozen=True)
class FilmOptions:
    """What the clip is made of."""

    frames: int = 240
    first: float = 0.0  # part of the walk, 0 to 1
    last: float = 1.0
    frames_per_second: float = 30.0  # on average
    blurred_share: float = 0.2  # of the frames
    jerk_deg: float = 1.2  # how far the view turns while a blurred frame is exposed
    seed: int = 7


@dataclass(frozen=True)
class FilmFrame:
    """One frame of the clip and its truth."""

    time_s: float
    camera: Camera  # the pinhole behind it, upright
    blurred: bool


def film_view(at: float) -> Viewpoint:
    """The phone at a part `at` of the walk, 0 to 1: out at eye height, back lower and nearer, upright."""
    turn = float(np.clip((at - 0.44) / 0.12, 0, 1))  # the way down and in, at the far end
    turn = turn * turn * (3 - 2 * turn)
    out_deg, in_deg = -62 + 124 * min(2 * at, 1), 62 - 124 * max(2 * at - 1, 0)
    angle = np.radians(out_deg if at < 0.5 else in_deg)
    radius = 2.75 + 0.18 * np.sin(10 * at) + turn * (-0.55 + 0.1 * np.sin(7 * at))
    height = 1.55 + 0.10 * np.sin(14 * at + 0.4) - turn * 0.43
    target = np.array(TARGET)
    centre = np.array([target[0] + radius * np.sin(angle), target[1] - radius * np.cos(angle), height])
    aim = target + np.array([0.5 * np.sin(13 * at), 0.2 * np.cos(9 * at), 0.12 * np.sin(17 * at)])
    return Viewpoint(look_at(centre, aim, 1.5 * float(np.sin(11 * at))), True)


def film_plan(options: FilmOptions, photo: DemoOptions) -> list[FilmFrame]:
    """Times, cameras and which frames are blurred: in runs of one to eight."""
    rng = np.random.default_rng([options.seed, 51])
    steps = rng.choice([0.5, 0.8, 1.0, 1.0, 1.25, 1.5], options.frames)
    times = np.cumsum(steps / steps.mean()) / options.frames_per_second
    units = np.maximum.accumulate(np.round((times - times[0]) / float(TIME_BASE))).astype(int)
    blurred = np.zeros(options.frames, bool)
    while blurred.mean() < options.blurred_share:
        start = int(rng.integers(2, options.frames - 2))
        blurred[start : start + int(rng.choice([1, 2, 3, 5, 8]))] = True
    places = options.first + (options.last - options.first) * (times - times[0]) / (times[-1] - times[0])
    return [
        FilmFrame(float(u * TIME_BASE), phone_camera(film_view(float(p)), photo), bool(b))
        for u, p, b in zip(units, places, blurred, strict=True)
    ]


def film_frames(
    lit: LitSet, plan: list[FilmFrame], options: FilmOptions, photo: DemoOptions, workers: Executor
) -> Iterator[NDArray[np.uint8]]:
    """The sRGB pictures [H, W, 3] of the plan, upright, in order."""
    lens = phone_lens(photo)

    def one(i: int) -> NDArray[np.uint8]:
        frame = plan[i]
        rng = np.random.default_rng([options.seed, 52, i])
        light = photograph(lit, frame.camera, lens, photo).colour
        if frame.blurred:
            axis = rng.normal(size=2)
            light = _jerked(light, frame.camera, axis * np.radians(options.jerk_deg) / np.linalg.norm(axis))
        return develop(light, _PLAIN, photo.noise, photo.vignette, rng)

    yield from workers.map(one, range(len(plan)))


def write_film(
    path: Path, pictures: Iterator[NDArray[np.uint8]], plan: list[FilmFrame], codec: str = "libx265"
) -> None:
    """Write the clip: HEVC, 10 bits, HLG, lying on its side with a display matrix, at the plan's times."""
    import av

    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=30, options=_ENCODER)
        for frame, picture in zip(plan, pictures, strict=True):
            lying = np.rot90(picture, 1)
            if not stream.codec_context.is_open:
                stream.width, stream.height = lying.shape[1], lying.shape[0]
                stream.pix_fmt, stream.time_base = "yuv420p10le", TIME_BASE
                stream.codec_context.time_base = TIME_BASE
                stream.codec_context.colorspace, stream.codec_context.color_trc = HLG_BT2020[:2]
                stream.codec_context.color_primaries, stream.codec_context.color_range = HLG_BT2020[2], 1
                stream.set_display_matrix(QUARTER_TURN)
            coded = av.VideoFrame(stream.width, stream.height, "yuv420p10le")
            for plane, values in zip(coded.planes, hlg_planes(np.ascontiguousarray(lying)), strict=True):
                rows = np.zeros((plane.height, plane.line_size // 2), np.uint16)
                rows[:, : plane.width] = values
                plane.update(rows.tobytes())
            coded.pts, coded.time_base = round(frame.time_s / TIME_BASE), TIME_BASE
            container.mux(stream.encode(coded))
        container.mux(stream.encode(None))


def _jerked(light: Float32, camera: Camera, turn_rad: NDArray[np.float64]) -> Float32:
    """What is recorded while the camera turns by angles about its y and x axes, steadily, around its place.

    A turn moves the whole picture by a homography, so no further render is needed.
    """
    size, focal = (camera.width, camera.height), camera.focal_x_px
    lens = np.array([[focal, 0, camera.centre_x_px - 0.5], [0, focal, camera.centre_y_px - 0.5], [0, 0, 1]])
    samples = max(3, 2 * round(float(np.linalg.norm(turn_rad)) * focal) + 1)  # half a pixel apart
    total = np.zeros_like(light)
    for part in np.linspace(-0.5, 0.5, samples):
        yaw, pitch = turn_rad * part
        turn = cv2.Rodrigues(np.array([pitch, yaw, 0.0]))[0]
        moved = lens @ turn @ np.linalg.inv(lens)
        total += cv2.warpPerspective(light, moved, size, borderMode=cv2.BORDER_REPLICATE)
    total /= np.float32(samples)
    return total
