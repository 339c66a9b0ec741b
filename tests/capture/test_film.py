"""The demo's walk as a video gives the poses that it was filmed with, and no blurred frame is used."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
from made_photos import pose

from setpiece.capture.align import pose_errors
from setpiece.capture.demo import DemoOptions
from setpiece.capture.demo.film import FilmFrame, FilmOptions, film_frames, film_plan, write_film
from setpiece.capture.demo.make import build_set
from setpiece.capture.frames import read_frames
from setpiece.posed import read_posed_frames

PHOTO = replace(DemoOptions.tiny(), width=480)
FILM = FilmOptions(frames=60, last=0.25, frames_per_second=24)


def filmed(clip: Path) -> list[FilmFrame]:
    plan = film_plan(FILM, PHOTO)
    with ThreadPoolExecutor(2) as workers:
        lit = build_set(PHOTO, workers)
        write_film(clip, film_frames(lit, plan, FILM, PHOTO, workers), plan)
    return plan


def test_a_film_of_the_walk_has_the_poses_of_its_camera(tmp_path: Path) -> None:
    plan = filmed(tmp_path / "walk.mov")
    target, _ = pose(tmp_path / "walk.mov", tmp_path / "set")
    times = np.array([f.time_s for f in plan])
    frames = {f.name: f for f in read_frames(target.capture)}
    true = {name: plan[int(np.abs(times - (f.clip_time_s or 0)).argmin())] for name, f in frames.items()}
    assert not any(f.blurred for f in true.values())
    assert {(f.width, f.height) for f in frames.values()} == {(360, 480)}, "upright"
    posed = read_posed_frames(target.poses).frames
    assert len(posed) == len(frames) >= 8
    errors = pose_errors(
        np.array([f.camera.cam_from_world for f in posed]),
        np.array([true[f.name].camera.cam_from_world for f in posed]),
    )
    assert errors.centre.max() < 0.01 * errors.extent
    assert errors.rotation_deg.max() < 0.3  # 360 pixels wide; stills of this size are as uncertain
