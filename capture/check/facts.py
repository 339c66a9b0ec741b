"""What a check found as plain data, for scripts and for the page."""

from __future__ import annotations

from typing import Any

import numpy as np

from setpiece.capture.check.blur import blurred_frames
from setpiece.capture.check.check import Checked
from setpiece.capture.check.finding import Finding
from setpiece.capture.check.links import gaps, islands
from setpiece.capture.check.spot import moved


def check_facts(checked: Checked) -> dict[str, Any]:
    """The facts of a check; docs/check.md explains the keys."""
    look, light = checked.look, checked.light
    model = look.model
    frames = look.frames
    links = look.links()
    partners = np.bincount(np.array(list(links), np.int64).ravel(), minlength=len(frames))
    blurred = blurred_frames(look)
    stations = {f.rig.instant if f.rig else f.name for f in frames}
    placed = {frames[i].rig.instant if frames[i].rig else frames[i].name for i in look.placed}  # type: ignore[union-attr]
    return {
        "photos": {
            "given": checked.read["frames_given"],
            "used": len(stations),
            "placed": len(placed),
            "left_out": checked.read["left_out"],
        },
        "findings": [_finding(f) for f in checked.reshoot],
        "notes": [_finding(f) for f in checked.notes],
        "links": {
            "pairs": len(links),
            "matches_median": float(np.median(list(links.values()))) if links else 0.0,
            "groups": sorted([len(look.placed), *(len(g) for g in islands(look))], reverse=True),
            "gaps": [
                {
                    "first": frames[g.first].source,
                    "second": frames[g.second].source,
                    "degrees": round(g.step_deg, 1),
                }
                for g in gaps(look)
            ],
            "agreement": round(checked.agreed.share, 4) if checked.agreed else None,
            "contradicted_pairs": [
                {"first": frames[p.pair[0]].source, "second": frames[p.pair[1]].source, "matches": p.matches}
                for p in (checked.agreed.contradicted[:20] if checked.agreed else [])
            ],
        },
        "depth": {
            "parallax_deg": round(model.parallax_deg(), 2) if model is not None else None,
            "turned_share": round(look.turned, 3),
            "moved_share": round(moved(look), 4),
        },
        "frames": [
            {
                "name": f.source,
                "placed": i in look.placed,
                "sharpness": f.sharpness,
                "blurred": i in blurred,
                "brightness": f.brightness,
                "stops": round(float(light.stops[i]), 2),
                "warmth": round(float(light.warmth[i]), 2),
                "clipped": round(float(light.clipped[i]), 3),
                "features": look.matched.features[i].count,
                "linked_to": int(partners[i]),
            }
            for i, f in enumerate(frames)
        ],
        "seconds": dict(checked.seconds),
    }


def _finding(found: Finding) -> dict[str, Any]:
    return {
        "kind": found.kind,
        "sentence": found.sentence,
        "photos": list(found.photos),
        "share": found.share,
    }
