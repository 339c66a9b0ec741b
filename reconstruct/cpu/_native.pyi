import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

def best_isa() -> str: ...

class Engine:
    count: int
    columns: int
    threads: int
    isa: str
    visible: int
    pairs: int
    block_pairs: int
    steps: int

    def __init__(self, threads: int, isa: str | None) -> None: ...
    def load(self, values: Float32, order: NDArray[np.uint32] | None) -> None: ...
    def load_moments(
        self, first: Float32, second: Float32, sums: Float32, seen: NDArray[np.int32], steps: int
    ) -> None: ...
    def get(self, what: str, column: int, columns: int) -> Float32: ...
    def sums(self) -> Float32: ...
    def seen(self) -> NDArray[np.int32]: ...
    def order(self) -> NDArray[np.uint32]: ...
    def step(
        self,
        width: int,
        height: int,
        intrinsics: Float64,
        pose: Float64,
        image: NDArray[np.uint8],
        mask: NDArray[np.uint8] | None,
        exposure: Float32,
        background: Float32,
        sh_degree: int,
        antialias: bool,
        rates: Float32,
        weights: Float32,
        key: int,
        only_gradients: bool,
    ) -> tuple[float, float, float, Float32, Float32 | None]: ...
    def render(
        self,
        width: int,
        height: int,
        intrinsics: Float64,
        pose: Float64,
        background: Float32,
        sh_degree: int,
        antialias: bool,
        normals: bool,
    ) -> tuple[Float32, Float32, Float32, Float32 | None]: ...
    def edit(
        self,
        parents: NDArray[np.int64],
        offsets: Float32,
        log_scale_change: Float32,
        opacity_logits: Float32,
        fresh: NDArray[np.bool_],
    ) -> None: ...
    def perturb(self, strength: float, seed: int) -> None: ...
    def timings(self) -> dict[str, float]: ...
