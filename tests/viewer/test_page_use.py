"""What a person does with the page: mouse, touch, keys, photos, and what it says when something is wrong."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from seen import fitted, free_camera, open_set, render, spot, wait_for
from synthetic_set import BALLS, cameras, make_set

from setpiece.setfolder import SetFolder

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser
OUTSIDE = {"position": [0.4, -7.5, 2.2], "yaw": -0.02, "pitch": -0.2, "roll": 0, "focus": 7}


def view_of(page: Page) -> dict[str, Any]:
    page.evaluate("setpiece.settled()")
    view: dict[str, Any] = page.evaluate("setpiece.getView()")
    return view


def pivot_of(view: dict[str, Any]) -> np.ndarray:
    camera = free_camera(view, 480, 270)
    return camera.centre_in_world + view["focus"] * camera.cam_from_world[2, :3]


def hold(page: Page, key: str, seconds: float = 0.4) -> None:
    page.keyboard.down(key)
    time.sleep(seconds)
    page.keyboard.up(key)


def test_a_click_on_a_frustum_flies_there_and_shows_the_photo(page: Page, balls_url: str) -> None:
    page.set_viewport_size({"width": 960, "height": 540})
    open_set(page, balls_url)
    for index, (name, camera) in list(enumerate(cameras().items()))[:2]:
        page.keyboard.press("Escape")
        page.evaluate("(view) => setpiece.setView(view)", OUTSIDE)
        x, y, depth = free_camera(OUTSIDE, 960, 540).project(camera.centre_in_world[None])[0]
        assert depth > 0
        page.mouse.click(x, y)
        wait_for(page, f"setpiece.state().photo === {index}")
        view = view_of(page)
        np.testing.assert_allclose(view["position"], camera.centre_in_world, atol=1e-6)
        forward = fitted(camera, 480, 270).cam_from_world[2, :3]
        np.testing.assert_allclose(np.arcsin(forward[2]), view["pitch"], atol=1e-6)
        assert name in page.locator("#photo-name").inner_text()
        assert page.locator("#photo").is_visible()


def test_a_flight_takes_its_time_unless_motion_is_unwelcome(browser: Browser, balls_url: str) -> None:
    context = browser.new_context(viewport={"width": 320, "height": 180}, reduced_motion="no-preference")
    page = context.new_page()
    open_set(page, balls_url)
    page.evaluate("(view) => setpiece.setView(view)", OUTSIDE)
    page.keyboard.press(".")
    assert page.evaluate("setpiece.state().photo") is None  # on the way
    wait_for(page, "setpiece.state().photo === 0")
    context.close()


def test_photos_are_stepped_through_and_faded(page: Page, balls_url: str) -> None:
    open_set(page, balls_url)
    page.keyboard.press("PageDown")
    wait_for(page, "setpiece.state().photo === 0")
    page.keyboard.press(",")
    wait_for(page, "setpiece.state().photo === 3")  # round the corner
    page.get_by_role("button", name="Next photo").click()
    wait_for(page, "setpiece.state().photo === 0")
    page.keyboard.press(".")
    page.keyboard.press(".")
    wait_for(page, "setpiece.state().photo === 2")
    assert "held out of training" in page.locator("#photo-name").inner_text()

    def opacity() -> float:
        return float(page.evaluate("getComputedStyle(document.getElementById('photo')).opacity"))

    assert opacity() == 1
    page.locator("#view").focus()
    page.keyboard.press("Space")
    assert opacity() == 0
    slider = page.get_by_role("slider", name="Blend from render to photo")
    slider.focus()
    slider.press("PageUp")
    assert 0 < opacity() < 1
    assert page.evaluate("setpiece.state().photo") == 2  # the slider's own keys do not step
    page.keyboard.press("Escape")
    wait_for(page, "setpiece.state().photo === null")
    assert not page.locator("#compare").is_visible()


def test_the_strip_leads_to_the_photos_without_aiming(page: Page, balls_url: str) -> None:
    open_set(page, balls_url)
    page.get_by_role("button", name="Photos").click()
    strip = page.get_by_role("navigation", name="Photos")
    assert strip.get_by_role("button").count() == 4
    strip.get_by_role("button", name="portrait.jpg").click()
    wait_for(page, "setpiece.state().photo === 3")
    assert strip.locator("[aria-current=true]").inner_text().strip() == "portrait.jpg"
    page.keyboard.press("p")
    assert not strip.is_visible()


def test_steering_leaves_the_photo_and_levels_the_horizon(page: Page, balls_url: str) -> None:
    open_set(page, balls_url)
    page.keyboard.press(".")
    page.keyboard.press(".")
    wait_for(page, "setpiece.state().photo === 1")
    assert view_of(page)["roll"] != 0
    page.locator("#view").focus()
    hold(page, "w", 0.2)
    wait_for(page, "setpiece.state().photo === null")
    assert view_of(page)["roll"] == 0
    assert not page.locator("#matte").is_visible()


def test_keys_walk(page: Page, balls_url: str) -> None:
    open_set(page, balls_url)
    page.keyboard.press("2")
    assert page.evaluate("setpiece.state().mode") == "fly"
    axes = {"w": [0, 1, 0], "s": [0, -1, 0], "d": [1, 0, 0], "a": [-1, 0, 0], "e": [0, 0, 1], "q": [0, 0, -1]}
    level = {"position": [0, -4, 1], "yaw": 0, "pitch": 0, "roll": 0, "focus": 4}
    for key, direction in axes.items():
        page.evaluate("(view) => setpiece.setView(view)", level)
        hold(page, key, 0.25)
        moved = np.array(view_of(page)["position"]) - level["position"]
        assert np.linalg.norm(moved) > 0.01
        np.testing.assert_allclose(moved / np.linalg.norm(moved), direction, atol=1e-6)
    for key, name, sign in [("ArrowRight", "yaw", 1), ("ArrowLeft", "yaw", -1), ("ArrowUp", "pitch", 1)]:
        page.evaluate("(view) => setpiece.setView(view)", level)
        hold(page, key, 0.25)
        view = view_of(page)
        assert view[name] * sign > 0.02
        np.testing.assert_allclose(view["position"], level["position"], atol=1e-9)
    page.keyboard.press("1")
    page.evaluate("(view) => setpiece.setView(view)", level)
    hold(page, "ArrowRight", 0.25)
    view = view_of(page)
    assert view["position"][0] > 0.05  # around the pivot, to the right
    np.testing.assert_allclose(pivot_of(view), [0, 0, 1], atol=1e-4)


def test_mouse_orbits_moves_and_comes_nearer(page: Page, balls_url: str) -> None:
    open_set(page, balls_url)
    start = {"position": [0, -4, 1], "yaw": 0, "pitch": 0, "roll": 0, "focus": 4}
    page.evaluate("(view) => setpiece.setView(view)", start)
    page.mouse.move(240, 160)
    page.mouse.down()
    page.mouse.move(300, 180, steps=4)
    page.mouse.up()
    turned = view_of(page)
    assert turned["yaw"] > 0.1  # the near side follows the pointer, so the camera goes to the left
    assert turned["position"][0] < -0.1
    np.testing.assert_allclose(pivot_of(turned), [0, 0, 1], atol=1e-4)
    page.mouse.wheel(0, -300)
    wait_for(page, f"setpiece.getView().focus < {0.8 * turned['focus']}")
    np.testing.assert_allclose(pivot_of(view_of(page)), [0, 0, 1], atol=1e-3)
    page.evaluate("(view) => setpiece.setView(view)", start)
    page.mouse.move(240, 160)
    page.mouse.down(button="right")
    page.mouse.move(280, 160, steps=3)
    page.mouse.up(button="right")
    moved = view_of(page)
    assert moved["position"][0] < -0.2
    assert moved["yaw"] == pytest.approx(0, abs=1e-9)


def test_a_double_click_turns_around_what_is_there(page: Page, balls_url: str) -> None:
    open_set(page, balls_url)
    page.keyboard.press("c")  # no frusta in the way
    page.evaluate(
        "(view) => setpiece.setView(view)", {**OUTSIDE, "position": [0.4, -4.5, 2.2], "pitch": -0.35}
    )
    red = np.array(BALLS["red"][0])
    x, y, _ = free_camera(view_of(page), 480, 270).project(red[None])[0]
    page.mouse.dblclick(x, y)
    # The front of the ball, at most two deviations before its middle.
    assert np.linalg.norm(pivot_of(view_of(page)) - red) < 0.12


def test_fingers_turn_and_pinch(browser: Browser, balls_url: str) -> None:
    context = browser.new_context(
        viewport={"width": 320, "height": 480}, has_touch=True, is_mobile=True, reduced_motion="reduce"
    )
    page = context.new_page()
    open_set(page, balls_url)
    start = {"position": [0, -4, 1], "yaw": 0, "pitch": 0, "roll": 0, "focus": 4}
    page.evaluate("(view) => setpiece.setView(view)", start)
    touch = context.new_cdp_session(page)

    def send(kind: str, *points: tuple[float, float]) -> None:
        places = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(points)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    send("touchStart", (160, 300))
    for x in (170, 185, 200, 220):
        send("touchMove", (x, 300))
    send("touchEnd")
    assert view_of(page)["yaw"] > 0.1
    page.evaluate("(view) => setpiece.setView(view)", start)
    send("touchStart", (140, 300), (180, 300))
    for half in (30, 50, 70, 90):
        send("touchMove", (160 - half, 300), (160 + half, 300))
    send("touchEnd")
    pinched = view_of(page)
    assert pinched["focus"] < 2.5
    assert pinched["yaw"] == pytest.approx(0, abs=1e-6)
    context.close()


def test_buttons_and_letters_switch_things(page: Page, balls_url: str) -> None:
    open_set(page, balls_url)
    cameras_button = page.get_by_role("button", name="Cameras")
    assert cameras_button.get_attribute("aria-pressed") == "true"
    page.keyboard.press("c")
    assert cameras_button.get_attribute("aria-pressed") == "false"
    assert page.evaluate("setpiece.state().cameras") is False
    cameras_button.click()
    assert page.evaluate("setpiece.state().cameras") is True
    page.get_by_role("button", name="Fly").click()
    assert page.get_by_role("button", name="Fly").get_attribute("aria-pressed") == "true"
    page.keyboard.press("1")
    assert page.get_by_role("button", name="Orbit").get_attribute("aria-pressed") == "true"
    before = view_of(page)
    page.keyboard.press("f")
    after = view_of(page)
    assert after["focus"] != before["focus"]
    np.testing.assert_allclose(pivot_of(after)[:2], [0, 0], atol=0.1)
    # And it is drawn, with nothing gliding: the blue ball is where that view has it.
    found = spot(render(page), BALLS["blue"][1])
    x, y, _ = free_camera(after, 480, 270).project(np.array([BALLS["blue"][0]]))[0]
    np.testing.assert_allclose(found, (x, y), atol=1)


def test_help_opens_and_closes_by_key_and_keeps_the_keys_to_itself(page: Page, balls_url: str) -> None:
    open_set(page, balls_url)
    page.keyboard.press("h")
    dialog = page.get_by_role("dialog", name="Controls")
    assert dialog.is_visible()
    before = view_of(page)
    hold(page, "w", 0.2)
    assert view_of(page) == before
    page.keyboard.press("Escape")
    assert not dialog.is_visible()
    page.get_by_role("button", name="Help").click()
    dialog.get_by_role("button", name="Close").click()
    assert not dialog.is_visible()


def test_everything_is_reached_by_tab_and_has_a_name(page: Page, balls_url: str) -> None:
    open_set(page, balls_url)
    page.keyboard.press(".")
    page.keyboard.press("p")
    wait_for(page, "setpiece.state().photo === 0")
    page.evaluate("document.body.focus()")
    names = set()
    for _ in range(30):
        page.keyboard.press("Tab")
        names.add(
            page.evaluate(
                "(() => { const e = document.activeElement;"
                " return (e.getAttribute('aria-label') ?? e.textContent ?? '').trim(); })()"
            )
        )
    wanted = {"Orbit", "Fly", "Frame", "Cameras", "Photos", "Help", "3D view of the set"}
    wanted |= {"Previous photo", "Next photo", "Close the photo", "Blend from render to photo", "front.jpg"}
    assert wanted <= names
    unnamed = page.evaluate(
        "[...document.querySelectorAll('button, input')]"
        ".filter((e) => !(e.getAttribute('aria-label') || e.textContent.trim())).map((e) => e.outerHTML)"
    )
    assert unnamed == []


def test_lengths_are_units_until_the_scale_is_known(
    page: Page, balls_url: str, tmp_path: Path, serve_set: Callable[[SetFolder], str]
) -> None:
    open_set(page, balls_url)
    page.evaluate("setpiece.settled()")
    text = page.locator("#readout").inner_text() + page.locator("#facts").inner_text()
    assert "units" in text
    assert "scale unknown" in text
    metric = make_set(tmp_path / "metric", scale_known=True, unit="m")
    open_set(page, serve_set(metric))
    page.evaluate("setpiece.settled()")
    assert " m " in page.locator("#readout").inner_text()
    assert "units" not in page.locator("#app").inner_text()


@pytest.mark.parametrize("size", [(320, 568), (390, 844), (844, 390)])
def test_a_phone_has_room_for_everything(
    browser: Browser, balls_url: str, size: tuple[int, int], tmp_path: Path
) -> None:
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        is_mobile=True,
        has_touch=True,
        reduced_motion="reduce",
    )
    page = context.new_page()
    open_set(page, balls_url)
    page.keyboard.press(".")
    wait_for(page, "setpiece.state().photo === 0")
    boxes = page.evaluate(
        "[...document.querySelectorAll('#tools button, #compare button, #fade-range')]"
        ".map((e) => e.getBoundingClientRect()).map((r) => [r.left, r.top, r.right, r.bottom])"
    )
    page.screenshot(path=tmp_path / "phone.png")
    assert len(boxes) == 10
    for left, top, right, bottom in boxes:
        assert left >= 0
        assert top >= 0
        assert right <= size[0]
        assert bottom <= size[1]
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    context.close()


def test_a_set_that_is_not_trained_says_so(
    page: Page, tmp_path: Path, serve_set: Callable[[SetFolder], str]
) -> None:
    page.goto(serve_set(make_set(tmp_path / "untrained", trained=False)))
    problem = page.get_by_role("alert")
    problem.wait_for()
    assert "no splats yet" in problem.inner_text()
    assert "setpiece build" in problem.inner_text()
    assert "no splats yet" in page.evaluate("setpiece.ready.then(() => '', (error) => error.message)")


def test_a_browser_without_webgl_is_told_so(page: Page, balls_url: str) -> None:
    page.add_init_script(
        "const get = HTMLCanvasElement.prototype.getContext;"
        "HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {"
        " return kind.startsWith('webgl') ? null : get.call(this, kind, ...rest); };"
    )
    page.goto(balls_url)
    problem = page.get_by_role("alert")
    problem.wait_for()
    assert "WebGL 2" in problem.inner_text()


def test_splats_that_are_gone_or_cut_off_are_said(
    page: Page, tmp_path: Path, serve_set: Callable[[SetFolder], str]
) -> None:
    target = make_set(tmp_path / "damaged")
    url = serve_set(target)
    problem = page.get_by_role("alert")
    page.route("**/api/scene.ply*", lambda route: route.fulfill(status=404, body="gone"))
    page.goto(url)
    problem.wait_for()
    assert "missing or damaged" in problem.inner_text()
    page.unroute("**/api/scene.ply*")
    page.route(
        "**/api/scene.ply*", lambda route: route.fulfill(body="ply\nformat binary_little_endian 1.0\n")
    )
    page.goto(url)
    problem.wait_for()
    assert "did not arrive whole" in problem.inner_text()
    page.unroute("**/api/scene.ply*")
    path = target.splats / "scene.ply"
    path.write_bytes(path.read_bytes()[:-5000])
    page.goto(url)
    problem.wait_for()
    assert "cut off" in problem.inner_text()


def test_a_server_that_stopped_is_said(page: Page, balls_url: str) -> None:
    page.route("**/api/set", lambda route: route.abort())
    page.goto(balls_url)
    problem = page.get_by_role("alert")
    problem.wait_for()
    assert "did not answer" in problem.inner_text()
