"""What can be chosen about reading photos and estimating their poses."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from setpiece.errors import SetpieceError
from setpiece.options import check_options, option


class PhotoKind(str, enum.Enum):
    """What pictures are taken for."""

    AUTO = "auto"  # each for what its metadata, its shape and its edges say
    PHOTOS = "photos"  # all for ordinary photos
    PANORAMAS = "panoramas"  # all for equirectangular panoramas


@dataclass(frozen=True)
class CaptureOptions:
    """How photos become checked frames."""

    kind: PhotoKind = option(
        PhotoKind.AUTO,
        "What the pictures are: auto tells 360 panoramas (equirectangular, 2:1) from ordinary photos.",
    )

    max_side: int = option(4096, "Pixels; longer photos are scaled down to this longest side.", least=240)
    min_side: int = option(240, "Pixels; photos whose shorter side is below this are left out.", least=32)
    max_frames: int = option(
        300, "Frames taken from all clips together; more movement than that makes them sparser.", least=3
    )
    jpeg_quality: int = option(95, "Of frames that have to be encoded again, 1 to 100.", least=1, most=100)

    poses_in_metres: bool = option(
        False, "Lengths of a transforms.json, COLMAP model or RealityCapture file are metres, +Z is up."
    )

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True)
class PoseOptions:
    """How checked frames become camera poses."""

    feature_side: int = option(
        0,
        "Pixels; longest side at which features are looked for; 0: 1600, and 2560 for a closer look.",
        least=0,
    )
    max_features: int = option(
        0, "Strongest features kept per photo; 0: 4096 up to 24 photos, 2048 above.", least=0
    )
    neighbours: int = option(
        10, "Photos that each photo is compared with in full, beside its neighbours in order.", least=1
    )
    window: int = option(3, "Neighbours in capture order on each side that are always compared.", least=1)
    held_out_every: int = option(
        8, "Every n-th photo is kept from training to judge the result; 0 keeps none.", least=0
    )
    image_side: int = option(1600, "Pixels; longest side of the undistorted training pictures.", least=64)
    marker_size_mm: float = option(
        160.0,
        "Side of the black square of a printed marker (setpiece marker), in mm; 0: look for none.",
        least=0,
        most=10_000,
    )
    seed: int = option(
        0, "Of every random choice; the same photos and seed give the same poses.", least=0, most=2**31 - 1
    )
    threads: int | None = option(
        None, "CPU threads; default: one per core.", changes_result=False, least=1, most=1024
    )

    def __post_init__(self) -> None:
        check_options(self)
        if self.held_out_every == 1:
            raise SetpieceError(
                "held-out-every 1 would keep every photo from training. Give 2 or more, or 0 to keep none."
            )
