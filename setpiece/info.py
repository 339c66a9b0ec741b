"""What a set is, as facts and as sentences."""

from __future__ import annotations

from typing import Any

from setpiece.setfolder import SetFolder


def set_info(target: SetFolder) -> dict[str, Any]:
    """Facts of a set as a JSON object; what is not known yet is null.

    `frames.given`, `frames.used`, `frames.posed`, `frames.sentence` (what was used), `frames.clips`,
    `frames.panoramas` of those used, `frames.views` that they make;
    `poses.seconds`, `poses.error_px`, `poses.models`;
    `training.seconds`, `.splats`, `.psnr` (dB, held-out photos), `.ssim`, `.device`; `scale.known`, `.unit`,
    `.source`, `.error` (relative, one standard deviation);
    `upright`; `floor`; `peak_memory_bytes` (largest of all stages); `seconds` (of all stages).
    """
    document = target.document()
    stages: dict[str, Any] = document["stages"]
    capture, poses, train, scene = (stages.get(n, {}) for n in ("capture", "poses", "train", "scene"))
    frame = document["frame"]
    return {
        "name": document["name"],
        "path": str(target.path),
        "created": document["created"],
        "frames": {
            "given": capture.get("result", {}).get("frames_given"),
            "used": capture.get("result", {}).get("frames_used"),
            "sentence": used_sentence(capture["result"]) if capture else None,
            "clips": [
                {k: c[k] for k in ("name", "seconds", "frames_used")}
                for c in capture.get("result", {}).get("clips", [])
            ],
            "posed": poses.get("result", {}).get("frames_posed"),
            "panoramas": capture.get("result", {}).get("panoramas", 0),
            "views": capture.get("result", {}).get("views", 0),
            "held_out": train.get("result", {}).get("test_frames"),
            "test_panoramas": train.get("result", {}).get("test_panoramas", 0),
            "test_views": train.get("result", {}).get("test_views", 0),
        },
        "poses": {
            "seconds": poses.get("seconds"),
            "error_px": poses.get("result", {}).get("mean_error_px"),
            "models": poses.get("result", {}).get("models"),
        },
        "training": {
            "seconds": _training_seconds(train),
            **{k: train.get("result", {}).get(k) for k in ("splats", "steps", "psnr", "ssim", "device")},
        },
        "scene": {
            "file": "splats/scene.ply" if scene else None,
            "bytes": scene.get("result", {}).get("bytes"),
        },
        "scale": {
            "known": frame["scale_known"],
            "unit": frame["unit"],
            "source": frame.get("scale_source"),
            "error": frame.get("scale_error"),
        },
        "upright": frame["upright"],
        "up_source": frame["up_source"],
        "up_error_deg": frame.get("up_error_deg"),
        "floor": frame["floor"],
        "seconds": round(sum(s["seconds"] for s in stages.values()), 1) if stages else None,
        "peak_memory_bytes": max((s["peak_memory_bytes"] for s in stages.values()), default=None),
    }


def _training_seconds(record: dict[str, Any]) -> float | None:
    """Wall seconds of the training; of all its runs, where it was stopped and went on."""
    steps: float | None = record.get("result", {}).get("train_seconds")
    last: float | None = record.get("seconds")
    return max(last, steps) if last is not None and steps is not None else last


def describe(facts: dict[str, Any]) -> str:
    """The facts of `set_info` in about ten lines."""
    frames, poses, training = facts["frames"], facts["poses"], facts["training"]
    lines = [f"{facts['name']}  ({facts['path']}, made {facts['created'][:10]})"]
    if frames["given"] is None:
        return "\n".join([*lines, "Empty: no photos were read yet. Run: setpiece build PHOTOS -o SET"])
    lines.append(f"{'Frames' if frames['clips'] else 'Photos'}    {frames['sentence']}")
    if frames["posed"] is None:
        lines.append("Poses     none yet: run the same setpiece build again")
    else:
        error = f", error {poses['error_px']:.2f} px" if poses["error_px"] is not None else ""
        lines.append(
            f"Poses     {frames['posed']} of {frames['used']} posed{error}, in {poses['seconds']:.0f} s"
        )
        up = f"yes, from {facts['up_source']}" if facts["upright"] else "no"
        if facts["upright"] and facts["up_error_deg"] is not None:
            up += f" (± {facts['up_error_deg']:.1f} degrees)"
        lines.append(f"Upright   {up}; " + ("floor at z = 0" if facts["floor"] else "no floor found"))
        lines.append(f"Scale     {scale_sentence(facts['scale'])}")
    if training["splats"] is None:
        lines.append("Training  none yet")
    else:
        lines.append(f"Splats    {training['splats']:,}, {training['steps']:,} steps on {training['device']}")
        lines.append(
            f"Quality   {quality_sentence(training['psnr'], training['ssim'], frames['held_out'], frames)}"
        )
        lines.append(f"Training  {training['seconds']:.0f} s")
    if facts["scene"]["bytes"]:
        lines.append(f"File      {facts['scene']['file']}, {facts['scene']['bytes'] / 1e6:.0f} MB")
    lines.append(
        f"Took      {facts['seconds']:.0f} s, {facts['peak_memory_bytes'] / 1e9:.1f} GB of memory at most"
    )
    return "\n".join(lines)


def used_sentence(result: dict[str, Any]) -> str:
    """ "12 of 13 used" or "63 frames of 2 clips and 12 of 13 photos used", as the capture stage counted."""
    clips = result.get("clips", [])
    if not clips:
        used, given = result["frames_used"], result["frames_given"]
        if result.get("panoramas") == used:
            return f"{used} of {given} panoramas used ({result['views']} views)"
        return f"{used} of {given} used{_of_panoramas(result)}"
    used, given = result["photos_used"], result["photos_given"]
    frames, clip = result["frames_used"] - used, f"{len(clips)} clip" + ("s" if len(clips) > 1 else "")
    if result["clips_given"] > len(clips):
        clip = f"{len(clips)} of {result['clips_given']} clips"
    photos = f" and {used if used == given else f'{used} of {given}'} photos" if given else ""
    return f"{frames} frames of {clip}{photos} used{_of_panoramas(result)}"


def scale_sentence(scale: dict[str, Any]) -> str:
    """What is known of the scale, and how exactly."""
    if not scale["known"]:
        return "unknown: lengths are in units, not metres"
    error = f", ± {100 * scale['error']:.2g} %" if scale["error"] else ""
    return f"metres{error}" + (f", by {scale['source']}" if scale["source"] else "")


def quality_sentence(
    psnr: float | None, ssim: float | None, held_out: int | None, of: dict[str, Any] | None = None
) -> str:
    """A score, and on which photos; `of` says how many are views (test_views) of panoramas."""
    if psnr is None or not held_out:
        return "not measured: no photo was held out"
    score = f"{psnr:.1f} dB PSNR" + (f", {ssim:.3f} SSIM" if ssim is not None else "")
    views, panoramas = (of or {}).get("test_views") or 0, (of or {}).get("test_panoramas") or 0
    what = counted(held_out - views, panoramas, views) if views else f"{held_out} photos"
    return f"{score} on {what} that training never saw"


def counted(photos: int, panoramas: int, views: int) -> str:
    """How many pictures of each kind there are, in words: "11 panoramas (66 views)"."""
    parts = [f"{photos} photo{'' if photos == 1 else 's'}"] if photos or not panoramas else []
    if panoramas:
        parts.append(f"{panoramas} panorama{'' if panoramas == 1 else 's'} ({views} views)")
    return " and ".join(parts)


def _of_panoramas(result: dict[str, Any]) -> str:
    panoramas, views = result.get("panoramas", 0), result.get("views", 0)
    return f", of them {counted(0, panoramas, views)}" if panoramas else ""


def _posed(result: dict[str, Any]) -> str:
    panoramas, views = result.get("panoramas", 0), result.get("views", 0)
    return counted(result["frames_posed"] - panoramas, panoramas, views)


def stage_sentence(name: str, record: dict[str, Any]) -> str:
    """One line about a finished stage."""
    result, seconds = record["result"], f"{record['seconds']:.1f} s"
    if name == "capture":
        return f"{'Frames' if result.get('clips') else 'Photos'}    {used_sentence(result)}, {seconds}"
    if name == "poses":
        error = result.get("mean_error_px")
        shown = f", error {error:.2f} px" if error is not None else ""
        return f"Poses     {_posed(result)} posed{shown}, {seconds}"
    if name == "train":
        quality = quality_sentence(result["psnr"], result["ssim"], result["test_frames"], result)
        return f"Training  {result['splats']:,} splats, {quality}, {seconds}"
    return f"Scene     splats/scene.ply, {result['bytes'] / 1e6:.1f} MB, {seconds}"
