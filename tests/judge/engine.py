"""An engine made of the judge: slow, but right by construction. For tiny scenes in tests."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray

from judge.loss import photo_losses
from judge.renderer import Parameters, project, render, rotations
from setpiece.cameras import Camera
from setpiece.reconstruct.engine import Batch, Edit, Float32, LearningRates, Losses, Render, Statistics
from setpiece.splats import Splats

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-15
_FIELDS = ("means", "log_scales", "quats", "opacity_logits", "sh")


class Judged:
    """One batch looked at: losses, and the gradients of everything, without any update."""

    def __init__(self, parameters: Parameters, batch: Batch) -> None:
        for leaf in parameters.named().values():
            leaf.grad = None
        exposure = torch.tensor(batch.exposure, dtype=torch.float64, requires_grad=True)
        photo = torch.from_numpy(batch.image.astype(np.float64) / 255.0)
        mask = None if batch.mask is None else torch.from_numpy(batch.mask != 0)
        self.projected = project(parameters, batch.camera, batch.sh_degree, batch.antialias)
        background = torch.tensor(batch.background, dtype=torch.float64)
        self.picture = render(self.projected, batch.camera, background)
        exposed = self.picture.colour @ exposure[:, :3].T + exposure[:, 3]
        l1, ssim = photo_losses(exposed, photo, mask, batch.ssim_weight > 0)
        total = l1 if ssim is None else (1 - batch.ssim_weight) * l1 + batch.ssim_weight * (1 - ssim)
        self.visible = (self.picture.weights > 0).any(0)  # [N]
        if bool(self.visible.any()):
            opacities = torch.sigmoid(parameters.opacity_logits)[self.visible]
            scales = torch.exp(parameters.log_scales)[self.visible]
            total = total + batch.opacity_penalty * opacities.mean() + batch.scale_penalty * scales.mean()
        if total.requires_grad:
            total.backward()
        self.losses = Losses(
            total=float(total.detach()),
            l1=float(l1.detach()),
            ssim=math.nan if ssim is None else float(ssim.detach()),
            exposure_gradient=_float32(exposure.grad if exposure.grad is not None else torch.zeros(3, 4)),
        )
        keep = torch.ones(photo.shape[:2], dtype=torch.float64) if mask is None else mask.double()
        self.pixel_error = ((exposed.detach() - photo).abs().mean(-1) * keep).reshape(-1)  # [H * W]
        self.keep = keep.reshape(-1)


class JudgeEngine:
    """The engine protocol on top of the judge; Adam (Kingma, Ba 2015) on the Gaussians that were seen."""

    name = "judge"
    device = "cpu float64"

    def __init__(self, splats: Splats, threads: int = 1) -> None:
        torch.set_num_threads(threads)
        self.parameters = Parameters.of(splats)
        self._forget(np.ones(splats.count, dtype=bool), None)
        self.steps = 0

    @property
    def count(self) -> int:
        """How many Gaussians there are."""
        return len(self.parameters.means)

    def step(self, batch: Batch) -> Losses:
        """Render, compare, differentiate and update once."""
        judged = Judged(self.parameters, batch)
        self.steps += 1
        with torch.no_grad():
            self._update(batch.rates, judged.visible)
            self._count(judged, batch.camera)
        return judged.losses

    def _update(self, rates: LearningRates, visible: torch.Tensor) -> None:
        bias1, bias2 = 1 - BETA1**self.steps, 1 - BETA2**self.steps
        for name, leaf in self.parameters.named().items():
            gradient = torch.zeros_like(leaf) if leaf.grad is None else leaf.grad
            first, second = self.first[name], self.second[name]
            first[visible] = BETA1 * first[visible] + (1 - BETA1) * gradient[visible]
            second[visible] = BETA2 * second[visible] + (1 - BETA2) * gradient[visible] ** 2
            change = first / bias1 / (torch.sqrt(second / bias2) + EPSILON)
            if name == "sh":
                rate = torch.full((leaf.shape[1], 1), rates.sh_rest, dtype=torch.float64)
                rate[0] = rates.sh0
                change = change * rate
            else:
                change = change * float(getattr(rates, name))
            leaf.data[visible] -= change[visible]

    def _count(self, judged: Judged, camera: Camera) -> None:
        half = torch.tensor([camera.width / 2, camera.height / 2], dtype=torch.float64)
        gradient = judged.projected.means2d.grad
        if gradient is not None:
            self.sums["gradient"] += (gradient * half).norm(dim=-1)
        weights = judged.picture.weights.detach()
        self.sums["error"] += weights.T @ judged.pixel_error
        self.sums["weight"] += weights.T @ judged.keep
        radius = 3.0 * torch.sqrt(torch.linalg.eigvalsh(judged.projected.covariances2d.detach())[:, 1])
        fraction = torch.where(judged.visible, radius / max(camera.width, camera.height), 0.0)
        self.sums["max_radius"] = torch.maximum(self.sums["max_radius"], fraction)
        self.sums["seen"] += judged.visible

    def statistics(self) -> Statistics:
        """The sums since the last edit."""
        sums = {name: _float32(value) for name, value in self.sums.items() if name != "seen"}
        return Statistics(**sums, seen=self.sums["seen"].numpy().astype(np.int32))

    def opacity_logits(self) -> Float32:
        """Current opacity logits, [N]."""
        return _float32(self.parameters.opacity_logits)

    def log_scales(self) -> Float32:
        """Current log scales, [N, 3]."""
        return _float32(self.parameters.log_scales)

    def edit(self, edit: Edit) -> None:
        """Replace the population."""
        rows = torch.from_numpy(edit.parents)
        with torch.no_grad():
            old = {name: leaf[rows].clone() for name, leaf in self.parameters.named().items()}
            local = torch.from_numpy(edit.offsets).double() * torch.exp(old["log_scales"])
            old["means"] += torch.einsum("nij,nj->ni", rotations(old["quats"]), local)
            old["log_scales"] += torch.from_numpy(edit.log_scale_change).double()[:, None]
            old["opacity_logits"] = torch.from_numpy(edit.opacity_logits).double()
        self.parameters = Parameters(**{name: value.requires_grad_(True) for name, value in old.items()})
        self._forget(edit.fresh, edit.parents)

    def _forget(self, fresh: NDArray[np.bool_], parents: NDArray[np.int64] | None) -> None:
        named = self.parameters.named()
        for kind in ("first", "second"):
            moments = {name: torch.zeros_like(leaf.data) for name, leaf in named.items()}
            if parents is not None:
                keep = torch.from_numpy(~fresh)
                for name, moment in moments.items():
                    moment[keep] = getattr(self, kind)[name][torch.from_numpy(parents)][keep]
            setattr(self, kind, moments)
        names = ("gradient", "error", "weight", "max_radius", "seen")
        self.sums = {name: torch.zeros(self.count, dtype=torch.float64) for name in names}

    def perturb(self, strength: float, seed: int) -> None:
        """Kheradmand et al. 2024, eq. 9, with the root of the covariance."""
        generator = torch.Generator().manual_seed(seed)
        noise = torch.randn(self.count, 3, generator=generator, dtype=torch.float64)
        with torch.no_grad():
            p = self.parameters
            gate = torch.sigmoid(100 * (0.005 - torch.sigmoid(p.opacity_logits)))[:, None]
            half = rotations(p.quats) * torch.exp(p.log_scales)[:, None, :]
            p.means += strength * gate * torch.einsum("nij,nj->ni", half, noise)

    def render(
        self, camera: Camera, *, background: Float32, sh_degree: int, antialias: bool, normals: bool = False
    ) -> Render:
        """What `camera` sees."""
        with torch.no_grad():
            projected = project(self.parameters, camera, sh_degree, antialias)
            picture = render(projected, camera, torch.tensor(background, dtype=torch.float64))
        return Render(
            colour=_float32(picture.colour),
            alpha=_float32(picture.alpha),
            depth=_float32(picture.depth),
            normals=_float32(picture.normals) if normals else None,
        )

    def splats(self) -> Splats:
        """A copy of the parameters."""
        p = self.parameters
        return Splats(
            means=_float32(p.means),
            log_scales=_float32(p.log_scales),
            quats_wxyz=_float32(p.quats),
            opacity_logits=_float32(p.opacity_logits),
            sh=_float32(p.sh),
        )

    def state(self) -> dict[str, NDArray[np.generic]]:
        """All that `load_state` needs."""
        state: dict[str, NDArray[np.generic]] = {"steps": np.array(self.steps)}
        for kind, arrays in (
            ("value", self.parameters.named()),
            ("first", self.first),
            ("second", self.second),
            ("sums", self.sums),
        ):
            for name, array in arrays.items():
                state[f"{kind}.{name}"] = array.detach().numpy().copy()
        return state

    def load_state(self, state: dict[str, NDArray[np.generic]]) -> None:
        """Go on from `state`."""

        def tensors(kind: str, names: tuple[str, ...]) -> dict[str, torch.Tensor]:
            return {name: torch.from_numpy(np.array(state[f"{kind}.{name}"])) for name in names}

        values = tensors("value", _FIELDS)
        self.parameters = Parameters(**{name: value.requires_grad_(True) for name, value in values.items()})
        self.first, self.second = tensors("first", _FIELDS), tensors("second", _FIELDS)
        self.sums = tensors("sums", ("gradient", "error", "weight", "max_radius", "seen"))
        self.steps = int(np.asarray(state["steps"]))


def _float32(tensor: torch.Tensor) -> Float32:
    array: Float32 = tensor.detach().numpy().astype(np.float32)
    return array
