"""Bringing a set to its true size: everything that was made of it grows together, without training again.

With the pipeline and the command line, the only module that knows every room.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from setpiece.errors import SetpieceError
from setpiece.progress import Progress, SilentProgress
from setpiece.setfolder import SET_FILE, SetFolder
from setpiece.stage import files_digest, stage_record
from setpiece.transaction import all_or_nothing

if TYPE_CHECKING:
    from setpiece.capture.scale.estimates import Scale
    from setpiece.capture.scale.measured import Distance, Measurements

SAME_SIZE = 1e-9  # relative; a smaller change is none


@dataclass(frozen=True)
class ScaleChange:
    """What is known of a set's scale, and how much larger it was made."""

    scale: Scale | None  # None: unknown
    factor: float
    unused: tuple[str, ...]  # sentences about measurements that could not be used


def scale_set(
    target: SetFolder,
    *,
    distance: Distance | None = None,
    camera_height_m: float | None = None,
    marker_mm: float | None = None,
    forget: bool = False,
    progress: Progress | None = None,
) -> ScaleChange:
    """Take what was measured into the set and bring it to the size that all sources say together.

    Poses, points, splats and checkpoints change together or not at all; nothing is trained again. `forget`
    drops what was measured before. Without anything new the set is brought in line with what it knows.
    Raises SetpieceError when a measurement cannot be used, and nothing is changed then.
    """
    from setpiece.capture.scale.estimates import ScaleEstimate
    from setpiece.capture.scale.known import scale_of
    from setpiece.capture.scale.measured import Measurements, read_measurements
    from setpiece.capture.scale.rescale import read_posed, read_poses_document

    progress = progress or SilentProgress()
    with target.lock():
        progress.log_into(target.log_file)
        document = read_poses_document(target)
        before = Measurements() if forget else read_measurements(target.path)
        new = replace(
            before,
            distances=before.distances + ((distance,) if distance else ()),
            camera_height_m=before.camera_height_m if camera_height_m is None else camera_height_m,
            marker_mm=before.marker_mm if marker_mm is None else marker_mm,
        )
        posed = read_posed(target, document)
        automatic = [ScaleEstimate(**e) for e in document.get("scale", {}).get("automatic", [])]
        if distance or camera_height_m is not None:  # a new one that cannot be used must not be kept
            _, refused = scale_of(posed, [], _only(distance, camera_height_m))
            if refused:
                raise SetpieceError(refused[0].partition(" is not used: ")[2])
        scale, unused = scale_of(posed, automatic, new)
        factor = scale.metres_per_unit / posed.size if scale else 1.0
        if abs(factor - 1) < SAME_SIZE:
            factor = 1.0
        _apply(target, document, scale, automatic, new, factor, progress)
    return ScaleChange(scale, factor, tuple(unused))


def _only(distance: Distance | None, camera_height_m: float | None) -> Measurements:
    from setpiece.capture.scale.measured import Measurements

    return Measurements((distance,) if distance else (), camera_height_m)


def _apply(
    target: SetFolder,
    document: dict[str, Any],
    scale: Scale | None,
    automatic: list[Any],
    measurements: Measurements,
    factor: float,
    progress: Progress,
) -> None:
    from setpiece.capture.scale.known import frame_facts, scale_json
    from setpiece.capture.scale.measured import SCALE_FILE, measurements_json
    from setpiece.capture.scale.rescale import write_rescaled_poses
    from setpiece.export.ply import write_rescaled_ply
    from setpiece.export.report.write import write_report
    from setpiece.export.scene import SCENE_FILE
    from setpiece.reconstruct.checkpoint import folder_of
    from setpiece.reconstruct.rescale import write_rescaled_checkpoints

    facts = frame_facts(scale)
    said = {**document, "scale_known": scale is not None, "scale": scale_json(scale, automatic)}
    before = [target.poses / "poses.json", target.poses / "points.npz"]
    with all_or_nothing(target.path) as staged:
        write_rescaled_poses(target, said, factor, staged / target.poses.name)
        if factor != 1.0:
            checkpoints = folder_of(target).relative_to(target.path)
            write_rescaled_checkpoints(target, factor, staged / checkpoints, progress)
            scene = target.path / SCENE_FILE
            if scene.exists():
                (staged / SCENE_FILE).parent.mkdir(parents=True, exist_ok=True)
                write_rescaled_ply(scene, factor, staged / SCENE_FILE)
        (staged / SCALE_FILE).write_bytes(measurements_json(measurements))
        after = [staged / f.relative_to(target.path) for f in before]
        changed = _rescaled_document(target, facts, before, after)
        (staged / SET_FILE).write_text(
            json.dumps(changed, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
        )
    if stage_record(target, "scene"):
        write_report(target)


def _rescaled_document(
    target: SetFolder, facts: dict[str, Any], before: list[Path], after: list[Path]
) -> dict[str, Any]:
    """`set.json` in which the stages' records are of the files as they will be."""
    document = target.document()
    document["frame"].update(facts)
    record = document["stages"].get("poses")
    if record:
        old, new = files_digest(before), files_digest(after)
        rescaled = record.get("rescaled")
        first = rescaled["from"] if rescaled and rescaled["to"] == old else old
        document["stages"]["poses"] = {**record, "outputs": new, "rescaled": {"from": first, "to": new}}
    return document
