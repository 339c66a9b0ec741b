"""What the server tells the page: the JSON of `/api/set`, and the source of `src/api_types.ts`.

After a change run `python -m setpiece.viewer.typescript`; a test fails until then.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FrameInfo:
    """What is known of the world's axes and scale."""

    upright: bool  # world z points up
    floor: bool  # z = 0 is the floor
    scale_known: bool  # false: lengths are in arbitrary units
    unit: str  # "m" or "units"
    scale_error: float | None  # relative, one standard deviation; null: not said


@dataclass(frozen=True)
class Bounds:
    """A box in world axes that holds nearly everything."""

    min: list[float]  # [3] set units
    max: list[float]  # [3] set units


@dataclass(frozen=True)
class SceneFile:
    """The splats to load."""

    url: str  # a splat PLY in RDF axes, as small as it can be without loss
    splats: int
    bytes: int  # size of the transfer
    sh_degree: int
    antialias: bool  # trained with opacity compensation, so shown with it
    bounds: Bounds


@dataclass(frozen=True)
class CaptureCamera:
    """One photo with its camera: OpenCV axes, pixel centres at half-integers."""

    name: str
    split: str  # "train" or "test"
    width: int  # pixels
    height: int  # pixels
    focal_x_px: float
    focal_y_px: float
    centre_x_px: float
    centre_y_px: float
    cam_from_world: list[list[float]]  # [4, 4]
    photo_url: str
    thumbnail_url: str


@dataclass(frozen=True)
class SetInfo:
    """Everything that the page needs to start."""

    name: str
    version: str  # of Setpiece
    frame: FrameInfo
    scene: SceneFile | None  # null: nothing to show yet, and `problem` says why
    problem: str | None  # one plain sentence
    cameras: list[CaptureCamera]  # in capture order
    start_camera: int | None  # index of the camera whose view the page opens with


MESSAGES = (FrameInfo, Bounds, SceneFile, CaptureCamera, SetInfo)
