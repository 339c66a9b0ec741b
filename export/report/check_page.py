"""Writing the page of a check: what to reshoot, and the pictures and numbers behind it."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import jinja2
import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray
from PIL import Image

from setpiece.cameras import Camera
from setpiece.capture.check.check import Checked
from setpiece.capture.check.look import Look
from setpiece.export.report.camera_map import camera_map
from setpiece.export.report.curve import Line, chart
from setpiece.posed import PosedFrame, PosedFrames, SparsePoints

WORDS = {
    "blur": "blurred",
    "covered": "covered",
    "mirrored": "mirrored",
    "resized": "cropped or made smaller",
    "exposure": "exposure jumps",
    "dark": "too dark",
    "clipped": "without detail",
    "gap": "beside a gap",
    "places": "another place",
    "unlinked": "links to nothing",
    "double": "another place that looks alike",
    "repeated": "does not fit the others",
    "misfit": "does not fit the others",
    "shutter": "moved fast",
    "turning": "turned on the spot",
    "alike": "the same again",
    "parallax": "from nearly one place",
}
HEADLINES = {
    "good": "Nothing to reshoot.",
    "reshoot": "Reshoot before building:",
    "unusable": "This capture cannot become a set:",
}
MOST_SHOWN = 400  # photos on the sheet
_MATRIX_SIDE = 640  # pixels
_THUMB_QUALITY = 72


def check_page(facts: dict[str, Any], checked: Checked, forecast: Sequence[str]) -> str:
    """The page as text; `facts` and `forecast` are what the command prints."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("setpiece.export.report", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    look, order = checked.look, list(range(len(checked.look.frames)))
    named = {name for f in facts["findings"] for name in f["photos"]}
    sharpness = Line("sharpness", order, [f.sharpness for f in look.frames], "psnr")
    stops = Line("stops", order, checked.light.stops.tolist(), "stops")
    return environment.get_template("check.html.j2").render(
        facts=facts,
        headline=HEADLINES[facts["verdict"]],
        forecast=forecast,
        map=_map(look, named),
        matrix=_matrix(look),
        sharpness=chart([sharpness], "photo", "sharpness"),
        stops=chart([stops], "photo", "stops"),
        sheet=_sheet(facts, look),
    )


def _sheet(facts: dict[str, Any], look: Look) -> list[dict[str, Any]]:
    """The photos; where they are too many to show, those that are named first."""
    said: dict[str, list[str]] = {}
    status: dict[str, str] = {}
    for kind, found in (("test", facts["notes"]), ("bad", facts["findings"])):
        for f in found:
            for name in f["photos"]:
                said.setdefault(name, []).append(WORDS.get(f["kind"], f["kind"]))
                status[name] = kind
    rows = []
    for frame, picture in zip(look.frames, look.pictures, strict=True):
        rows.append((frame.source, picture))
    if len(rows) > MOST_SHOWN:
        rows = sorted(rows, key=lambda r: r[0] not in status)[:MOST_SHOWN]
    return [
        {
            "name": name,
            "picture": _data_url(picture, "JPEG", quality=_THUMB_QUALITY),
            "status": status.get(name, "good"),
            "text": ", ".join(said.get(name, ["good"])),
        }
        for name, picture in rows
    ]


def _map(look: Look, named: set[str]) -> Markup:
    """Cameras and points from about above: down is where the photos' lower edges point on average."""
    model = look.model
    if model is None:
        return Markup("")
    down = model.cam_from_world[:, 1, :3].mean(axis=0)
    up = -down / max(float(np.linalg.norm(down)), 1e-9)
    first = np.cross(up, model.cam_from_world[0, 2, :3])
    first /= max(float(np.linalg.norm(first)), 1e-9)
    turn = np.stack([first, np.cross(up, first), up])
    frames = []
    for position, number in enumerate(model.frames):
        pose = model.cam_from_world[position].copy()
        pose[:3, :3] = pose[:3, :3] @ turn.T
        frame = look.frames[number]
        frames.append(
            PosedFrame(
                name=frame.source,
                image="",
                mask=None,
                camera=replace(_POINT, cam_from_world=pose),
                split="test" if frame.source in named else "train",
                order=number,
            )
        )
    points = SparsePoints(
        points_in_world=(model.points @ turn.T).astype(np.float32),
        rgb=_point_colours(look),
        error_px=model.error_px,
        track_length=model.track_length,
    )
    return camera_map(PosedFrames(tuple(frames), points), "units")


_POINT = Camera(1, 1, 1.0, 1.0, 0.5, 0.5, np.eye(4))


def _point_colours(look: Look) -> NDArray[np.uint8]:
    """The colour of each point in the last small picture that shows it, [P, 3]."""
    model = look.model
    assert model is not None
    rgb = np.full((len(model.points), 3), 128, np.uint8)
    for position, number in enumerate(model.frames):
        camera = look.camera(number)
        rows, pose, picture = model.seen[position], model.cam_from_world[position], look.pictures[number]
        seen = model.points[rows] @ pose[:3, :3].T + pose[:3, 3]
        flat = seen[:, :2] / np.maximum(seen[:, 2:], 1e-9) * camera.mean_focal_length()
        at = (flat + (camera.principal_point_x, camera.principal_point_y)) * picture.shape[1] / camera.width
        x = np.clip(at[:, 0].astype(int), 0, picture.shape[1] - 1)
        y = np.clip(at[:, 1].astype(int), 0, picture.shape[0] - 1)
        rgb[rows] = picture[y, x]
    return rgb


def _matrix(look: Look) -> str:
    """How many matches link each two photos, as a picture."""
    count = len(look.frames)
    links = np.zeros((count, count), np.float32)
    for (i, j), n in look.links().items():
        links[i, j] = links[j, i] = n
    shade = np.sqrt(links / max(float(links.max()), 1.0))[..., None]
    tint = np.array([0.42, 0.65, 0.91]) + np.array([0.58, 0.35, 0.09]) * shade
    rgb = (np.array([23, 24, 27]) + 225 * tint * shade).astype(np.uint8)
    picture = Image.fromarray(rgb)
    side = max(1, _MATRIX_SIDE // count) * count
    picture = picture.resize((min(side, 2000), min(side, 2000)), Image.Resampling.NEAREST)
    return _data_url(np.asarray(picture), "PNG")


def _data_url(picture: NDArray[np.uint8], kind: str, **how: Any) -> str:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, kind, **how)
    return f"data:image/{kind.lower()};base64," + base64.b64encode(buffer.getvalue()).decode()
