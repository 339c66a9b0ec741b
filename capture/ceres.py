"""The last bundle adjustments by pycolmap: where Setpiece was built without native code, and the judge of it.

Steps and limits are those of `refine`, but for the second look at the tracks.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pycolmap

from setpiece.capture.mapping import MapperSettings, quiet
from setpiece.capture.model import Model
from setpiece.capture.refine import (
    FARTHEST_CENTRE,
    FEWEST_FOR_CENTRE,
    GOOD_ENOUGH,
    LARGEST_FOCAL_CHANGE,
    LOOSE_PX,
    MOST_ITERATIONS,
    PARALLAX_FOR_CENTRE_DEG,
    TIGHT_PX,
)
from setpiece.capture.scene import LOSS_PX, MIN_ANGLE_DEG

_ROUGH_ITERATIONS = 10


def refine_with_ceres(model: Any, settings: MapperSettings) -> Any:
    """The refined pycolmap.Reconstruction; points that do not fit are gone. `model` is used up."""
    _adjust(model, settings, _ROUGH_ITERATIONS, 0.0, centre=False)
    _drop_misfits(model, LOOSE_PX)
    if _can_tell_centre(model, settings):
        before = pycolmap.Reconstruction(model)
        _to_radial(model, settings)
        _adjust(model, settings, MOST_ITERATIONS, GOOD_ENOUGH, centre=True)
        _drop_misfits(model, TIGHT_PX)
        _adjust(model, settings, MOST_ITERATIONS, GOOD_ENOUGH, centre=True)
        if _believable(before, model):
            model.update_point_3d_errors()
            return model
        model = before
    _adjust(model, settings, MOST_ITERATIONS, GOOD_ENOUGH, centre=False)
    _drop_misfits(model, TIGHT_PX)
    _adjust(model, settings, MOST_ITERATIONS, GOOD_ENOUGH, centre=False)
    model.update_point_3d_errors()
    return model


def _adjust(model: Any, settings: MapperSettings, iterations: int, tolerance: float, *, centre: bool) -> None:
    options = pycolmap.BundleAdjustmentOptions()
    options.print_summary = False
    options.refine_principal_point = centre
    options.ceres.loss_function_type = pycolmap.LossFunctionType.CAUCHY
    options.ceres.loss_function_scale = LOSS_PX
    options.ceres.solver_options.max_num_iterations = iterations
    options.ceres.solver_options.function_tolerance = tolerance
    options.ceres.solver_options.num_threads = settings.threads
    config = pycolmap.BundleAdjustmentConfig()
    for image_id in model.reg_image_ids():
        config.add_image(image_id)
    options.refine_sensor_from_rig = False
    for camera_id in settings.known_cameras & set(model.cameras):
        config.set_constant_cam_intrinsics(camera_id)
    config.fix_gauge(pycolmap.BundleAdjustmentGauge.TWO_CAMS_FROM_WORLD)
    with quiet():  # pycolmap.bundle_adjustment does the same but cannot be kept from printing
        pycolmap.create_default_bundle_adjuster(options, config, model).solve()


def _drop_misfits(model: Any, largest_error_px: float) -> None:
    with quiet():
        pycolmap.ObservationManager(model).filter_all_points3D(largest_error_px, MIN_ANGLE_DEG)


def _can_tell_centre(model: Any, settings: MapperSettings) -> bool:
    frames = Counter(model.image(i).camera_id for i in model.reg_image_ids())
    unknown = [count for camera, count in frames.items() if camera not in settings.known_cameras]
    enough = bool(unknown) and min(unknown) >= FEWEST_FOR_CENTRE
    return enough and Model.of(model).parallax_deg() >= PARALLAX_FOR_CENTRE_DEG


def _to_radial(model: Any, settings: MapperSettings) -> None:
    for camera_id, camera in model.cameras.items():
        if camera_id in settings.known_cameras:
            continue
        focal, x, y, k = camera.params
        camera.model = pycolmap.CameraModelId.RADIAL
        camera.params = [focal, x, y, k, 0.0]


def _believable(before: Any, after: Any) -> bool:
    for camera_id, camera in after.cameras.items():
        old = before.camera(camera_id)
        longer = max(camera.width, camera.height)
        off = max(
            abs(camera.principal_point_x - camera.width / 2),
            abs(camera.principal_point_y - camera.height / 2),
        )
        change = abs(camera.focal_length / old.focal_length - 1)
        if off > FARTHEST_CENTRE * longer or change > LARGEST_FOCAL_CHANGE:
            return False
        if bool(camera.has_bogus_params(0.1, 10.0, 1.0)):
            return False
    return bool(after.num_reg_images() == before.num_reg_images() and after.num_points3D() > 0)
