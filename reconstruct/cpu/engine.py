"""The CPU engine: the whole training iteration in one C++ module, without PyTorch.

Which Gaussians a step moves: those that drew at least one pixel. The Adam moments of the others stand still.
Results are the same bit for bit for any number of threads; between instruction sets they differ by rounding.
"""

from __future__ import annotations

import os
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from setpiece.cameras import Camera
from setpiece.errors import TrainingError
from setpiece.reconstruct.cpu import _native
from setpiece.reconstruct.engine import Batch, Edit, Float32, LearningRates, Losses, Render, Statistics
from setpiece.splats import Splats
from setpiece.threads import thread_count

# Columns of a Gaussian on the native side.
_MEANS, _LOG_SCALES, _QUATS, _OPACITY, _SH = 0, 3, 6, 10, 11
Number = TypeVar("Number", bound=np.generic)
_ISA_VARIABLE = "SETPIECE_ISA"


class CpuEngine:
    """An `Engine` on the processor's vector units.

    `threads` is all cores that this process may use unless given. `isa` is "avx512", "avx2" or "plain";
    unless given, the environment variable SETPIECE_ISA decides, and without it the widest set of this
    machine. Raises TrainingError for an instruction set that does not exist or that this machine lacks.
    """

    name = "cpu"

    def __init__(self, splats: Splats, *, threads: int | None = None, isa: str | None = None) -> None:
        isa = isa or os.environ.get(_ISA_VARIABLE) or None
        try:
            self._native = _native.Engine(threads or thread_count(None), isa)
        except ValueError as error:
            raise TrainingError(
                f"Cannot train with {threads or 'all'} threads and instruction set {isa!r}: {error}."
                f" Unset {_ISA_VARIABLE} to let the machine choose."
            ) from error
        self._native.load(_columns_of(splats), None)

    @property
    def count(self) -> int:
        """How many Gaussians there are."""
        return self._native.count

    @property
    def device(self) -> str:
        """What it runs on: "cpu avx512 x2"."""
        return f"cpu {self._native.isa} x{self._native.threads}"

    def step(self, batch: Batch) -> Losses:
        """Render, compare, differentiate and update the parameters once.

        Masked pixels are 0 in both pictures, and left out of both means. The photo of a batch is kept under
        `batch.key` and its size; key 0 is never kept.
        """
        losses, _ = self._step(batch, only_gradients=False)
        return losses

    def gradients(self, batch: Batch) -> tuple[Losses, Splats]:
        """What `step` would measure, and the gradient of its loss in the shape of the parameters.

        Nothing is updated. Gaussians that draw no pixel, and terms above the batch's degree, get 0.
        """
        losses, columns = self._step(batch, only_gradients=True)
        assert columns is not None
        return losses, _splats_of(columns)

    def _step(self, batch: Batch, *, only_gradients: bool) -> tuple[Losses, Float32 | None]:
        camera = batch.camera
        mask = None if batch.mask is None else np.ascontiguousarray(batch.mask, dtype=np.uint8)
        total, l1, ssim, exposure_gradient, columns = self._native.step(
            width=camera.width,
            height=camera.height,
            intrinsics=_intrinsics(camera),
            pose=np.ascontiguousarray(camera.cam_from_world, dtype=np.float64),
            image=np.ascontiguousarray(batch.image, dtype=np.uint8),
            mask=mask,
            exposure=np.ascontiguousarray(batch.exposure, dtype=np.float32),
            background=np.ascontiguousarray(batch.background, dtype=np.float32),
            sh_degree=batch.sh_degree,
            antialias=batch.antialias,
            rates=_rates(batch.rates),
            weights=np.array([batch.ssim_weight, batch.opacity_penalty, batch.scale_penalty], np.float32),
            key=batch.key,
            only_gradients=only_gradients,
        )
        return Losses(total=total, l1=l1, ssim=ssim, exposure_gradient=exposure_gradient), columns

    def statistics(self) -> Statistics:
        """The sums since the last edit. A radius is three standard deviations along the longer axis."""
        gradient, error, weight, max_radius = self._native.sums()
        return Statistics(
            gradient=gradient, error=error, weight=weight, max_radius=max_radius, seen=self._native.seen()
        )

    def opacity_logits(self) -> Float32:
        """Current opacity logits, [N]."""
        return self._native.get("values", _OPACITY, 1)[:, 0]

    def log_scales(self) -> Float32:
        """Current log scales, [N, 3]."""
        return self._native.get("values", _LOG_SCALES, 3)

    def edit(self, edit: Edit) -> None:
        """Replace the population. Raises ValueError if the arrays do not fit together or name no parent."""
        self._native.edit(
            np.ascontiguousarray(edit.parents, dtype=np.int64),
            np.ascontiguousarray(edit.offsets, dtype=np.float32),
            np.ascontiguousarray(edit.log_scale_change, dtype=np.float32),
            np.ascontiguousarray(edit.opacity_logits, dtype=np.float32),
            np.ascontiguousarray(edit.fresh, dtype=np.bool_),
        )

    def perturb(self, strength: float, seed: int) -> None:
        """Move every mean by N(0, covariance) x `strength` x sigmoid(100 (0.005 - opacity)).

        Where the last factor is below 1e-7 (opacity above 0.17) nothing moves. The draw depends on the seed
        and the Gaussian's row only.
        """
        self._native.perturb(strength, seed & (2**64 - 1))

    def render(
        self,
        camera: Camera,
        *,
        background: Float32,
        sh_degree: int,
        antialias: bool,
        normals: bool = False,
    ) -> Render:
        """The picture, alpha and depth that `camera` sees; nothing is updated.

        Normals are those of the shortest axes, turned towards the camera, blended like colour and brought to
        unit length; 0 where nothing was drawn.
        """
        colour, alpha, depth, normal = self._native.render(
            width=camera.width,
            height=camera.height,
            intrinsics=_intrinsics(camera),
            pose=np.ascontiguousarray(camera.cam_from_world, dtype=np.float64),
            background=np.ascontiguousarray(background, dtype=np.float32),
            sh_degree=sh_degree,
            antialias=antialias,
            normals=normals,
        )
        return Render(colour=colour, alpha=alpha, depth=depth, normals=normal)

    def splats(self) -> Splats:
        """A copy of the parameters."""
        return _splats_of(self._native.get("values", 0, self._native.columns))

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Parameters, moments, step count, statistics and inner order: all that `load_state` needs."""
        columns = self._native.columns
        return {
            "values": self._native.get("values", 0, columns),
            "first_moments": self._native.get("first", 0, columns),
            "second_moments": self._native.get("second", 0, columns),
            "sums": self._native.sums(),
            "seen": self._native.seen(),
            "order": self._native.order(),
            "steps": np.array(self._native.steps, dtype=np.int64),
        }

    def load_state(self, state: dict[str, NDArray[np.generic]]) -> None:
        """Go on from `state`, whatever the population was before. Raises KeyError or ValueError if unfit."""
        values = _fit(state, "values", np.float32, 2)
        rows, columns = values.shape
        first = _fit(state, "first_moments", np.float32, 2, (rows, columns))
        second = _fit(state, "second_moments", np.float32, 2, (rows, columns))
        sums = _fit(state, "sums", np.float32, 2, (4, rows))
        seen = _fit(state, "seen", np.int32, 1, (rows,))
        order = _fit(state, "order", np.uint32, 1, (rows,))
        steps = int(_fit(state, "steps", np.int64, 0))
        self._native.load(values, order)
        self._native.load_moments(first, second, sums, seen, steps)

    def timings(self) -> dict[str, float]:
        """Milliseconds of the last step by stage: project, bin, forward, loss, backward, update."""
        return self._native.timings()

    def projected(self) -> dict[str, int]:
        """Of the last step or render: Gaussians that reach a tile, their pairs with tiles and with blocks."""
        native = self._native
        return {"visible": native.visible, "tile_pairs": native.pairs, "block_pairs": native.block_pairs}


def engine_description() -> str:
    """What a `CpuEngine` would run on here: "avx512, 2 threads"."""
    isa = os.environ.get(_ISA_VARIABLE) or _native.best_isa()
    return f"{isa}, {thread_count(None)} threads"


def _intrinsics(camera: Camera) -> NDArray[np.float64]:
    return np.array([camera.focal_x_px, camera.focal_y_px, camera.centre_x_px, camera.centre_y_px])


def _rates(rates: LearningRates) -> Float32:
    return np.array(
        [rates.means, rates.log_scales, rates.quats, rates.opacity_logits, rates.sh0, rates.sh_rest],
        dtype=np.float32,
    )


def _columns_of(splats: Splats) -> Float32:
    parts = [
        splats.means,
        splats.log_scales,
        splats.quats_wxyz,
        splats.opacity_logits[:, None],
        splats.sh.reshape(splats.count, 3 * splats.sh.shape[1]),
    ]
    return np.ascontiguousarray(np.concatenate(parts, axis=1), dtype=np.float32)


def _splats_of(columns: Float32) -> Splats:
    return Splats(
        means=columns[:, _MEANS:_LOG_SCALES].copy(),
        log_scales=columns[:, _LOG_SCALES:_QUATS].copy(),
        quats_wxyz=columns[:, _QUATS:_OPACITY].copy(),
        opacity_logits=columns[:, _OPACITY].copy(),
        sh=columns[:, _SH:].reshape(len(columns), (columns.shape[1] - _SH) // 3, 3).copy(),
    )


def _fit(
    state: dict[str, NDArray[np.generic]],
    name: str,
    dtype: type[Number],
    dimensions: int,
    shape: tuple[int, ...] | None = None,
) -> NDArray[Number]:
    array: NDArray[Number] = np.asarray(state[name])
    if array.dtype != dtype or array.ndim != dimensions or (shape is not None and array.shape != shape):
        raise ValueError(f"the state's {name} is {array.dtype} {array.shape}, which does not fit")
    return np.require(array, requirements="C")  # unlike ascontiguousarray it keeps a number a number
