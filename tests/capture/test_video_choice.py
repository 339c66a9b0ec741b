"""Frames lie evenly on the way of the view, and the sharp ones are taken."""

from __future__ import annotations

import numpy as np
import pytest
from made_clips import panned, smeared, texture
from numpy.typing import NDArray

from setpiece.capture.video.blur import blurred_frames, sharpness_reached
from setpiece.capture.video.choose import HOLE, STEP, choose, choose_all
from setpiece.capture.video.clip import Shown
from setpiece.capture.video.colour import colour_of
from setpiece.capture.video.movement import Moved, Movement, scenes_and_way
from setpiece.capture.video.scan import Scan

SIZE = (480, 270)


def made(
    way: NDArray[np.float64],
    sharpness: NDArray[np.float64] | float = 0.6,
    scene: NDArray[np.int64] | int = 0,
    rate: float = 30.0,
) -> Scan:
    count = len(way)
    return Scan(
        pts=np.arange(count),
        times_s=np.arange(count) / rate,
        sharpness=np.broadcast_to(np.asarray(sharpness, np.float64), count),
        way=np.asarray(way, np.float64),
        scene=np.broadcast_to(np.asarray(scene, np.int64), count),
        is_key=np.arange(count) % 30 == 0,
        checks=np.zeros(count, np.int64),
        shown=Shown(SIZE, (1, 0, 0, 1), 1.0, colour_of(1, False, 1, 1, 1080)),
        damaged=False,
    )


def followed(places: NDArray[np.float64], blur: int = 0) -> list[Moved]:
    movement = Movement()
    greys = (smeared(p, blur)[..., 1] if blur else p[..., 1] for p in panned(places, SIZE))
    return [movement.step(np.ascontiguousarray(grey)) for grey in greys]


@pytest.mark.parametrize("speed", [0.002, 0.01, 0.05, 0.12])
def test_the_way_of_a_pan_is_measured(speed: float) -> None:
    places = np.arange(25) * speed
    moved = followed(places)
    assert moved[-1].way == pytest.approx(places[-1], rel=0.06)
    assert not any(m.lost for m in moved)


def test_a_blurred_turn_is_measured_too() -> None:
    places = np.arange(20) * 0.06
    moved = followed(places, blur=29)
    assert moved[-1].way == pytest.approx(places[-1], rel=0.15)


def test_a_trembling_hand_goes_nowhere() -> None:
    rng = np.random.default_rng(0)
    moved = followed(0.05 + 0.004 * rng.normal(size=150))
    assert moved[-1].way < 0.05


def test_a_cut_is_a_cut_and_darkness_is_blank() -> None:
    movement = Movement()
    first, second = (texture(*SIZE, seed=s)[..., 1].copy() for s in (1, 2))
    dark = np.full_like(first, 17)
    moved = [movement.step(p) for p in (first, first, dark, dark, first, second, second)]
    assert [m.lost for m in moved] == [False, False, False, False, False, True, False]
    assert [m.blank for m in moved] == [False, False, True, True, False, False, False]


def test_a_bare_noisy_wall_is_one_place() -> None:
    rng, movement = np.random.default_rng(0), Movement()
    light = np.tile(np.linspace(90, 140, SIZE[0]), (SIZE[1], 1))
    moved = [movement.step((light + rng.normal(0, 1.5, light.shape)).astype(np.uint8)) for _ in range(30)]
    assert not any(m.lost for m in moved)
    assert moved[-1].way < 0.1


def test_a_jerk_is_a_way_and_a_cut_is_none() -> None:
    times, way, lost = np.arange(90) / 30, np.zeros(90), np.zeros(90, bool)
    lost[[20, 60, 61, 63]] = True
    scene, whole = scenes_and_way(times, way, lost)
    assert (np.flatnonzero(np.diff(scene)) + 1).tolist() == [20]
    assert (np.flatnonzero(np.diff(whole)) + 1).tolist() == [60, 61, 63]
    assert scenes_and_way(times, way, np.zeros(90, bool))[0].max() == 0


def gaps(scan: Scan, step: float = STEP) -> NDArray[np.float64]:
    result: NDArray[np.float64] = np.diff(scan.way[choose(scan, step).frames])
    return result


def test_a_slow_pan_gives_no_twins() -> None:
    scan = made(np.linspace(0, 1, 900))
    assert 14 <= len(choose(scan, STEP).frames) <= 20
    assert gaps(scan).min() > 0.7 * STEP


def test_a_stop_adds_nothing() -> None:
    way = np.concatenate([np.linspace(0, 0.5, 60), np.full(300, 0.5), np.linspace(0.5, 1, 60)])
    frames = choose(made(way), STEP).frames
    assert ((frames > 62) & (frames < 358)).sum() <= 1


def test_a_fast_turn_leaves_no_hole() -> None:
    way = np.concatenate([np.linspace(0, 0.3, 90), 0.3 + np.arange(1, 20) * 0.05, np.linspace(1.3, 1.6, 90)])
    assert gaps(made(way)).max() < 1.8 * STEP


def test_the_sharpest_around_is_taken() -> None:
    rng = np.random.default_rng(1)
    sharpness = np.where(np.arange(300) % 3 == 0, 0.6, 0.5) + rng.normal(0, 0.004, 300)
    frames = choose(made(np.linspace(0, 2, 300), sharpness), STEP).frames
    assert (frames % 3 == 0).mean() > 0.95


def test_a_short_blurred_run_is_stepped_over_a_long_one_is_bridged() -> None:
    way = np.linspace(0, 3, 300)  # 0.01 per frame
    for length, bridged in ((int(100 * HOLE) - 10, False), (70, True)):
        sharpness = np.full(300, 0.6)
        sharpness[100 : 100 + length] = 0.3
        scan = made(way, sharpness)
        choice = choose(scan, STEP)
        inside = choice.frames[(choice.frames >= 100) & (choice.frames < 100 + length)]
        assert bool(len(inside)) == bridged
        assert gaps(scan).max() < 0.4
        if bridged:
            (run,) = choice.runs
            assert (run.first_s, run.last_s) == pytest.approx((100 / 30, (99 + length) / 30))
            assert run.used == len(inside)
            assert f"{run.used} least blurred frames are used" in run.sentence("walk.mp4")


def test_blur_is_judged_by_the_neighbourhood() -> None:
    """A wall that measures soft is not blurred; a blurred frame before a sharp poster is."""
    usual = np.interp(np.arange(300), [120, 180], [0.65, 0.45])
    sharpness = usual.copy()
    sharpness[[40, 41, 200, 250]] *= 0.75
    scan = made(np.linspace(0, 3, 300), sharpness)
    assert np.flatnonzero(blurred_frames(scan, sharpness_reached(scan))).tolist() == [40, 41, 200, 250]


def test_scenes_are_chains_of_their_own() -> None:
    scene = np.repeat([0, 1, 2], 50)
    way = np.linspace(0, 0.6, 150)
    frames = choose(made(way, scene=scene), STEP).frames
    assert {int(scene[f]) for f in frames} == {0, 1, 2}


def test_most_frames_hold_for_all_clips_together() -> None:
    scans = [made(np.linspace(0, 10, 600)), made(np.linspace(0, 30, 1800))]
    choices, step = choose_all(scans, 100)
    counts = [len(c.frames) for c in choices]
    assert step > STEP
    assert 85 <= sum(counts) <= 100
    assert counts[1] == pytest.approx(3 * counts[0], abs=4)
    assert choose_all(scans, 10_000)[1] == STEP
    assert choose_all([], 100)[0] == []


@pytest.mark.parametrize("count", [1, 2, 3])
def test_hardly_any_frames(count: int) -> None:
    assert len(choose(made(np.zeros(count)), STEP).frames) == 1
    assert len(choose(made(np.zeros(count), 0.0), STEP).frames) == 0, "nothing to see"
