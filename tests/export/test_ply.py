"""Splat PLY files: the layout that every reader knows, read back by ourselves and by others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import gsply
import numpy as np
import pytest

from setpiece.errors import SplatFileError
from setpiece.export.ply import PLY_COLUMNS, map_ply, read_ply, write_ply
from setpiece.sh import sh_basis
from setpiece.splats import SH_C0, Splats

MakeSplats = Callable[..., Splats]


@pytest.fixture
def asymmetric() -> Splats:
    """Three splats in the world that no rotation or mirror maps onto themselves."""
    return Splats(
        means=np.array([[1, 0, 0], [0, 2, 0], [0, 0, 3]], np.float32),
        log_scales=np.log(np.array([[0.1, 0.2, 0.3]] * 3, np.float32)),
        quats_wxyz=np.tile(np.array([[1, 0, 0, 0]], np.float32), (3, 1)),
        opacity_logits=np.array([0, 1, 2], np.float32),
        sh=np.concatenate(
            [np.eye(3)[:, None] / SH_C0, np.full((3, 3, 3), [[[0.1], [0.2], [0.3]]])], 1
        ).astype(np.float32),
    )


def test_file_has_62_columns_in_the_canonical_order(tmp_path: Path, random_splats: MakeSplats) -> None:
    path = tmp_path / "scene.ply"
    write_ply(path, random_splats(10))
    head, _, body = path.read_bytes().partition(b"end_header\n")
    lines = head.decode("ascii").splitlines()
    assert lines[:3] == ["ply", "format binary_little_endian 1.0", "element vertex 10"]
    assert lines[3:] == [f"property float {name}" for name in PLY_COLUMNS]
    assert len(PLY_COLUMNS) == 62
    assert len(body) == 10 * 62 * 4


def test_axes_of_the_file_are_right_down_forward(tmp_path: Path, asymmetric: Splats) -> None:
    path = tmp_path / "scene.ply"
    write_ply(path, asymmetric)
    rows = map_ply(path)
    places = np.stack([rows["x"], rows["y"], rows["z"]], 1)
    # World +x stays right; world +y is forward, so z; world +z is up, so minus y.
    np.testing.assert_array_equal(places, [[1, 0, 0], [0, 0, 2], [0, -3, 0]])
    del rows


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_read_gives_back_what_was_written(tmp_path: Path, random_splats: MakeSplats, degree: int) -> None:
    path, splats = tmp_path / "ein Ort" / "szene ü.ply", random_splats(300, degree)
    path.parent.mkdir()
    write_ply(path, splats)
    back = read_ply(path)
    np.testing.assert_array_equal(back.means, splats.means)
    np.testing.assert_array_equal(back.log_scales, splats.log_scales)
    np.testing.assert_array_equal(back.opacity_logits, splats.opacity_logits)
    np.testing.assert_allclose(back.quats_wxyz, splats.quats_wxyz, atol=1e-6)  # float32, turned twice
    count = splats.sh.shape[1]
    np.testing.assert_allclose(back.sh[:, :count], splats.sh, atol=2e-6)
    np.testing.assert_allclose(back.sh[:, count:], 0, atol=0)  # padded to degree 3


def test_more_splats_than_one_piece(tmp_path: Path, random_splats: MakeSplats) -> None:
    path, splats = tmp_path / "scene.ply", random_splats(70_000, 0)
    write_ply(path, splats)
    np.testing.assert_array_equal(read_ply(path).means, splats.means)


def test_no_splats(tmp_path: Path, random_splats: MakeSplats) -> None:
    path = tmp_path / "scene.ply"
    write_ply(path, random_splats(0))
    assert read_ply(path).count == 0


def test_gsply_reads_the_same_values(tmp_path: Path, random_splats: MakeSplats) -> None:
    path, splats = tmp_path / "scene.ply", random_splats(200)
    write_ply(path, splats)
    seen = gsply.plyread(str(path))
    x, y, z = splats.means.T
    np.testing.assert_array_equal(seen.means, np.stack([x, -z, y], 1))
    np.testing.assert_array_equal(seen.scales, splats.log_scales)
    np.testing.assert_array_equal(seen.opacities, splats.opacity_logits)
    # The colour that a viewer computes from gsply's numbers, along a direction in its own axes.
    d = np.array([[0.36, 0.48, 0.8]])
    theirs = sh_basis(d, 3) @ np.concatenate([seen.sh0[:, None], seen.shN], 1)
    ours = sh_basis(np.array([[0.36, 0.8, -0.48]]), 3) @ splats.sh  # the same direction in the world
    np.testing.assert_allclose(theirs, ours, atol=3e-6)


def test_splat_transform_turns_the_file_as_we_do(
    tmp_path: Path, random_splats: MakeSplats, splat_transform: Callable[..., None]
) -> None:
    """A quarter turn about x by PlayCanvas' tool takes the file back to our world: means, quaternions, SH."""
    path, turned, splats = tmp_path / "scene.ply", tmp_path / "turned.ply", random_splats(200)
    write_ply(path, splats)
    splat_transform(path, "-r", "90,0,0", turned)
    rows = map_ply(turned)
    world = np.stack([rows[c] for c in "xyz"], 1)
    np.testing.assert_allclose(world, splats.means, atol=2e-6)
    np.testing.assert_allclose(rows["opacity"], splats.opacity_logits, atol=1e-6)
    np.testing.assert_allclose(
        np.stack([rows[f"scale_{i}"] for i in range(3)], 1), splats.log_scales, atol=1e-6
    )
    quats = np.stack([rows[f"rot_{i}"] for i in range(4)], 1)
    unit = quats / np.linalg.norm(quats, axis=1, keepdims=True)
    ours = splats.quats_wxyz / np.linalg.norm(splats.quats_wxyz, axis=1, keepdims=True)
    np.testing.assert_allclose(np.abs((unit * ours).sum(1)), 1, atol=1e-6)  # q and -q are one rotation
    rest = np.stack([rows[f"f_rest_{i}"] for i in range(45)], 1).reshape(-1, 3, 15).transpose(0, 2, 1)
    np.testing.assert_allclose(rest, splats.sh[:, 1:], atol=1e-5)  # its SH rotation is single precision
    del rows


def test_splat_transform_reads_the_same_values(
    tmp_path: Path, random_splats: MakeSplats, splat_transform: Callable[..., None]
) -> None:
    path, table, splats = tmp_path / "scene.ply", tmp_path / "scene.csv", random_splats(50)
    write_ply(path, splats)
    splat_transform(path, table)
    with table.open(encoding="utf-8") as file:
        names = file.readline().strip().split(",")
        values = np.loadtxt(file, delimiter=",")
    rows = map_ply(path)
    for name in PLY_COLUMNS:
        if name not in ("nx", "ny", "nz") and not name.startswith("rot"):  # it normalises quaternions
            np.testing.assert_allclose(values[:, names.index(name)], rows[name], rtol=1e-6, atol=1e-7)
    del rows


def test_columns_in_another_order_and_a_lower_degree(tmp_path: Path, random_splats: MakeSplats) -> None:
    full, other = tmp_path / "full.ply", tmp_path / "other.ply"
    splats = random_splats(5, 1)
    write_ply(full, splats)
    rows = map_ply(full)
    keep = {f"f_rest_{3 * c + k}": f"f_rest_{15 * c + k}" for c in range(3) for k in range(3)}
    names = [n for n in PLY_COLUMNS if not n.startswith("f_rest") and n[0] != "n"][::-1] + [*keep]
    fields = [(n, "<f8" if n == "x" else "<f4") for n in names] + [("label", "u1")]
    out = np.zeros(5, dtype=fields)
    for n in names:
        out[n] = rows[keep.get(n, n)]
    kinds = {"<f8": "double", "<f4": "float", "u1": "uchar"}
    header = ["ply", "format binary_little_endian 1.0", "comment by another tool", "element vertex 5"]
    header += [f"property {kinds[k]} {n}" for n, k in fields]
    other.write_bytes("\n".join([*header, "end_header\n"]).encode() + out.tobytes())
    del rows
    back = read_ply(other)
    assert back.sh_degree == 1
    np.testing.assert_array_equal(back.means, splats.means)
    np.testing.assert_allclose(back.sh, splats.sh, atol=1e-6)


def _damaged(good: bytes) -> dict[str, tuple[bytes, str]]:
    return {
        "cut off": (good[:-100], "cut off"),
        "no header end": (good[:200], "not a PLY"),
        "text": (b"hello", "not a PLY"),
        "empty": (b"", "not a PLY"),
        "ascii": (good.replace(b"binary_little_endian", b"ascii"), "little-endian"),
        "mesh": (good.replace(b"property float opacity\n", b""), "opacity is missing"),
        "faces": (good.replace(b"end_header", b"element face 0\nend_header"), "vertex, face"),
        "odd type": (good.replace(b"property float nx", b"property weird nx"), "damaged PLY header"),
        "list": (good.replace(b"property float nx", b"property list uchar int nx"), "damaged PLY header"),
        "no count": (good.replace(b"vertex 3", b"vertex many"), "damaged PLY header"),
        "part of a degree": (
            good.replace(b"property float f_rest_44\n", b"property float f_rest_x\n"),
            "44 columns",
        ),
    }


@pytest.mark.parametrize("kind", list(_damaged(b"")))
def test_a_damaged_file_gets_one_sentence(tmp_path: Path, asymmetric: Splats, kind: str) -> None:
    path = tmp_path / "scene.ply"
    write_ply(path, asymmetric)
    content, expected = _damaged(path.read_bytes())[kind]
    path.write_bytes(content)
    with pytest.raises(SplatFileError, match=expected) as caught:
        read_ply(path)
    assert "scene.ply" in str(caught.value)


def test_a_missing_file_gets_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SplatFileError, match="cannot be read"):
        read_ply(tmp_path / "nothing.ply")


@pytest.mark.real_data
def test_real_files_of_others_are_read(
    shared_data: Path, tmp_path: Path, splat_transform: Callable[..., None]
) -> None:
    path = tmp_path / "biker.ply"
    splat_transform(shared_data / "formats" / "splats" / "biker.compressed.ply", path)
    splats = read_ply(path)
    assert splats.count == 152_746
    low, high = np.percentile(splats.means, [1, 99], axis=0)
    assert high[2] - low[2] > 1.5 * max(high[0] - low[0], high[1] - low[1])  # he stands, along world z
