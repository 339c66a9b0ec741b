"""The CUDA engine: PyTorch for the sums, gsplat for the pixels.

gsplat's `rasterization` composites; what goes in and what comes out is prepared here. Two colour channels
that are always 0 ride along: their gradients are the blending weights summed over pixels, which is how the
statistics are had without another pass. Being 0, they change nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from setpiece.cameras import Camera
from setpiece.errors import MissingExtraError
from setpiece.reconstruct.cuda.adam import Adam
from setpiece.reconstruct.cuda.loss import photo_losses
from setpiece.reconstruct.engine import Batch, Edit, Float32, Losses, Render, Statistics
from setpiece.splats import Splats

KEPT_PHOTO_BYTES = 2 * 1024**3  # photos kept on the GPU

_FIELDS = ("means", "log_scales", "quats", "opacity_logits", "sh")
_SUMS = ("gradient", "error", "weight", "max_radius", "seen")


@dataclass(frozen=True)
class Rasterizer:
    """The two functions of gsplat that are used, by their names there."""

    rasterization: Callable[..., tuple[Tensor, Tensor, dict[str, Any]]]
    spherical_harmonics: Callable[..., Tensor]


def gsplat_rasterizer() -> Rasterizer:
    """gsplat's own. Raises MissingExtraError when it is not installed."""
    try:
        from gsplat import rasterization, spherical_harmonics
    except ImportError as error:
        raise MissingExtraError("training on CUDA", "cuda") from error
    return Rasterizer(rasterization, spherical_harmonics)


class CudaEngine:
    """The engine protocol on PyTorch; `device` and `rasterizer` are given otherwise only in tests."""

    name = "cuda"

    def __init__(self, splats: Splats, device: str = "cuda", rasterizer: Rasterizer | None = None) -> None:
        self._rasterizer = rasterizer or gsplat_rasterizer()
        self._on = torch.device(device)
        values = (splats.means, splats.log_scales, splats.quats_wxyz, splats.opacity_logits, splats.sh)
        self._set({name: self._tensor(value) for name, value in zip(_FIELDS, values, strict=True)})
        self._adam = {name: Adam(value) for name, value in self._values.items()}
        self._zero_sums()
        self._steps = 0
        self._photos: dict[int, Tensor] = {}

    @property
    def count(self) -> int:
        """How many Gaussians there are."""
        return len(self._values["means"])

    @property
    def device(self) -> str:
        """The name of the GPU."""
        return torch.cuda.get_device_name(self._on) if self._on.type == "cuda" else str(self._on)

    def step(self, batch: Batch) -> Losses:
        """Render, compare, differentiate and update the parameters once."""
        photo = self._photo(batch)
        keep = None if batch.mask is None else (self._tensor(batch.mask) != 0).float()
        exposure = self._tensor(batch.exposure).requires_grad_(True)
        carried = torch.zeros(self.count, 2, device=self._on, requires_grad=True)
        seen = self._rasterize(batch.camera, batch.sh_degree, batch.antialias, batch.background, carried)
        shown = seen.channels[..., :3] @ exposure[:, :3].T + exposure[:, 3]
        l1, ssim = photo_losses(shown, photo, keep, batch.ssim_weight > 0)
        total = l1 if ssim is None else (1 - batch.ssim_weight) * l1 + batch.ssim_weight * (1 - ssim)
        visible = (seen.radii > 0).all(-1)  # [N]
        if batch.opacity_penalty and visible.any():
            total = (
                total + batch.opacity_penalty * torch.sigmoid(self._values["opacity_logits"])[visible].mean()
            )
        if batch.scale_penalty and visible.any():
            total = total + batch.scale_penalty * torch.exp(self._values["log_scales"])[visible].mean()

        with torch.no_grad():
            counted = torch.ones_like(photo[..., 0]) if keep is None else keep
            blame = torch.stack([(shown - photo).abs().mean(-1) * counted, counted], -1)
        seen.means2d.retain_grad()
        (total + (seen.channels[..., 3:5] * blame).sum()).backward()
        self._steps += 1
        self._update(batch, visible)
        self._count(batch.camera, seen, carried, visible)
        slope = torch.zeros_like(exposure) if exposure.grad is None else exposure.grad
        means = torch.stack([total, l1, l1 if ssim is None else ssim])
        measured = _numpy(torch.cat([means, slope.ravel()]))  # in one piece: each copy waits for the GPU
        return Losses(
            total=float(measured[0]),
            l1=float(measured[1]),
            ssim=math.nan if ssim is None else float(measured[2]),
            exposure_gradient=measured[3:].reshape(3, 4),
        )

    def _rasterize(
        self,
        camera: Camera,
        sh_degree: int,
        antialias: bool,
        background: Float32,
        carried: Tensor,  # [N, K] channels beside the colours
        mode: str = "RGB",
    ) -> _Seen:
        v = self._values
        terms = (sh_degree + 1) ** 2
        directions = v["means"] - self._tensor(camera.centre_in_world)
        colours = self._rasterizer.spherical_harmonics(sh_degree, directions, v["sh"][:, :terms].contiguous())
        intrinsics = [
            [camera.focal_x_px, 0.0, camera.centre_x_px],
            [0.0, camera.focal_y_px, camera.centre_y_px],
            [0.0, 0.0, 1.0],
        ]
        behind = torch.cat([self._tensor(background), torch.zeros(carried.shape[1], device=self._on)])
        channels, alpha, facts = self._rasterizer.rasterization(
            means=v["means"],
            quats=v["quats"],
            scales=torch.exp(v["log_scales"]),
            opacities=torch.sigmoid(v["opacity_logits"]),
            colors=torch.cat([torch.clamp_min(colours + 0.5, 0.0), carried], -1),
            viewmats=self._tensor(camera.cam_from_world)[None],
            Ks=self._tensor(np.array(intrinsics))[None],
            width=camera.width,
            height=camera.height,
            near_plane=0.01,
            eps2d=0.3,
            packed=False,
            backgrounds=behind[None],
            render_mode=mode,
            absgrad=False,
            rasterize_mode="antialiased" if antialias else "classic",
        )
        return _Seen(channels[0], alpha[0, ..., 0], facts["means2d"], facts["radii"][0])

    def _update(self, batch: Batch, visible: Tensor) -> None:
        for name, value in self._values.items():
            rate: Tensor | float
            if name == "sh":
                terms = torch.arange(value.shape[1], device=self._on)[:, None]
                rate = torch.where(terms == 0, batch.rates.sh0, batch.rates.sh_rest)
            else:
                rate = getattr(batch.rates, name)
            self._adam[name].update(value, visible, rate, self._steps)
            value.grad = None

    def _count(self, camera: Camera, seen: _Seen, carried: Tensor, visible: Tensor) -> None:
        with torch.no_grad():
            if seen.means2d.grad is not None:
                x, y = seen.means2d.grad[0].unbind(-1)  # per pixel; times half the size per half image
                self._sums["gradient"] += torch.hypot(x * (camera.width / 2), y * (camera.height / 2))
            if carried.grad is not None:
                self._sums["error"] += carried.grad[:, 0]
                self._sums["weight"] += carried.grad[:, 1]
                self._sums["seen"] += carried.grad[:, 1] > 0
            radius = seen.radii.amax(-1) * visible / max(camera.width, camera.height)
            self._sums["max_radius"] = torch.maximum(self._sums["max_radius"], radius.float())

    def statistics(self) -> Statistics:
        """The sums since the last edit."""
        sums = {name: _numpy(self._sums[name]) for name in _SUMS if name != "seen"}
        return Statistics(**sums, seen=self._sums["seen"].cpu().numpy().astype(np.int32))

    def opacity_logits(self) -> Float32:
        """Current opacity logits, [N]."""
        return _numpy(self._values["opacity_logits"])

    def log_scales(self) -> Float32:
        """Current log scales, [N, 3]."""
        return _numpy(self._values["log_scales"])

    def edit(self, edit: Edit) -> None:
        """Replace the population."""
        with torch.no_grad():
            parents = torch.from_numpy(edit.parents).to(self._on)
            fresh = torch.from_numpy(edit.fresh).to(self._on)
            new = {name: value[parents] for name, value in self._values.items()}
            local = self._tensor(edit.offsets) * torch.exp(new["log_scales"])
            new["means"] = new["means"] + torch.einsum("nij,nj->ni", rotations(new["quats"]), local)
            new["log_scales"] = new["log_scales"] + self._tensor(edit.log_scale_change)[:, None]
            new["opacity_logits"] = self._tensor(edit.opacity_logits)
            self._set(new)
            for adam in self._adam.values():
                adam.inherit(parents, fresh)
            self._zero_sums()

    def perturb(self, strength: float, seed: int) -> None:
        """The exploration noise of 3DGS-MCMC (Kheradmand et al. 2024, eq. 9)."""
        with torch.no_grad():
            generator = torch.Generator(device=self._on).manual_seed(seed)
            noise = torch.randn(self.count, 3, generator=generator, device=self._on)
            v = self._values
            gate = torch.sigmoid(100 * (0.005 - torch.sigmoid(v["opacity_logits"])))[:, None]
            local = noise * torch.exp(v["log_scales"])
            v["means"] += strength * gate * torch.einsum("nij,nj->ni", rotations(v["quats"]), local)

    def render(
        self, camera: Camera, *, background: Float32, sh_degree: int, antialias: bool, normals: bool = False
    ) -> Render:
        """The picture, alpha and depth that `camera` sees."""
        with torch.no_grad():
            carried = self._normals(camera) if normals else torch.zeros(self.count, 0, device=self._on)
            seen = self._rasterize(camera, sh_degree, antialias, background, carried, mode="RGB+ED")
            blended = seen.channels[..., 3:-1]
            length = torch.clamp(blended.norm(dim=-1, keepdim=True), min=1e-10)
            return Render(
                colour=_numpy(seen.channels[..., :3]),
                alpha=_numpy(seen.alpha),
                depth=_numpy(seen.channels[..., -1]),
                normals=_numpy(blended / length) if normals else None,
            )

    def _normals(self, camera: Camera) -> Tensor:
        """The shortest axis of every Gaussian, towards the camera, [N, 3] world."""
        v = self._values
        shortest = torch.argmin(v["log_scales"], dim=-1)[:, None, None]
        normals = torch.take_along_dim(rotations(v["quats"]), shortest, -1)[..., 0]
        towards = v["means"] - self._tensor(camera.centre_in_world)
        away = (normals * towards).sum(-1, keepdim=True) > 0
        return torch.where(away, -normals, normals)

    def splats(self) -> Splats:
        """A copy of the parameters."""
        v = {name: _numpy(value) for name, value in self._values.items()}
        return Splats(v["means"], v["log_scales"], v["quats"], v["opacity_logits"], v["sh"])

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Everything that `load_state` needs."""
        state: dict[str, NDArray[np.generic]] = {"steps": np.array(self._steps)}
        for name, value in self._values.items():
            state[name] = _numpy(value)
            state[f"first.{name}"] = _numpy(self._adam[name].first)
            state[f"second.{name}"] = _numpy(self._adam[name].second)
        return {**state, **{f"sum.{name}": _numpy(value) for name, value in self._sums.items()}}

    def load_state(self, state: dict[str, NDArray[np.generic]]) -> None:
        """Go on from `state`. Raises KeyError or ValueError if unfit."""
        values = {name: self._tensor(state[name]) for name in _FIELDS}
        if len({len(value) for value in values.values()}) != 1:
            raise ValueError("the arrays of the state differ in length")
        adam = {name: Adam(value) for name, value in values.items()}
        for name, moments in adam.items():
            moments.first = self._tensor(state[f"first.{name}"])
            moments.second = self._tensor(state[f"second.{name}"])
        sums = {name: self._tensor(state[f"sum.{name}"]) for name in _SUMS}
        self._set(values)
        self._adam, self._sums, self._steps = adam, sums, int(np.asarray(state["steps"]))

    def _set(self, values: dict[str, Tensor]) -> None:
        self._values = {name: value.detach().requires_grad_(True) for name, value in values.items()}

    def _zero_sums(self) -> None:
        self._sums = {name: torch.zeros(self.count, device=self._on) for name in _SUMS}

    def _tensor(self, array: NDArray[Any]) -> Tensor:
        return torch.tensor(np.asarray(array, dtype=np.float32), device=self._on)

    def _photo(self, batch: Batch) -> Tensor:
        """The photo as float in 0 to 1 on the GPU; its bytes stay there, for the next time."""
        held = self._photos.get(batch.key) if batch.key else None
        if held is None:
            held = torch.from_numpy(np.ascontiguousarray(batch.image)).to(self._on)
            if batch.key and sum(p.numel() for p in self._photos.values()) < KEPT_PHOTO_BYTES:
                self._photos[batch.key] = held
        return held.float() / 255.0


@dataclass(frozen=True)
class _Seen:
    """What the rasterizer returned for one camera."""

    channels: Tensor  # [H, W, 3 + carried (+ depth)]
    alpha: Tensor  # [H, W]
    means2d: Tensor  # [1, N, 2] pixels
    radii: Tensor  # [N, 2] whole pixels, 0 where a Gaussian is not in the picture


def rotations(quats: Tensor) -> Tensor:
    """World-from-local rotations [N, 3, 3] of quaternions wxyz of any length."""
    w, x, y, z = torch.unbind(torch.nn.functional.normalize(quats, dim=-1), -1)
    entries = [
        1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
        2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
        2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y),
    ]  # fmt: skip
    return torch.stack(entries, -1).reshape(-1, 3, 3)


def _numpy(tensor: Tensor) -> Float32:
    array: Float32 = tensor.detach().to("cpu", torch.float32).numpy().copy()
    return array
