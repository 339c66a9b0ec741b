"""The CUDA engine without CUDA: its own arithmetic on the CPU, with the judge in gsplat's place."""

from __future__ import annotations

import inspect
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from judge.batches import random_batch  # noqa: E402
from judge.engine import JudgeEngine  # noqa: E402
from judge.renderer import Parameters, project, render, sh_basis  # noqa: E402
from judge.scenes import random_camera, random_splats  # noqa: E402
from judge.sets import make_tiny_set  # noqa: E402
from setpiece.cameras import Camera  # noqa: E402
from setpiece.errors import MissingExtraError, TrainingError  # noqa: E402
from setpiece.reconstruct import engines  # noqa: E402
from setpiece.reconstruct import train as stage  # noqa: E402
from setpiece.reconstruct.cuda import available  # noqa: E402
from setpiece.reconstruct.cuda.engine import CudaEngine, Rasterizer, gsplat_rasterizer  # noqa: E402
from setpiece.reconstruct.engine import Edit  # noqa: E402
from setpiece.reconstruct.options import TrainOptions  # noqa: E402

CALLS: list[dict[str, Any]] = []  # what `rasterization` was called with


def judge_rasterization(**given: Any) -> tuple[Any, Any, dict[str, Any]]:
    """gsplat's `rasterization` by the judge, for one camera and colours that are no harmonics."""
    CALLS.append(given)
    pose, intrinsics = given["viewmats"][0].double(), given["Ks"][0].double()
    camera = Camera(
        width=given["width"],
        height=given["height"],
        focal_x_px=float(intrinsics[0, 0]),
        focal_y_px=float(intrinsics[1, 1]),
        centre_x_px=float(intrinsics[0, 2]),
        centre_y_px=float(intrinsics[1, 2]),
        cam_from_world=pose.numpy(),
    )
    parameters = Parameters(
        means=given["means"].double(),
        log_scales=torch.log(given["scales"].double()),
        quats=given["quats"].double(),
        opacity_logits=torch.logit(given["opacities"].double()),
        sh=torch.zeros(len(given["means"]), 1, 3, dtype=torch.float64),
    )
    projected = project(parameters, camera, 0, given["rasterize_mode"] == "antialiased")
    means2d = projected.means2d[None]
    colours, background = given["colors"].double(), given["backgrounds"][0]
    if given["render_mode"] == "RGB+ED":
        colours = torch.cat([colours, projected.depths[:, None]], -1)
        background = torch.cat([background, torch.zeros(1)])
    picture = render(replace(projected, means2d=means2d[0]), camera, torch.zeros(3))
    channels = (picture.weights @ colours).reshape(camera.height, camera.width, -1)
    channels = channels + (1 - picture.alpha)[..., None] * background.double()
    if given["render_mode"] == "RGB+ED":
        depth = channels[..., -1:] / torch.clamp(picture.alpha, min=1e-10)[..., None]
        channels = torch.cat([channels[..., :-1], depth], -1)
    deviations = torch.sqrt(torch.diagonal(projected.covariances2d, dim1=-2, dim2=-1))
    radii = torch.ceil(3.33 * deviations).int() * projected.valid[:, None]
    facts = {"means2d": means2d, "radii": radii[None]}
    return channels.float()[None], picture.alpha.float()[None, ..., None], facts


def judge_harmonics(degrees_to_use: int, dirs: Any, coeffs: Any) -> Any:
    directions = torch.nn.functional.normalize(dirs.double(), dim=-1)
    return torch.einsum("nk,nkc->nc", sh_basis(directions, degrees_to_use), coeffs.double()).float()


JUDGE = Rasterizer(judge_rasterization, judge_harmonics)


def pair(count: int = 30, seed: int = 3) -> tuple[CudaEngine, JudgeEngine]:
    splats = random_splats(count, seed=seed)
    return CudaEngine(splats, "cpu", JUDGE), JudgeEngine(splats)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("ssim_weight", [0.0, 0.2])
def test_a_step_is_the_judges(masked: bool, ssim_weight: float) -> None:
    mask = None
    if masked:
        mask = np.full((18, 24), 255, dtype=np.uint8)
        mask[4:9, 3:20] = 0
    batch = random_batch(mask=mask, ssim_weight=ssim_weight, opacity_penalty=0.0, scale_penalty=0.0)
    ours, judge = pair()
    mine, theirs = ours.step(batch), judge.step(batch)
    # float32 against float64 throughout; Adam divides by the gradient's own size, so rounding of small
    # gradients shows in full in the step taken: a hundredth of the largest step.
    assert mine.total == pytest.approx(theirs.total, abs=2e-6)
    assert mine.l1 == pytest.approx(theirs.l1, abs=2e-6)
    assert mine.ssim == pytest.approx(theirs.ssim, abs=2e-6, nan_ok=True)
    np.testing.assert_allclose(mine.exposure_gradient, theirs.exposure_gradient, atol=2e-5)
    for name, rate in (("means", 1e-3), ("log_scales", 5e-3), ("opacity_logits", 5e-2), ("sh", 1e-2)):
        np.testing.assert_allclose(
            getattr(ours.splats(), name), getattr(judge.splats(), name), atol=0.01 * rate, err_msg=name
        )
    a, b = ours.statistics(), judge.statistics()
    for name in ("gradient", "error", "weight"):
        np.testing.assert_allclose(getattr(a, name), getattr(b, name), rtol=1e-3, atol=1e-4, err_msg=name)
    # This engine knows a Gaussian behind the mask only as one without weight.
    np.testing.assert_array_equal(a.seen, (b.weight > 0) if masked else b.seen)


def test_a_render_is_the_judges() -> None:
    ours, judge = pair()
    camera = random_camera(24, 18, seed=9)
    view = {"background": np.array([0.2, 0.5, 0.1], np.float32), "sh_degree": 3, "antialias": True}
    mine = ours.render(camera, normals=True, **view)
    theirs = judge.render(camera, normals=True, **view)
    for name in ("colour", "alpha", "depth", "normals"):
        # float32 against float64
        np.testing.assert_allclose(getattr(mine, name), getattr(theirs, name), atol=1e-4, err_msg=name)
    assert ours.render(camera, **view).normals is None


def test_edits_and_states() -> None:
    ours, judge = pair()
    batch = random_batch()
    edit = Edit(
        parents=np.array([0, 0, 7, 3]),
        offsets=np.array([[0.5, 0, 0], [0, -1, 0], [0, 0, 0], [0, 0, 2]], dtype=np.float32),
        log_scale_change=np.array([-0.5, -0.5, 0, 0], dtype=np.float32),
        opacity_logits=np.array([0, 1, 2, 3], dtype=np.float32),
        fresh=np.array([True, True, False, False]),
    )
    for engine in (ours, judge):
        engine.edit(edit)
    # Adam has not run yet, so only rounding differs.
    np.testing.assert_allclose(ours.splats().means, judge.splats().means, atol=1e-6)
    ours.step(batch)
    other = CudaEngine(random_splats(2, seed=0), "cpu", JUDGE)
    other.load_state(ours.state())
    assert ours.step(batch).total == other.step(batch).total
    np.testing.assert_array_equal(ours.splats().sh, other.splats().sh)
    np.testing.assert_array_equal(ours.statistics().error, other.statistics().error)
    with pytest.raises(KeyError):
        other.load_state({})


def test_noise_repeats() -> None:
    splats = replace(random_splats(40, seed=6), opacity_logits=np.repeat([-8.0, 4.0], 20).astype(np.float32))
    moved = []
    for _ in range(2):
        engine = CudaEngine(splats, "cpu", JUDGE)
        engine.perturb(1.0, seed=4)
        moved.append(engine.splats().means - splats.means)
    np.testing.assert_array_equal(*moved)
    assert np.abs(moved[0][:20]).mean() > 0.01
    assert not moved[0][20:].any()


def test_it_trains_a_set(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    target = make_tiny_set(tmp_path / "set")
    monkeypatch.setattr(
        stage, "make_engine", lambda device, splats, threads: CudaEngine(splats, "cpu", JUDGE)
    )
    result = stage.train(target, TrainOptions(steps=60, max_splats=60, sh_degree=1))
    assert result["psnr"] > 20


def test_gsplat_takes_what_it_is_given() -> None:
    gsplat = pytest.importorskip("gsplat")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        real = gsplat_rasterizer()
    engine, _ = pair()
    engine.step(random_batch())
    inspect.signature(real.rasterization).bind(**CALLS[-1])
    inspect.signature(real.spherical_harmonics).bind(2, None, None)
    assert real.rasterization is gsplat.rasterization


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(available.importlib.util, "find_spec", lambda name: None)
    assert isinstance(available.cuda_problem(), MissingExtraError)
    assert engines.chosen_device("auto") == "cpu"
    with pytest.raises(MissingExtraError, match=r"setpiece\[cuda\]"):
        engines.chosen_device("cuda")
    monkeypatch.setattr(available.importlib.util, "find_spec", lambda name: name)
    if not torch.cuda.is_available():
        for driver, sentence in ((False, "no NVIDIA driver"), (True, "PyTorch finds no CUDA GPU")):
            monkeypatch.setattr(available, "_has_driver", lambda driver=driver: driver)
            with pytest.raises(TrainingError, match=sentence):
                engines.chosen_device("cuda")
            assert engines.chosen_device("auto") == "cpu"
