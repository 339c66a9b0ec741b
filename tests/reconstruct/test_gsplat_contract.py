"""The judge against gsplat's own PyTorch reference functions: the conventions are really gsplat's."""

from __future__ import annotations

import importlib
import sys
import types
import warnings
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("gsplat")

from judge.renderer import Parameters, project, render, sh_basis  # noqa: E402
from judge.scenes import random_camera, random_splats  # noqa: E402


@pytest.fixture(scope="module")
def reference() -> Any:
    """`gsplat.cuda._torch_impl`; importing it never needs a compiler."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module("gsplat.cuda._torch_impl")


@pytest.mark.parametrize("antialias", [False, True])
def test_projection_is_gsplats(reference: Any, antialias: bool) -> None:
    camera, splats = random_camera(64, 48, seed=1), random_splats(200, seed=2)
    parameters = Parameters.of(splats)
    ours = project(parameters, camera, 3, antialias)
    covariances, _ = reference._quat_scale_to_covar_preci(
        parameters.quats, torch.exp(parameters.log_scales), True, False
    )
    intrinsics = torch.tensor(
        [
            [camera.focal_x_px, 0, camera.centre_x_px],
            [0, camera.focal_y_px, camera.centre_y_px],
            [0, 0, 1],
        ],
        dtype=torch.float64,
    )
    radii, means2d, depths, conics, compensations = reference._fully_fused_projection(
        parameters.means,
        covariances,
        torch.from_numpy(camera.cam_from_world)[None],
        intrinsics[None],
        camera.width,
        camera.height,
        calc_compensations=True,
    )
    seen = (radii[0] > 0).all(-1)
    assert int(seen.sum()) > 100
    close(ours.means2d[seen], means2d[0][seen])
    close(ours.depths[seen], depths[0][seen])
    inverse = torch.linalg.inv(ours.covariances2d)[seen]
    close(torch.stack([inverse[:, 0, 0], inverse[:, 0, 1], inverse[:, 1, 1]], -1), conics[0][seen])
    opacities = torch.sigmoid(parameters.opacity_logits)
    if antialias:
        opacities = opacities * compensations[0]
    close(ours.opacities[seen], opacities[seen])


def test_harmonics_are_gsplats(reference: Any) -> None:
    directions = torch.nn.functional.normalize(torch.randn(50, 3, dtype=torch.float64), dim=-1)
    close(sh_basis(directions, 3), reference._eval_sh_bases_fast(16, directions))


def test_compositing_is_gsplats(reference: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """`accumulate` over the pairs that survive the thresholds, with nerfacc's two sums written out."""
    camera, splats = random_camera(24, 20, seed=3), random_splats(60, seed=4)
    projected = project(Parameters.of(splats), camera, 2, antialias=True)
    background = torch.tensor([0.2, 0.4, 0.6], dtype=torch.float64)
    picture = render(projected, camera, background)

    order = torch.argsort(projected.depths)
    weights = picture.weights[:, order].detach()
    pixel, rank = torch.nonzero(weights > 0, as_tuple=True)
    gaussian = order[rank]

    def weight_from_alpha(alphas: Any, ray_indices: Any, n_rays: int) -> Any:
        out, through = torch.zeros_like(alphas), torch.ones_like(alphas)
        left = torch.ones(n_rays, dtype=alphas.dtype)
        for i, (ray, alpha) in enumerate(zip(ray_indices.tolist(), alphas.detach(), strict=True)):
            through[i], out[i] = left[ray], left[ray] * alpha
            left[ray] = left[ray] * (1 - alpha)
        return out, through

    def along_rays(weights: Any, values: Any, ray_indices: Any, n_rays: int) -> Any:
        values = torch.ones_like(weights)[:, None] if values is None else values
        return torch.zeros(n_rays, values.shape[1], dtype=weights.dtype).index_add(
            0, ray_indices, weights[:, None] * values
        )

    nerfacc = types.ModuleType("nerfacc")
    nerfacc.__dict__.update(render_weight_from_alpha=weight_from_alpha, accumulate_along_rays=along_rays)
    monkeypatch.setitem(sys.modules, "nerfacc", nerfacc)
    inverse = torch.linalg.inv(projected.covariances2d)
    colours, alphas = reference.accumulate(
        projected.means2d[None],
        torch.stack([inverse[:, 0, 0], inverse[:, 0, 1], inverse[:, 1, 1]], -1)[None],
        projected.opacities[None],
        projected.colours[None],
        gaussian,
        pixel,
        torch.zeros_like(pixel),
        camera.width,
        camera.height,
    )
    close(picture.alpha, alphas[0, ..., 0])
    close(picture.colour, colours[0] + (1 - alphas[0]) * background)


def close(ours: Any, theirs: Any) -> None:
    """Equal but for the order of float64 operations."""
    np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), rtol=1e-9, atol=1e-9)
