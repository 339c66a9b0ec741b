"""The page shows what the training engine renders, with and without opacity compensation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from seen import fitted, open_set, render, wait_for
from synthetic_set import cameras, make_set

from setpiece.export.ply import read_ply, write_ply
from setpiece.setfolder import SetFolder
from setpiece.splats import Splats

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser
BACKGROUND = np.array([0x0B, 0x0C, 0x0E], np.float32) / 255


def busy_splats() -> Splats:
    """15,000, most of them thinner than a pixel, strong and weak, with colours of degree 2."""
    rng = np.random.default_rng(11)
    count = 15_000
    sh = rng.normal(size=(count, 9, 3)) * 0.12
    sh[:, 0] = rng.normal(size=(count, 3))
    return Splats(
        means=(rng.uniform(-1, 1, (count, 3)) * [1.2, 1.2, 0.6] + [0, 0, 0.5]).astype(np.float32),
        log_scales=np.log(0.0015 * 20 ** rng.uniform(0, 1, (count, 3))).astype(np.float32),
        quats_wxyz=rng.normal(size=(count, 4)).astype(np.float32),
        opacity_logits=rng.normal(size=count).astype(np.float32) * 2,
        sh=sh.astype(np.float32),
    )


def shown_by_page(page: Page, target: SetFolder, url: str, antialias: bool) -> np.ndarray:
    document = target.document()
    document["stages"]["train"] = {"options": {"antialias": antialias}}
    target.write_document(document)
    open_set(page, url)
    page.keyboard.press(".")
    page.keyboard.press(".")
    wait_for(page, "setpiece.state().photo === 1")
    return render(page)


def test_the_page_shows_what_the_engine_renders(
    page: Page, tmp_path: Path, serve_set: Callable[[SetFolder], str]
) -> None:
    engines = pytest.importorskip("setpiece.reconstruct.engines")
    target = make_set(tmp_path / "busy")
    write_ply(target.splats / "scene.ply", busy_splats())
    url = serve_set(target)
    compensated = shown_by_page(page, target, url, antialias=True)
    plain = shown_by_page(page, target, url, antialias=False)
    engine = engines.make_engine("cpu", read_ply(target.splats / "scene.ply"), 1)
    camera = fitted(list(cameras().values())[1], 480, 270)
    seen = {
        on: np.clip(engine.render(camera, background=BACKGROUND, sh_degree=2, antialias=on).colour, 0, 1)
        for on in (True, False)
    }

    def decibels(a: np.ndarray, b: np.ndarray) -> float:
        return float(-10 * np.log10(np.mean((a - b) ** 2)))

    # PlayCanvas bends the Gaussian's end down to zero and so loses 7.5 % of its weight, which this crowd of
    # splats thinner than a pixel shows at its worst; a trained scene agrees to 40 dB.
    agree, differ = decibels(compensated, seen[True]), decibels(compensated, seen[False])
    assert agree > 32
    assert agree > differ + 2
    # Without compensation thin splats are stronger, in the page as in the engine.
    assert np.abs(plain - BACKGROUND).mean() > np.abs(compensated - BACKGROUND).mean()
    assert decibels(plain, seen[False]) > differ
