"""Writing `report.html`: what went in, what came out, how good it is and where it is not."""

from __future__ import annotations

import json
from typing import Any

import jinja2

from setpiece.atomic import write_atomic
from setpiece.errors import SetFolderError
from setpiece.export.report.camera_map import camera_map
from setpiece.export.report.clips import clip_rows
from setpiece.export.report.curve import Line, chart
from setpiece.export.report.thumbnail import data_url
from setpiece.info import quality_sentence, scale_sentence, set_info
from setpiece.posed import read_posed_frames
from setpiece.setfolder import SetFolder

REPORT_FILE = "report.html"
STAGE_NAMES = {
    "capture": "Reading the photos",
    "poses": "Camera poses",
    "train": "Training",
    "scene": "Writing files",
}
_COMPARED_SIDE = 520  # px; the larger side of held-out pictures
_CONTACT_SIDE = 150  # px
_PANORAMA_SIDE = 400  # px
_MOST_COMPARED = 8


def write_report(target: SetFolder) -> None:
    """Write `report.html` from what the stages left in the set. Raises SetFolderError as they do."""
    document, facts = target.document(), set_info(target)
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("setpiece.export.report", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    metrics = _json(target, "splats/metrics.json")
    training = facts["training"]
    contact = _contact_sheet(target, document)
    page = environment.get_template("report.html.j2").render(
        facts=facts,
        stages=[
            {"name": STAGE_NAMES.get(name, name), "seconds": s["seconds"], "memory": s["peak_memory_bytes"]}
            for name, s in document["stages"].items()
        ],
        contact=contact,
        clips=clip_rows(
            target,
            document["stages"]["capture"]["result"].get("clips", []),
            _json(target, "capture/frames.json")["frames"],
        ),
        notes=document["stages"]["capture"]["result"].get("notes", []),
        warnings=[w for s in document["stages"].values() for w in s["result"].get("warnings", [])],
        scale="scale: " + scale_sentence(facts["scale"]),
        map=camera_map(
            read_posed_frames(target.poses), facts["scale"]["unit"] if facts["scale"]["known"] else "units"
        ),
        quality=quality_sentence(
            training["psnr"], training["ssim"], facts["frames"]["held_out"], facts["frames"]
        ),
        compared=_compared(target, metrics),
        masked=any(photo["masked"] for photo in contact),
        curve=_curve(metrics),
    )
    write_atomic(target.path / REPORT_FILE, page.encode())


def _json(target: SetFolder, path: str) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads((target.path / path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SetFolderError(
            f"{target.path / path} cannot be read ({error}). "
            f"Make it again with: setpiece build PHOTOS -o {target.path}"
        ) from error
    return content


def _contact_sheet(target: SetFolder, document: dict[str, Any]) -> list[dict[str, Any]]:
    """Every photo that was given: its picture, what it was used for, or why it was not."""
    stages = document["stages"]
    split = {f.name: f.split for f in read_posed_frames(target.poses).frames}
    reasons = {e["name"]: e["reason"] for e in stages["poses"]["result"]["left_out"]}
    sheet = []
    frames = _json(target, "capture/frames.json")["frames"]
    views: dict[str, list[str]] = {}  # of each panorama, by its instant
    for frame in frames:
        if frame.get("rig"):
            views.setdefault(frame["rig"]["instant"], []).append(frame["name"])
    for instant, names in views.items():
        status = next((split[n] for n in names if n in split), "left")
        use = {"train": "trained on", "test": "held out"}.get(
            status, reasons.get(instant, "no pose was found")
        )
        sheet.append(
            {
                "name": instant,
                "picture": data_url(target.capture / "panoramas" / instant, _PANORAMA_SIDE, 70),
                "status": f"{status} panorama",
                "masked": False,
                "text": f"360, {len(names)} views: {use}",
            }
        )
    for frame in (f for f in frames if not f.get("rig")):
        name = frame["name"]
        given = [target.capture / "masks" / frame["mask"]] if frame.get("mask") else []
        moving = [m for m in [target.splats / "moving" / f"{name}.png"] if m.exists()]
        told = [text for text, there in (("masked", given), ("what moves is masked", moving)) if there]
        use = {"train": "trained on", "test": "held out"}.get(split.get(name, ""))
        sheet.append(
            {
                "name": name,
                "picture": data_url(target.capture / "frames" / name, _CONTACT_SIDE, 70, given + moving),
                "status": split.get(name, "left"),
                "masked": bool(told),
                "text": ", ".join([use or reasons.get(name, "no pose was found"), *told]),
            }
        )
    for entry in stages["capture"]["result"]["left_out"]:
        sheet.append(
            {
                "name": entry["name"],
                "picture": None,
                "status": "left",
                "masked": False,
                "text": entry["reason"],
            }
        )
    return sheet


def _compared(target: SetFolder, metrics: dict[str, Any]) -> list[dict[str, Any]]:
    """Held-out photos beside their renders and errors, the worst first, because that is what to reshoot."""
    rows = []
    for frame in sorted(metrics["frames"], key=lambda f: f["psnr"]):
        folder, stem = target.splats / "evaluation", frame["name"]
        pictures = [
            data_url(folder / f"{stem}.{kind}.jpg", _COMPARED_SIDE) for kind in ("photo", "render", "error")
        ]
        if all(pictures):
            rows.append({"name": stem, "psnr": frame["psnr"], "ssim": frame["ssim"], "pictures": pictures})
    return rows[:_MOST_COMPARED]


def _curve(metrics: dict[str, Any]) -> str:
    rows = [r for r in metrics["curve"] if r.get("psnr") is not None]
    line = Line("held-out", [r["seconds"] for r in rows], [r["psnr"] for r in rows], "psnr")
    return chart([line], "seconds of training", "PSNR, dB")
