"""COLMAP's own features and matches with its defaults: the last resort, slow and thorough."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pycolmap
from numpy.typing import NDArray

from setpiece.capture.colmap import FEWEST_INLIERS, open_database
from setpiece.capture.features import Features
from setpiece.capture.mapping import quiet
from setpiece.capture.matching import Pair


def colmap_matches(
    folder: Path, names: Sequence[str], work: Path, seed: int, threads: int, masks: Path | None = None
) -> tuple[list[Features], dict[Pair, Any], int]:
    """Features of the pictures in `folder`, pycolmap.TwoViewGeometry of the verified pairs, pairs compared.

    COLMAP's SIFT at up to 3200 pixels, every pair compared, its verification. The features have no
    descriptors; `work` is a folder to write into, `masks` the folder of the frames' masks.
    """
    database_path = work / "defaults.db"
    database_path.unlink(missing_ok=True)
    extraction, matching = pycolmap.FeatureExtractionOptions(), pycolmap.FeatureMatchingOptions()
    extraction.num_threads = matching.num_threads = threads
    reading = pycolmap.ImageReaderOptions()
    if masks is not None:  # named as COLMAP has it
        reading.mask_path = str(masks)
    verification = pycolmap.TwoViewGeometryOptions()
    verification.ransac.random_seed = seed
    with quiet():
        pycolmap.extract_features(
            str(database_path),
            str(folder),
            image_names=list(names),
            reader_options=reading,
            extraction_options=extraction,
        )
        pycolmap.match_exhaustive(
            str(database_path), matching_options=matching, verification_options=verification
        )
    number = {name: n for n, name in enumerate(names)}
    features = [Features(np.zeros((0, 4), np.float32), np.zeros((0, 128), np.uint8)) for _ in names]
    geometries: dict[Pair, Any] = {}
    with open_database(database_path) as database:
        frame_of = {image.image_id: number[image.name] for image in database.read_all_images()}
        for image_id, n in frame_of.items():
            keypoints = _with_scale_and_angle(np.asarray(database.read_keypoints(image_id), np.float32))
            features[n] = Features(keypoints, np.zeros((len(keypoints), 128), np.uint8))
        for pair_id, geometry in zip(*database.read_two_view_geometries(), strict=True):
            i, j = (frame_of[image_id] for image_id in pycolmap.pair_id_to_image_pair(pair_id))
            if len(geometry.inlier_matches) < FEWEST_INLIERS:
                continue
            if i > j:
                geometry.invert()
                i, j = j, i
            geometries[(i, j)] = geometry
    return features, dict(sorted(geometries.items())), len(names) * (len(names) - 1) // 2


def _with_scale_and_angle(keypoints: NDArray[np.float32]) -> NDArray[np.float32]:
    """x, y, scale, angle [N, 4]; COLMAP may keep an affine shape: x, y, a11, a12, a21, a22 [N, 6]."""
    if keypoints.shape[1] == 4:
        return keypoints
    x, y, a11, a12, a21, a22 = keypoints.T
    scale = np.sqrt(np.abs(a11 * a22 - a12 * a21))
    return np.stack([x, y, scale, np.arctan2(a21, a11)], axis=1).astype(np.float32)
