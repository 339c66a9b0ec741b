"""What can be chosen about reading photos and estimating their poses."""

from __future__ import annotations

from dataclasses import dataclass

from setpiece.options import option


@dataclass(frozen=True)
class CaptureOptions:
    """How photos become checked frames."""

    max_side: int = option(4096, "Pixels; longer photos are scaled down to this longest side.")
    min_side: int = option(240, "Pixels; photos whose shorter side is below this are left out.")
    jpeg_quality: int = option(95, "Of frames that have to be encoded again, 1 to 100.")


@dataclass(frozen=True)
class PoseOptions:
    """How checked frames become camera poses."""

    feature_side: int = option(
        0, "Pixels; longest side at which features are looked for; 0: 1600 up to 24 photos, 1000 above."
    )
    max_features: int = option(0, "Strongest features kept per photo; 0: 4096 up to 24 photos, 2048 above.")
    neighbours: int = option(
        10, "Photos that each photo is compared with in full, beside its neighbours in order."
    )
    window: int = option(3, "Neighbours in capture order on each side that are always compared.")
    held_out_every: int = option(
        8, "Every n-th photo is kept from training to judge the result; 0 keeps none."
    )
    image_side: int = option(1600, "Pixels; longest side of the undistorted training pictures.")
    seed: int = option(0, "Of every random choice; the same photos and seed give the same poses.")
    threads: int | None = option(None, "CPU threads; default: one per core.", changes_result=False)
