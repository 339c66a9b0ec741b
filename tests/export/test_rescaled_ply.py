"""A splat PLY at another size keeps everything else."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from judge.scenes import random_splats
from setpiece.export.ply import read_ply, write_ply, write_rescaled_ply


def test_means_and_scales_grow_and_nothing_else_changes(tmp_path: Path) -> None:
    splats = random_splats(50, seed=4, sh_degree=2, extent=2.0)
    write_ply(tmp_path / "a.ply", splats)
    with (tmp_path / "a.ply").open("ab") as file:
        file.write(b"behind the rows")
    write_rescaled_ply(tmp_path / "a.ply", 0.37, tmp_path / "b.ply")
    before, after = read_ply(tmp_path / "a.ply"), read_ply(tmp_path / "b.ply")
    assert np.allclose(after.means, before.means * 0.37, rtol=1e-6)
    assert np.allclose(np.exp(after.log_scales), np.exp(before.log_scales) * 0.37, rtol=1e-5)
    for name in ("quats_wxyz", "opacity_logits", "sh"):
        assert np.array_equal(getattr(after, name), getattr(before, name)), name
    assert (tmp_path / "b.ply").stat().st_size == (tmp_path / "a.ply").stat().st_size
    assert (tmp_path / "b.ply").read_bytes().endswith(b"behind the rows")
