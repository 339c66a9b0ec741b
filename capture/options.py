"""What can be chosen about reading photos and estimating their poses."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CaptureOptions:
    """How photos become checked frames."""

    max_side: int = 4096  # pixels; longer photos are scaled down to this longest side
    min_side: int = 240  # pixels; photos whose shorter side is below this are left out
    jpeg_quality: int = 95  # of frames that have to be encoded again, 1 to 100


@dataclass(frozen=True)
class PoseOptions:
    """How checked frames become camera poses."""

    feature_side: int = 1000  # pixels; longest side at which features are looked for
    max_features: int = 2048  # strongest features kept per photo
    neighbours: int = 10  # photos that each photo is compared with in full, beside its neighbours in order
    window: int = 3  # neighbours in capture order on each side that are always compared
    held_out_every: int = 8  # every n-th photo is kept from training to judge the result; 0 keeps none
    image_side: int = 1600  # pixels; longest side of the undistorted training pictures
    seed: int = 0  # of every random choice; the same photos and seed give the same poses
    threads: int = 2  # threads for features, matching and bundle adjustment
