"""The axis systems are proper rotations that do what docs/conventions.md says."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from setpiece.axes import (
    PLAYCANVAS_FROM_WORLD,
    PLY_FROM_WORLD,
    WORLD_FROM_PLY,
    quat_from_rotation,
    quat_product,
    rotate_splats,
    rotation_from_quat,
)
from setpiece.splats import Splats

MakeSplats = Callable[..., Splats]


def test_ply_axes_are_right_down_forward() -> None:
    right, forward, up = np.eye(3)  # of somebody who stands in the world and looks along +y
    np.testing.assert_array_equal(PLY_FROM_WORLD @ right, [1, 0, 0])
    np.testing.assert_array_equal(PLY_FROM_WORLD @ -up, [0, 1, 0])
    np.testing.assert_array_equal(PLY_FROM_WORLD @ forward, [0, 0, 1])


def test_playcanvas_axes_are_y_up_and_look_along_minus_z() -> None:
    right, forward, up = np.eye(3)
    np.testing.assert_array_equal(PLAYCANVAS_FROM_WORLD @ right, [1, 0, 0])
    np.testing.assert_array_equal(PLAYCANVAS_FROM_WORLD @ up, [0, 1, 0])
    np.testing.assert_array_equal(PLAYCANVAS_FROM_WORLD @ forward, [0, 0, -1])


def test_playcanvas_sees_a_ply_after_half_a_turn_about_x() -> None:
    np.testing.assert_array_equal(PLAYCANVAS_FROM_WORLD @ WORLD_FROM_PLY, np.diag([1, -1, -1]))


@pytest.mark.parametrize("matrix", [PLY_FROM_WORLD, WORLD_FROM_PLY, PLAYCANVAS_FROM_WORLD])
def test_nothing_is_mirrored(matrix: np.ndarray) -> None:
    assert np.linalg.det(matrix) == 1
    np.testing.assert_array_equal(matrix @ matrix.T, np.eye(3))


def test_there_and_back_is_where_one_was(random_splats: MakeSplats) -> None:
    splats = random_splats(50)
    back = rotate_splats(rotate_splats(splats, PLY_FROM_WORLD), WORLD_FROM_PLY)
    # Signed permutations: exact, but for the roots of 2 in the quaternions (float32, two roundings).
    np.testing.assert_array_equal(back.means, splats.means)
    np.testing.assert_allclose(back.quats_wxyz, splats.quats_wxyz, atol=1e-6)
    np.testing.assert_allclose(back.sh, splats.sh, atol=1e-6)


def test_covariances_turn_with_the_axes(random_splats: MakeSplats) -> None:
    splats = random_splats(20)
    turn = Rotation.random(random_state=4).as_matrix()
    turned = rotate_splats(splats, turn)

    def covariances(s: Splats) -> np.ndarray:
        local = rotation_from_quat(s.quats_wxyz) * np.exp(s.log_scales.astype(np.float64))[:, None, :]
        return local @ local.transpose(0, 2, 1)

    np.testing.assert_allclose(covariances(turned), turn @ covariances(splats) @ turn.T, rtol=0, atol=1e-5)


@pytest.mark.parametrize("bad", [np.eye(3) * 2, np.diag([1.0, 1.0, -1.0]), np.eye(4)])
def test_what_is_no_rotation_is_refused(random_splats: MakeSplats, bad: np.ndarray) -> None:
    with pytest.raises(ValueError, match="rotat"):
        rotate_splats(random_splats(1), bad)


def test_quaternions_agree_with_scipy() -> None:
    for seed in range(50):
        a, b = Rotation.random(2, random_state=seed)
        ours = quat_product(quat_from_rotation(a.as_matrix()), quat_from_rotation(b.as_matrix()))
        np.testing.assert_allclose(rotation_from_quat(ours), (a * b).as_matrix(), atol=1e-12)
    for axis in ([np.pi, 0, 0], [0, np.pi, 0], [0, 0, np.pi], [0, 0, 0]):  # where a trace alone fails
        half_turn = Rotation.from_rotvec(axis).as_matrix()
        np.testing.assert_allclose(rotation_from_quat(quat_from_rotation(half_turn)), half_turn, atol=1e-12)
