"""Spherical harmonics: order and signs as in the 3DGS PLY, and a rotation that is exact."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from scipy.special import sph_harm_y

from setpiece.sh import rotate_sh, sh_basis, sh_rotation
from setpiece.splats import SH_C0, Splats


def directions(count: int) -> np.ndarray:
    d = np.random.default_rng(3).normal(size=(count, 3))
    return d / np.linalg.norm(d, axis=1, keepdims=True)


def test_basis_agrees_with_scipys_complex_harmonics() -> None:
    d = directions(40)
    polar, azimuth = np.arccos(d[:, 2]), np.arctan2(d[:, 1], d[:, 0])
    for degree in range(4):
        for m in range(-degree, degree + 1):
            value = sph_harm_y(degree, abs(m), polar, azimuth)  # with the Condon-Shortley phase
            real = value.real if m == 0 else np.sqrt(2) * (value.real if m > 0 else value.imag)
            column = degree * degree + degree + m
            np.testing.assert_allclose(sh_basis(d, 3)[:, column], real, atol=1e-12)


def test_first_terms_have_the_signs_of_3dgs() -> None:
    d = directions(5)
    basis = sh_basis(d, 1)
    np.testing.assert_allclose(basis[:, 0], SH_C0)
    np.testing.assert_allclose(basis[:, 1:], 0.4886025119029199 * np.stack([-d[:, 1], d[:, 2], -d[:, 0]], 1))


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_rotated_coefficients_along_rotated_directions_give_the_same_colour(degree: int) -> None:
    d = directions(100)
    sh = np.random.default_rng(degree).normal(size=(7, (degree + 1) ** 2, 3)).astype(np.float32)
    for seed in range(5):
        turn = Rotation.random(random_state=seed).as_matrix()
        before = np.einsum("dk,nkc->ndc", sh_basis(d, degree), sh)
        after = np.einsum("dk,nkc->ndc", sh_basis(d @ turn.T, degree), rotate_sh(sh, turn))
        np.testing.assert_allclose(after, before, atol=2e-6)  # 16 float32 terms of size about 1


def test_rotation_is_orthogonal_and_keeps_degrees_apart() -> None:
    matrix = sh_rotation(Rotation.random(random_state=1).as_matrix(), 3)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(16), atol=1e-12)
    assert matrix[0, 0] == pytest.approx(1)
    assert not matrix[1:4, 4:].any()
    assert not matrix[4:9, 9:].any()


def test_rotations_follow_each_other(random_splats: Callable[..., Splats]) -> None:
    a, b = (r.as_matrix() for r in Rotation.random(2, random_state=8))
    np.testing.assert_allclose(sh_rotation(a @ b, 3), sh_rotation(a, 3) @ sh_rotation(b, 3), atol=1e-12)
    sh = random_splats(3).sh
    np.testing.assert_allclose(rotate_sh(sh, np.eye(3)), sh, atol=1e-6)
