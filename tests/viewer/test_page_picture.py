"""Where the page draws things, against `Camera.project`: axes, handedness, field of view, colours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from seen import fitted, free_camera, open_set, picture_of, render, spot, wait_for
from synthetic_set import BALLS, cameras, look_at, make_set

from setpiece.axes import rotation_from_quat
from setpiece.cameras import Camera
from setpiece.export.ply import write_ply
from setpiece.setfolder import SetFolder
from setpiece.sh import sh_basis
from setpiece.splats import Splats

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser
NEAR_PX = 1.0  # a blurred ball's middle is found to a fraction of a pixel; the rest is the floor behind it


def check_balls(picture: np.ndarray, camera: Camera, near_px: float = NEAR_PX) -> None:
    """Every ball well inside of the picture is where the camera projects it, and has its colour."""
    height, width = picture.shape[:2]
    checked = 0
    for name, (place, colour) in BALLS.items():
        x, y, depth = camera.project(np.array([place]))[0]
        if depth <= 0 or not (20 < x < width - 20 and 20 < y < height - 20):
            continue
        found = spot(picture, colour)
        assert found is not None, f"{name} is not seen"
        assert np.hypot(found[0] - x, found[1] - y) < near_px, (
            f"{name} is at {found}, expected {x:.1f}, {y:.1f}"
        )
        checked += 1
    assert checked >= 3


@pytest.mark.parametrize("index", range(4), ids=list(cameras()))
def test_a_capture_camera_sees_what_it_saw(page: Page, balls_url: str, index: int) -> None:
    """Roll, unequal focal lengths, an off-centre principal point and another format included."""
    open_set(page, balls_url)
    for _ in range(index + 1):
        page.keyboard.press(".")
    wait_for(page, f"setpiece.state().photo === {index}")
    picture = render(page)
    camera = fitted(list(cameras().values())[index], 480, 270)
    check_balls(picture, camera)
    for place, colour in BALLS.values():
        x, y, _ = camera.project(np.array([place]))[0]
        if 0 < x < 479 and 0 < y < 269:
            # 98 % of the ball's colour, the rest from behind; 8 bits.
            np.testing.assert_allclose(picture[int(y), int(x)], colour, atol=0.06)


@pytest.mark.parametrize("size", [(480, 270), (300, 500)])
def test_the_photo_lies_exactly_over_the_render(page: Page, balls_url: str, size: tuple[int, int]) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    open_set(page, balls_url)
    page.keyboard.press(".")
    page.keyboard.press(".")
    wait_for(page, "setpiece.state().photo === 1")
    page.evaluate("for (const id of ['head', 'compare']) document.getElementById(id).hidden = true")
    wait_for(page, "document.getElementById('photo').complete")
    check_balls(picture_of(page.screenshot()), fitted(list(cameras().values())[1], *size))


@pytest.mark.parametrize("size", [(480, 270), (270, 480)])
def test_the_walking_view_is_a_true_pinhole(page: Page, balls_url: str, size: tuple[int, int]) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    open_set(page, balls_url)
    for view in (
        {"position": [0.2, -4.5, 1.4], "yaw": 0.05, "pitch": -0.2, "roll": 0, "focus": 4},
        {"position": [-3.8, 2.6, 2.2], "yaw": 2.2, "pitch": -0.4, "roll": 0, "focus": 4},
    ):
        page.evaluate("(view) => setpiece.setView(view)", view)
        check_balls(render(page), free_camera(view, *size))


def test_a_view_with_two_pixels_per_point(browser: object, balls_url: str) -> None:
    context = browser.new_context(viewport={"width": 300, "height": 200}, device_scale_factor=2)  # type: ignore[attr-defined]
    page = context.new_page()
    open_set(page, balls_url)
    view = {"position": [0.2, -4.5, 1.4], "yaw": 0.05, "pitch": -0.2, "roll": 0, "focus": 4}
    page.evaluate("(view) => setpiece.setView(view)", view)
    picture = render(page)
    assert picture.shape == (400, 600, 3)
    check_balls(picture, free_camera(view, 600, 400))
    context.close()


@pytest.fixture(scope="module")
def coloured(tmp_path_factory: pytest.TempPathFactory) -> tuple[SetFolder, Splats]:
    """One big round splat whose colour depends on the direction, and a long thin one that leans."""
    rng = np.random.default_rng(5)
    sh = np.zeros((2, 16, 3))
    sh[0] = rng.normal(size=(16, 3)) * 0.16
    sh[1, 0] = 1.0
    turn = np.array([0.8, 0.3, -0.4, 0.33])
    splats = Splats(
        means=np.array([[0, 0, 0.5], [0.9, 0.2, 1.1]], np.float32),
        log_scales=np.log(np.array([[0.16] * 3, [0.02, 0.02, 0.2]])).astype(np.float32),
        quats_wxyz=np.array([[1, 0, 0, 0], turn], np.float32),
        opacity_logits=np.array([8, 5], np.float32),
        sh=sh.astype(np.float32),
    )
    target = make_set(tmp_path_factory.mktemp("sets") / "coloured")
    write_ply(target.splats / "scene.ply", splats)
    return target, splats


@pytest.fixture(scope="module")
def coloured_url(coloured: tuple[SetFolder, Splats], serve_set: Callable[[SetFolder], str]) -> str:
    return serve_set(coloured[0])


VIEWS = [
    {"position": [0.2, -2.5, 0.8], "yaw": 0.05, "pitch": -0.1, "roll": 0, "focus": 2.5},
    {"position": [-2.2, 0.3, 1.4], "yaw": 1.55, "pitch": -0.35, "roll": 0, "focus": 2.5},
    {"position": [0.6, 2.4, 0.1], "yaw": 3.2, "pitch": 0.25, "roll": 0, "focus": 2.5},
]


@pytest.mark.parametrize("view", VIEWS)
def test_colours_depend_on_the_direction_as_trained(
    page: Page, coloured: tuple[SetFolder, Splats], coloured_url: str, view: dict[str, object]
) -> None:
    """World harmonics, turned for the file and evaluated by PlayCanvas: still the colour of the world."""
    open_set(page, coloured_url)
    page.evaluate("(view) => setpiece.setView(view)", view)
    picture = render(page)
    splats = coloured[1]
    mean = splats.means[:1].astype(np.float64)
    x, y, _ = free_camera(view, 480, 270).project(mean)[0]
    direction = mean - np.array(view["position"])
    direction /= np.linalg.norm(direction)
    expected = 0.5 + (sh_basis(direction, 3) @ splats.sh[0])[0]
    # PlayCanvas keeps harmonics in 10 to 11 bits of their largest; the picture has 8.
    np.testing.assert_allclose(picture[int(y), int(x)], np.clip(expected, 0, 1), atol=0.02)


@pytest.mark.parametrize("view", VIEWS)
def test_a_long_splat_leans_as_trained(
    page: Page, coloured: tuple[SetFolder, Splats], coloured_url: str, view: dict[str, object]
) -> None:
    open_set(page, coloured_url)
    page.evaluate("(view) => setpiece.setView(view)", view)
    picture = render(page)
    splats = coloured[1]
    camera = free_camera(view, 480, 270)
    mean = splats.means[1].astype(np.float64)
    axis = rotation_from_quat(splats.quats_wxyz[1])[:, 2]
    ends = camera.project(np.stack([mean - 0.1 * axis, mean + 0.1 * axis]))[:, :2]
    expected = np.degrees(np.arctan2(*(ends[1] - ends[0])[::-1])) % 180
    x, y, _ = camera.project(mean[None])[0]
    ys, xs = np.mgrid[: picture.shape[0], : picture.shape[1]] + 0.5
    weight = np.where((picture.min(axis=2) > 0.25) & (np.hypot(xs - x, ys - y) < 45), picture.min(axis=2), 0)
    assert weight.sum() > 30
    spread = np.cov(np.stack([xs.ravel(), ys.ravel()]), aweights=weight.ravel())
    long_axis = np.linalg.eigh(spread)[1][:, 1]
    found = np.degrees(np.arctan2(long_axis[1], long_axis[0])) % 180
    off = abs((found - expected + 90) % 180 - 90)
    assert off < 3, f"leans by {found:.1f} degrees, expected {expected:.1f}"


def test_nothing_but_the_background_where_there_is_nothing(page: Page, balls_url: str) -> None:
    open_set(page, balls_url)
    away = {"position": [0, -4, 1], "yaw": np.pi, "pitch": 0, "roll": 0, "focus": 1}
    page.evaluate("(view) => setpiece.setView(view)", away)
    picture = render(page)
    np.testing.assert_allclose(
        picture, np.broadcast_to([0x0B / 255, 0x0C / 255, 0x0E / 255], picture.shape), atol=0.005
    )


@pytest.mark.real_data
def test_a_real_person_stands_upright(
    page: Page, shared_data: Path, tmp_path: Path, serve_set: Callable[[SetFolder], str]
) -> None:
    """The biker of PlayCanvas' examples, thinned to 20,000: head up, and darker than his face below it."""
    import gsply

    data = gsply.plyread(str(shared_data / "formats" / "splats" / "biker.compressed.ply"))
    rows = np.random.default_rng(0).permutation(len(data.means))[:20_000]
    from setpiece.axes import WORLD_FROM_PLY, rotate_splats

    in_ply = Splats(
        means=np.ascontiguousarray(data.means[rows], np.float32),
        log_scales=np.ascontiguousarray(data.scales[rows], np.float32),
        quats_wxyz=np.ascontiguousarray(data.quats[rows], np.float32),
        opacity_logits=np.ascontiguousarray(data.opacities[rows], np.float32),
        sh=np.ascontiguousarray(data.sh0[rows, None], np.float32),
    )
    target = make_set(tmp_path / "biker")
    write_ply(target.splats / "scene.ply", rotate_splats(in_ply, WORLD_FROM_PLY))
    page.set_viewport_size({"width": 270, "height": 480})
    open_set(page, serve_set(target))
    page.keyboard.press("f")
    picture = render(page)
    skin = (picture[..., 0] > 0.35) & (picture[..., 0] > 1.25 * picture[..., 2])
    body = picture.max(axis=2) > 0.1
    rows_with = np.nonzero(body.any(axis=1))[0]
    top, bottom = rows_with.min(), rows_with.max()
    face = np.nonzero(skin)[0].mean() if skin.any() else np.nan
    assert (face - top) / (bottom - top) < 0.5  # hands included, yet above the middle
    assert bottom - top > 1.8 * np.ptp(np.nonzero(body.any(axis=0))[0])


def test_look_at_is_what_it_says() -> None:
    """The fixture's own arithmetic, by hand: from -y, world x is to the right and z is up."""
    camera = Camera(100, 100, 100, 100, 50, 50, look_at((0, -5, 0), (0, 0, 0), 0))
    x, y, depth = camera.project(np.array([[1.0, 0.0, 1.0]]))[0]
    assert (x, y, depth) == pytest.approx((70, 30, 5))


def test_the_order_is_right_after_a_move_during_sorting(page: Page, balls_url: str) -> None:
    """Views in a row, each before the last was sorted: what is in front at the end covers what is behind."""
    open_set(page, balls_url)
    view = {"position": [-3.8, 2.6, 2.2], "yaw": 2.2, "pitch": -0.4, "roll": 0, "focus": 4}
    for round_trip in range(3):
        for turn in range(12):
            page.evaluate(
                "(view) => setpiece.setView(view)", {**view, "yaw": 2.2 + 0.3 * (turn + round_trip)}
            )
        page.evaluate("(view) => setpiece.setView(view)", view)
        check_balls(render(page), free_camera(view, 480, 270))
