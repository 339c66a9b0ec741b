"""Up, floor, supported groups and alignment on made-up geometry with known answers."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from setpiece.cameras import Camera
from setpiece.capture.align import angles_deg, pose_errors, similarity
from setpiece.capture.floor import find_floor
from setpiece.capture.lines import Edges, along_walls, vertical
from setpiece.capture.model import Model
from setpiece.capture.split import held_out
from setpiece.capture.support import supported_groups
from setpiece.capture.upright import Upright, up_from_cameras, up_from_gravity
from setpiece.capture.world import CAMERA_HEIGHT, looked_at, set_world

Z = np.array([0.0, 0.0, 1.0])


def rotation(seed: int) -> NDArray[np.float64]:
    q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return np.asarray(q * np.sign(np.linalg.det(q)))


def looking(yaw: float, pitch: float = 0.0, roll: float = 0.0) -> NDArray[np.float64]:
    """world_from_cam rotation, Z up; angles in degrees."""
    y, p, r = np.radians((yaw, pitch, roll))
    forward = np.array([np.cos(p) * np.cos(y), np.cos(p) * np.sin(y), np.sin(p)])
    right = np.array([np.sin(y), -np.cos(y), 0.0])
    down = np.cross(forward, right)
    return np.stack([np.cos(r) * right + np.sin(r) * down, np.cos(r) * down - np.sin(r) * right, forward], 1)


def degrees_between(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    return float(np.degrees(np.arccos(np.clip(a @ b, -1, 1))))


def test_up_from_level_cameras_with_a_few_that_are_not() -> None:
    cameras = [looking(20 * i, pitch=-20 + 5 * (i % 9)) for i in range(18)] + [looking(30, 0, 80)] * 2
    world = rotation(1)
    assert degrees_between(up_from_cameras(world @ np.array(cameras)), world @ Z) < 0.5


def test_up_from_cameras_that_all_look_the_same_way() -> None:
    cameras = np.array([looking(3 * i, pitch=1.0) for i in range(-3, 4)])
    assert degrees_between(up_from_cameras(cameras), Z) < 3


def test_up_from_gravity_ignores_a_few_wrong_readings() -> None:
    rng = np.random.default_rng(0)
    readings = -Z + rng.normal(0, np.radians(0.5), (20, 3))
    readings[:3] = [1.0, 0.0, 0.0]
    readings /= np.linalg.norm(readings, axis=1, keepdims=True)
    up, spread = up_from_gravity(readings)
    assert degrees_between(up, Z) < 0.5
    assert spread < 1.5


def edges(up: NDArray[np.float64], count: int, noise_deg: float, others: int) -> Edges:
    rng = np.random.default_rng(2)
    normals = np.cross(up, rng.normal(size=(count, 3)))
    normals = np.concatenate([normals, rng.normal(size=(others, 3))])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    normals += rng.normal(0, np.radians(noise_deg), normals.shape)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return Edges(normals, rng.uniform(30, 200, len(normals)), rng.integers(0, 20, len(normals)))


def test_upright_edges_correct_a_guess() -> None:
    guess = np.array([np.sin(np.radians(6)), 0, np.cos(np.radians(6))])
    found = vertical(edges(Z, 300, 0.4, 600), guess)
    assert found is not None
    assert degrees_between(found.up, Z) < 0.2
    assert found.error_deg < 0.2


def test_walls_give_a_direction() -> None:
    along = np.array([np.cos(0.4), np.sin(0.4), 0.0])
    level = edges(along, 200, 0.4, 300)
    found = along_walls(level, Z)
    assert found is not None
    assert (
        min(degrees_between(found, d) for d in (along, -along, np.cross(Z, along), -np.cross(Z, along))) < 1
    )
    assert along_walls(edges(Z, 300, 0.4, 600), Z) is None


def test_edges_in_all_directions_say_nothing() -> None:
    assert vertical(edges(Z, 0, 0.4, 900), Z) is None


def room(table: bool) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points of a floor at z = -1.2, walls, and a table with more points than the floor; camera centres."""
    rng = np.random.default_rng(3)
    floor = np.c_[rng.uniform(-2, 2, (300, 2)), rng.normal(-1.2, 0.004, 300)]
    wall = np.c_[rng.uniform(-2, 2, 800), np.full(800, 2.0), rng.uniform(-1.2, 1.5, 800)]
    top = np.c_[rng.uniform(-0.5, 0.5, (700, 2)), rng.normal(-0.5, 0.004, 700)]
    centres = np.c_[np.cos(np.arange(12)), np.sin(np.arange(12)), np.full(12, 0.3)]
    return np.concatenate([floor, wall, top] if table else [floor, wall]), centres


@pytest.mark.parametrize("table", [False, True])
def test_the_floor_is_found_beneath_a_table(table: bool) -> None:
    points, centres = room(table)
    floor = find_floor(points, Z, centres, 2.0, 3.0, 0)
    assert floor is not None
    assert floor.height == pytest.approx(-1.2, abs=0.01)
    assert degrees_between(floor.normal, Z) < 0.5


def test_no_floor_without_a_floor() -> None:
    points, centres = room(False)
    assert find_floor(points[300:], Z, centres, 2.0, 3.0, 0) is None


def test_the_world_is_upright_on_the_floor_at_a_persons_height() -> None:
    points, centres = room(True)
    turn = rotation(4)
    cameras = []
    for i, centre in enumerate(centres):
        pose = np.eye(4)
        pose[:3, :3] = (turn @ looking(np.degrees(i) + 180)).T
        pose[:3, 3] = -pose[:3, :3] @ turn @ centre
        cameras.append(Camera(4, 4, 3.0, 3.0, 2.0, 2.0, pose))
    world_from_colmap = set_world(Upright(turn @ Z, "cameras", None, -1.2), cameras, points @ turn.T, 2.0)
    moved = [c.transformed(world_from_colmap) for c in cameras]
    heights = [c.centre_in_world[2] for c in moved]
    assert np.allclose(heights, CAMERA_HEIGHT)
    forward = moved[0].world_from_cam[:3, 2]
    assert np.allclose(forward, [0, 1, 0], atol=1e-9)
    assert np.allclose(looked_at(moved, points)[:2], 0, atol=1e-6)  # all look at the middle


def model(groups: list[int], shared: int, per_group: int) -> Model:
    """Frames in groups that share `per_group` points each; neighbouring groups share `shared`."""
    seen: list[NDArray[np.int64]] = []
    for g, count in enumerate(groups):
        own = np.arange(g * per_group, (g + 1) * per_group)
        link = np.arange((g + 1) * per_group, (g + 1) * per_group + shared)
        seen += [np.concatenate([own, link]) for _ in range(count)]
    total = (len(groups) + 1) * per_group
    return Model(
        list(range(len(seen))),
        np.tile(np.eye(4), (len(seen), 1, 1)),
        np.zeros((total, 3)),
        np.zeros(total, np.float32),
        np.zeros(total, np.int32),
        seen,
    )


def test_groups_that_hang_together_by_a_thread_are_told_apart() -> None:
    assert supported_groups(model([5, 3], 6, 100)) == [[0, 1, 2, 3, 4], [5, 6, 7]]
    assert supported_groups(model([5, 3], 40, 100)) == [list(range(8))]


def test_alignment_undoes_a_similarity() -> None:
    rng = np.random.default_rng(5)
    centres = rng.normal(size=(9, 3))
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = 2.5 * rotation(6), (1, -2, 3)
    moved = centres @ matrix[:3, :3].T + matrix[:3, 3]
    assert np.allclose(similarity(centres, moved), matrix)
    poses = np.tile(np.eye(4), (9, 1, 1))
    for i in range(9):
        poses[i, :3, :3] = rotation(10 + i)
        poses[i, :3, 3] = -poses[i, :3, :3] @ centres[i]
    cameras = [Camera(4, 4, 3.0, 3.0, 2.0, 2.0, p).transformed(matrix).cam_from_world for p in poses]
    errors = pose_errors(poses, np.array(cameras))
    assert errors.centre.max() < 1e-9
    assert errors.rotation_deg.max() < 1e-6
    assert errors.relative_rotation_deg.max() < 1e-6


def test_small_angles_are_exact() -> None:
    turn = np.eye(3)[None].copy()
    angle = np.radians(1e-4)
    turn[0, :2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    assert angles_deg(turn, np.eye(3)[None])[0] == pytest.approx(1e-4, rel=1e-6)


def test_held_out_frames() -> None:
    assert held_out(50, 8) == {0, 8, 16, 24, 32, 40, 48}
    assert held_out(11, 8) == {5}
    assert held_out(4, 8) == held_out(50, 0) == set()
