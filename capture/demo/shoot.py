"""The day of the shoot: every viewpoint becomes a file and its truth."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from setpiece.capture.demo.litset import LitSet
from setpiece.capture.demo.names import panorama_name, photo_name
from setpiece.capture.demo.options import DemoOptions
from setpiece.capture.demo.panorama import photograph_sphere, write_panorama
from setpiece.capture.demo.photo import (
    STARTED,
    Exposure,
    develop,
    encode,
    phone_camera,
    phone_exposure,
    phone_lens,
    photograph,
    write_photo,
)
from setpiece.capture.demo.truth import (
    DemoTruth,
    TruePhoto,
    write_depth,
    write_figure,
    write_mesh,
    write_truth,
)
from setpiece.capture.demo.walk import panorama_walk, photo_walk
from setpiece.capture.demo.walker import visitor


def shoot_photos(
    lit: LitSet, folder: Path, options: DemoOptions, workers: Executor
) -> Iterator[tuple[str, TruePhoto]]:
    """Write all photos and their depth; yields names and cameras in order as they are done."""
    views, lens = photo_walk(options.photos, options.seed), phone_lens(options)
    shown_to = visitor(lit, options, views, workers)
    own = len(lit.stage.patches)

    def one(i: int) -> tuple[str, TruePhoto]:
        view, exposure, name = views[i], phone_exposure(i, options), photo_name(i)
        camera = phone_camera(view, options)
        picture = photograph(shown_to(i), camera, lens, options)
        rng = np.random.default_rng([options.seed, 33, i])
        pixels = develop(picture.colour, exposure, options.noise, options.vignette, rng)
        write_photo(folder / "photos" / name, pixels, view, lens, exposure, i, options)
        write_depth(folder / "truth" / "depth" / f"{Path(name).stem}.png", picture.distance)
        figure = picture.patch >= own
        if figure.any():
            write_figure(folder / "truth" / "figure" / f"{name}.png", figure)
        return name, TruePhoto(camera=camera, k1=lens.k1, ev=exposure.ev)

    yield from workers.map(one, range(options.photos))


def shoot_panoramas(
    lit: LitSet, folder: Path, options: DemoOptions, workers: Executor
) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Write all panoramas; yields names and cam_from_world in order as they are done."""
    views = panorama_walk(options.panoramas, options.seed)

    def one(i: int) -> tuple[str, NDArray[np.float64]]:
        picture = photograph_sphere(lit, views[i], options)
        rng = np.random.default_rng([options.seed, 42, i])
        pixels = develop(picture.colour, Exposure(0.0, (1.0, 1.0, 1.0)), options.noise, 0.0, rng)
        when = STARTED + datetime.timedelta(minutes=6, seconds=10 * i)
        path = folder / "panoramas" / panorama_name(i)
        write_panorama(path, pixels, when.strftime("%Y:%m:%d %H:%M:%S"), options.jpeg_quality)
        return path.name, views[i].cam_from_world

    yield from workers.map(one, range(options.panoramas))


def write_scene_truth(
    lit: LitSet,
    folder: Path,
    photos: Sequence[tuple[str, TruePhoto]],
    panoramas: Sequence[tuple[str, NDArray[np.float64]]],
) -> None:
    """Write cameras, scene facts and the mesh into the folder `truth/`."""
    write_truth(folder, DemoTruth(photos=dict(photos), panoramas=dict(panoramas)))
    colours = {}
    for i, patch in enumerate(lit.stage.patches):
        left, top, w, h = lit.atlas.layout.rects[i]
        u, v = np.meshgrid(patch.us, patch.vs)
        x = (left + u * w - 0.5).astype(np.float32).ravel()
        y = (top + v * h - 0.5).astype(np.float32).ravel()
        radiance = lit.atlas.sample(x, y, np.full(len(x), 2, np.float32))[:, :3]
        colours[i] = np.round(255 * encode(radiance)).astype(np.uint8).reshape(*patch.points.shape[:2], 3)
    write_mesh(folder / "mesh.ply", list(lit.stage.patches), colours)
