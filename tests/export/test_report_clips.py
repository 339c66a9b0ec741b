"""What the report shows of clips."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PIL import Image

from setpiece.export.report.clips import clip_rows
from setpiece.setfolder import SetFolder


def test_a_clip_is_a_strip_with_its_frames_and_its_blur(tmp_path: Path) -> None:
    target = SetFolder.create(tmp_path / "set")
    folder = target.capture / "frames"
    folder.mkdir(parents=True)
    frames: list[dict[str, Any]] = [{"name": "still.jpg", "clip": None, "clip_time_s": None}]
    for i in range(30):
        frames.append({"name": f"{i}.jpg", "clip": "Gang & Hof.mov", "clip_time_s": float(i)})
        Image.new("RGB", (64, 48), (8 * i, 0, 0)).save(folder / f"{i}.jpg")
    clip: dict[str, Any] = {
        "name": "Gang & Hof.mov",
        "seconds": 40.0,
        "width": 1080,
        "height": 1920,
        "codec": "hevc",
        "transfer": "HLG",
        "scenes": 2,
        "frames_used": 30,
        "frames_in_clip": 1200,
        "blurred": [{"first_s": 31.0, "last_s": 35.0, "used": 0}],
        "note": None,
    }
    (row,) = clip_rows(target, [clip], frames)
    assert row["facts"] == "00:40.0, 1080x1920, HEVC, HLG tone-mapped, 2 scenes: 30 of 1,200 frames"
    assert row["strip"].count("M") == 30
    assert 'x="775.0" y="0" width="100.0"' in row["strip"]
    assert "blurred from 00:31.0 to 00:35.0" in row["strip"]
    assert [f["time"] for f in row["frames"]][:3] == ["00:00.0", "00:03.0", "00:06.0"]
    assert all(f["picture"].startswith("data:image/jpeg") for f in row["frames"])
    assert len(row["frames"]) == 10
