"""COLMAP databases written and verified through pycolmap.

Image, rig and frame ids are frame number + 1; camera ids are camera number + 1. Calls that pycolmap 4.2
wants in this way: a rig per camera, a frame per image, and keypoints and matches as plain arrays.
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pycolmap
from numpy.typing import NDArray

from setpiece.axes import rotation_from_quat
from setpiece.capture.matching import Pair

# Importing pycolmap makes SIGTERM print a native stack dump. Setting the handler that Python knows undoes it.
with contextlib.suppress(ValueError, TypeError):  # outside the main thread; a handler that is not Python's
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGTERM))

FEWEST_INLIERS = 15  # matches that agree with one motion; fewer make no pair


@dataclass(frozen=True)
class Lens:
    """A camera as COLMAP starts with it: all frames taken with one lens at one size."""

    width: int
    height: int
    focal_px: float | None  # expected from metadata; None where nothing is known
    lens: str  # the frames' lens key
    cam_from_rig: tuple[float, float, float, float] | None = None  # of a panorama's view, wxyz: known exactly


@dataclass(frozen=True)
class View:
    """A frame as COLMAP sees it."""

    name: str
    lens: int  # number of its Lens
    keypoints: NDArray[np.float32]  # [N, 4]
    station: int | None = None  # views of one station are one frame of a rig; None: it stands alone


def write_database(
    path: Path,
    lenses: Sequence[Lens],
    views: Sequence[View],
    camera_model: str,
    cameras: Mapping[int, Any] | None = None,
) -> None:
    """A new database at `path` with cameras, images and keypoints; `cameras` replaces those of the lenses."""
    path.unlink(missing_ok=True)
    with open_database(path) as database, pycolmap.DatabaseTransaction(database):
        for number, lens in enumerate(lenses):
            camera = colmap_camera(lens, camera_model)
            if cameras and number + 1 in cameras:
                camera = cameras[number + 1]
            camera.camera_id = database.write_camera(camera)
        rig_of: dict[int, int] = {}
        for group in rig_groups(lenses):
            rig_of |= dict.fromkeys(group, database.write_rig(colmap_rig(group, lenses)))
        stations: dict[tuple[bool, int], list[int]] = {}
        for number, view in enumerate(views):
            alone = view.station is None
            stations.setdefault((alone, number if view.station is None else view.station), []).append(number)
        for members in stations.values():
            frame = pycolmap.Frame()
            frame.rig_id = rig_of[views[members[0]].lens]
            for number in members:
                view = views[number]
                image = pycolmap.Image(name=view.name, camera_id=view.lens + 1, image_id=number + 1)
                database.write_image(image, use_image_id=True)
                frame.add_data_id(image.data_id)
                database.write_keypoints(number + 1, view.keypoints)
            database.write_frame(frame)


def rig_groups(lenses: Sequence[Lens]) -> list[list[int]]:
    """The numbers of the lenses of each rig: a lens alone, or all views of panoramas of one kind."""
    groups: dict[tuple[object, ...], list[int]] = {}
    for number, lens in enumerate(lenses):
        alone = lens.cam_from_rig is None
        key = (number,) if alone else (lens.width, lens.height, lens.lens)
        groups.setdefault(key, []).append(number)
    return list(groups.values())


def colmap_rig(group: Sequence[int], lenses: Sequence[Lens]) -> Any:
    """The pycolmap.Rig of lenses whose camera ids are their numbers + 1; the first one is its reference."""
    rig = pycolmap.Rig()
    rig.add_ref_sensor(_sensor(group[0]))
    for number in group[1:]:
        turned = rotation_of(lenses[number]) @ rotation_of(lenses[group[0]]).T
        rig.add_sensor(_sensor(number), pycolmap.Rigid3d(pycolmap.Rotation3d(turned), np.zeros(3)))
    return rig


def rotation_of(lens: Lens) -> NDArray[np.float64]:
    """The rotation [3, 3] of a lens from the axes of its station."""
    if lens.cam_from_rig is None:
        return np.eye(3)
    return rotation_from_quat(np.array(lens.cam_from_rig))


def _sensor(number: int) -> Any:
    return pycolmap.sensor_t(pycolmap.SensorType.CAMERA, number + 1)


def colmap_camera(lens: Lens, model: str) -> Any:
    """The pycolmap camera that a lens starts with; 1.2 x the longer side where the focal is not known.

    The views of panoramas are pinholes whatever the `model`.
    """
    longer = max(lens.width, lens.height)
    if lens.cam_from_rig is not None:
        model = "SIMPLE_PINHOLE"
    camera = pycolmap.Camera.create_from_model_name(
        1, model, lens.focal_px or 1.2 * longer, lens.width, lens.height
    )
    camera.has_prior_focal_length = lens.focal_px is not None
    return camera


@contextlib.contextmanager
def open_database(path: Path) -> Iterator[Any]:
    """The database at `path`, closed at the end of the block."""
    database = pycolmap.Database.open(str(path))
    try:
        yield database
    finally:
        database.close()


def verify_matches(
    path: Path,
    matches: Mapping[Pair, NDArray[np.uint32]],
    seed: int,
    threads: int,
    options: Any | None = None,
) -> dict[Pair, Any]:
    """Writes matches into the database and returns the two-view geometry of each pair that has one.

    `options` are pycolmap.TwoViewGeometryOptions; by default few trials, which a wrong pair seldom survives.
    """
    with open_database(path) as database, pycolmap.DatabaseTransaction(database):
        for (i, j), found in matches.items():
            if len(found) >= FEWEST_INLIERS:
                database.write_matches(i + 1, j + 1, found)
    if options is None:
        options = pycolmap.TwoViewGeometryOptions()
        options.detect_watermark = False
        options.min_num_inliers = FEWEST_INLIERS
        options.ransac.max_num_trials = 2000
        options.ransac.confidence = 0.99
    options.ransac.random_seed = seed
    verifier = pycolmap.GeometricVerifierOptions()
    verifier.num_threads = threads
    pycolmap.geometric_verification(str(path), verifier_options=verifier, two_view_geometry_options=options)
    return read_geometries(path)


def read_geometries(path: Path) -> dict[Pair, Any]:
    """The two-view geometries in the database with enough inliers, sorted by pair."""
    with open_database(path) as database:
        ids, geometries = database.read_two_view_geometries()
    found = {}
    for pair_id, geometry in zip(ids, geometries, strict=True):
        i, j = pycolmap.pair_id_to_image_pair(pair_id)
        if len(geometry.inlier_matches) >= FEWEST_INLIERS:
            found[(i - 1, j - 1)] = geometry
    return dict(sorted(found.items()))


def write_geometries(path: Path, geometries: Mapping[Pair, Any], limit: int | None) -> None:
    """Writes two-view geometries into a database, at most `limit` inliers of each.

    The inliers kept are those whose features take part in most pairs: they make the longest tracks.
    """
    degree = _feature_degrees(geometries) if limit else {}
    with open_database(path) as database, pycolmap.DatabaseTransaction(database):
        for (i, j), geometry in geometries.items():
            inliers = np.asarray(geometry.inlier_matches)
            if limit and len(inliers) > limit:
                worth = degree[i][inliers[:, 0]] + degree[j][inliers[:, 1]]
                keep = np.sort(np.argsort(-worth, kind="stable")[:limit])
                geometry = _with_inliers(geometry, inliers[keep])
            database.write_two_view_geometry(i + 1, j + 1, geometry)


def _with_inliers(geometry: Any, inliers: NDArray[np.uint32]) -> Any:
    fewer = pycolmap.TwoViewGeometry()
    for name in ("config", "E", "F", "H", "cam2_from_cam1", "tri_angle"):
        value = getattr(geometry, name)
        if value is not None:
            setattr(fewer, name, value)
    fewer.inlier_matches = inliers
    return fewer


def _feature_degrees(geometries: Mapping[Pair, Any]) -> dict[int, NDArray[np.int32]]:
    degree: dict[int, NDArray[np.int32]] = {}
    for pair, geometry in geometries.items():
        inliers = np.asarray(geometry.inlier_matches)
        for side in (0, 1):
            numbers = inliers[:, side]
            counts = degree.get(pair[side], np.zeros(0, np.int32))
            grown = np.zeros(max(len(counts), int(numbers.max()) + 1), np.int32)
            grown[: len(counts)] = counts
            np.add.at(grown, numbers, 1)
            degree[pair[side]] = grown
    return degree
