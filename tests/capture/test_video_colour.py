"""A clip's numbers become the sRGB picture that the standards mean."""

from __future__ import annotations

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from setpiece.capture.demo.hdr import HLG_BT2020, hlg_planes
from setpiece.capture.video.colour import bt709_from, colour_of, luminance_of, rgb_from_ycbcr
from setpiece.capture.video.srgb import srgb_pixels
from setpiece.capture.video.transfer import (
    DIFFUSE_WHITE,
    hlg_gain,
    hlg_scene_light,
    hlg_signal,
    pq_nits,
    pq_signal,
    srgb_light,
    srgb_signal,
    tone_mapped,
)

P3 = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))


def flat(values: tuple[int, int, int], pix_fmt: str = "yuv420p") -> av.VideoFrame:
    frame = av.VideoFrame(64, 48, pix_fmt)
    for plane, value in zip(frame.planes, values, strict=True):
        samples = plane.line_size // (1 if pix_fmt[-1] == "p" else 2)
        kind = np.uint8 if pix_fmt[-1] == "p" else np.dtype("<u2")
        plane.update(np.full((plane.height, samples), value, kind).tobytes())
    return frame


def shown(values: tuple[int, int, int], pix_fmt: str, codes: tuple[int, int, int], full: bool) -> list[int]:
    colour = colour_of(codes[0], full, codes[1], codes[2], 1080)
    picture = srgb_pixels(flat(values, pix_fmt), colour)
    assert (picture == picture[0, 0]).all()
    return [int(v) for v in picture[0, 0]]


@pytest.mark.parametrize(
    ("matrix", "full", "ycbcr", "rgb"),
    [  # the colour bars' well-known numbers: BT.601 table 4 and BT.709 (SMPTE RP 219), limited range
        (6, False, (81, 90, 240), (255, 0, 0)),
        (6, False, (145, 54, 34), (0, 255, 0)),
        (6, False, (41, 240, 110), (0, 0, 255)),
        (1, False, (63, 102, 240), (255, 0, 0)),
        (1, False, (173, 42, 26), (0, 255, 0)),
        (1, False, (32, 240, 118), (0, 0, 255)),
        (1, False, (235, 128, 128), (255, 255, 255)),
        (1, False, (16, 128, 128), (0, 0, 0)),
        (5, True, (76, 85, 255), (254, 0, 0)),  # JFIF's red
        (1, True, (128, 128, 128), (128, 128, 128)),
    ],
)
def test_matrix_and_range(
    matrix: int, full: bool, ycbcr: tuple[int, int, int], rgb: tuple[int, int, int]
) -> None:
    assert np.abs(np.subtract(shown(ycbcr, "yuv420p", (matrix, 1, 1), full), rgb)).max() <= 1
    ten_bits = (ycbcr[0] * 4, ycbcr[1] * 4, ycbcr[2] * 4)
    if not full:
        assert np.abs(np.subtract(shown(ten_bits, "yuv420p10le", (matrix, 1, 1), full), rgb)).max() <= 1


def test_what_a_clip_leaves_open_is_what_players_take_it_for() -> None:
    assert colour_of(2, False, 2, 2, 1080).luma == (0.2126, 0.0722)
    assert colour_of(2, False, 2, 2, 480).luma == (0.299, 0.114)
    assert colour_of(2, False, 18, 2, 480).luma == (0.2627, 0.0593)
    assert colour_of(2, False, 2, 2, 1080).is_plain


def test_published_matrices() -> None:
    # BT.2087-0 annex, BT.2020 to BT.709
    wanted = [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]]
    assert np.allclose(bt709_from(((0.708, 0.292), (0.170, 0.797), (0.131, 0.046))), wanted, atol=1e-4)
    assert np.allclose(luminance_of(P3), (0.2290, 0.6917, 0.0793), atol=1e-4)  # SMPTE EG 432-1 with D65
    assert np.allclose(rgb_from_ycbcr((0.2126, 0.0722)) @ (1, 0, 0), 1)


def test_published_values_of_the_curves() -> None:
    # BT.2408 table 1: 18 % grey is 26 nits at 38 %, diffuse white 203 nits at 75 % HLG and 58 % PQ
    scene = hlg_scene_light(np.array([0.38, 0.75, 1.0]))
    assert np.allclose(1000 * scene**1.2, (26, 203, 1000), rtol=0.02)
    assert np.allclose(pq_nits(np.array([0.38, 0.58, 1.0])), (26, 203, 10_000), rtol=0.02)
    assert pq_signal(np.array([100.0]))[0] == pytest.approx(0.508, abs=1e-3)  # BT.2390: 100 nits
    at = np.linspace(0, 1, 101)
    assert np.allclose(hlg_signal(hlg_scene_light(at)), at, atol=1e-6)
    assert np.allclose(pq_signal(pq_nits(at)), at, atol=1e-6)
    assert np.allclose(srgb_signal(srgb_light(at)), at, atol=1e-6)


def test_tone_mapping_leaves_the_dark_alone_and_keeps_the_order() -> None:
    nits = np.geomspace(0.01, 1000, 400)
    mapped = tone_mapped(nits, 1000)
    assert np.allclose(mapped[nits < 84], nits[nits < 84] / DIFFUSE_WHITE, rtol=1e-4)
    assert (np.diff(mapped) > 0).all()
    assert mapped[-1] == pytest.approx(1, abs=1e-6)
    bent = np.diff(np.log(mapped)) / np.diff(np.log(nits))
    assert np.abs(np.diff(bent)).max() < 0.03, (
        "no kink at the knee: the slope changes by little from sample to sample"
    )


@pytest.mark.parametrize(
    ("percent", "transfer", "grey"),
    [(75, 18, 229), (38, 18, 101), (58, 16, 229), (38, 16, 101), (0, 18, 0), (0, 16, 0), (100, 18, 255)],
)
def test_grey_patches_of_hlg_and_pq(percent: int, transfer: int, grey: int) -> None:
    """Diffuse white becomes 0.90, 26 nits 26/203 of linear light: 101."""
    level = round(64 + 876 * percent / 100)
    picture = shown((level, 512, 512), "yuv420p10le", (9, transfer, 9), False)
    assert np.abs(np.array(picture) - grey).max() <= 2


def test_a_ramp_stays_smooth() -> None:
    colour = colour_of(*HLG_BT2020[:1], False, *HLG_BT2020[1:], 1080)
    greys = [int(srgb_pixels(flat((y, 512, 512), "yuv420p10le"), colour)[0, 0, 1]) for y in range(64, 941)]
    steps = np.diff(greys)
    assert steps.min() >= 0
    assert steps.max() <= 2


def test_hlg_and_back() -> None:
    rng = np.random.default_rng(0)
    cells = rng.integers(0, 256, (12, 16, 3), dtype=np.uint8)
    pixels = np.repeat(np.repeat(cells, 8, axis=0), 8, axis=1)
    frame = av.VideoFrame(128, 96, "yuv420p10le")
    for plane, values in zip(frame.planes, hlg_planes(pixels), strict=True):
        rows = np.zeros((plane.height, plane.line_size // 2), np.uint16)
        rows[:, : plane.width] = values
        plane.update(rows.tobytes())
    matrix, transfer, primaries = HLG_BT2020
    back = srgb_pixels(frame, colour_of(matrix, False, transfer, primaries, 96))
    middle: NDArray[np.int64] = back[4::8, 4::8].astype(int) - cells  # away from the chroma's edges
    assert np.abs(middle).mean() < 0.6
    assert np.quantile(np.abs(middle), 0.99) <= 3  # ten bits resolve dark saturated colours coarsely


def test_the_gain_is_the_curve_over_its_argument() -> None:
    scene = np.array([0.01, 0.1, 0.265, 1.0])
    assert np.allclose(scene * hlg_gain(scene), tone_mapped(1000 * scene**1.2, 1000))


def test_other_formats_go_the_same_way() -> None:
    for pix_fmt in ("yuv444p", "yuv422p", "yuv444p10le", "nv12"):
        if pix_fmt == "nv12":
            frame = flat((63, 102, 240)).reformat(format="nv12")
        else:
            step = 4 if "10" in pix_fmt else 1
            frame = flat((63 * step, 102 * step, 240 * step), pix_fmt)
        picture = srgb_pixels(frame, colour_of(1, False, 1, 1, 1080))
        assert np.abs(picture[0, 0].astype(int) - (255, 0, 0)).max() <= 2, pix_fmt
    rgb = av.VideoFrame.from_ndarray(np.full((48, 64, 3), (200, 100, 50), np.uint8), "rgb24")
    picture = srgb_pixels(rgb.reformat(format="gbrp"), colour_of(0, True, 1, 1, 1080))
    assert np.abs(picture[0, 0].astype(int) - (200, 100, 50)).max() <= 1
