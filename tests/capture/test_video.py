"""Clips of every kind become frames beside photos; bad ones get a sentence, and the rest is used."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from av.video.stream import VideoStream
from made_clips import Picture, panned, smeared, texture, write_clip, write_sound
from PIL import ExifTags, Image

from setpiece.capture.frames import CapturedFrame, read_frames
from setpiece.capture.ingest import ingest as ingest_capture
from setpiece.capture.options import CaptureOptions
from setpiece.capture.sources import find_sources
from setpiece.capture.video import read as video_read
from setpiece.capture.video import write as video_write
from setpiece.capture.video.clip import Clip, open_clip
from setpiece.capture.video.pick import pick
from setpiece.capture.video.scan import Scan, scan
from setpiece.capture.video.srgb import srgb_pixels, upright
from setpiece.capture.video.timecode import short_timecode, timecode
from setpiece.errors import CaptureError
from setpiece.info import stage_sentence
from setpiece.memory import PeakMemory
from setpiece.progress import SilentProgress
from setpiece.setfolder import SetFolder

SIZE = (320, 240)
QUARTERS = np.array([[(220, 40, 40), (40, 200, 40)], [(40, 40, 220), (230, 230, 230)]], np.uint8)


class Heard(SilentProgress):
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warning(self, text: str) -> None:
        self.warnings.append(text)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "Aufnahmen für die Bühne"
    place.mkdir()
    return place


def ingest(capture: Path, **options: int) -> tuple[dict[str, object], list[CapturedFrame], Path]:
    target = SetFolder.create((capture.parent if capture.is_file() else capture).parent / "set")
    result = ingest_capture(target, find_sources(capture), CaptureOptions(**options), SilentProgress())
    return result, read_frames(target.capture), target.capture / "frames"


def photos(folder: Path, count: int = 3, **tags: object) -> None:
    for i in range(count):
        exif = Image.Exif()
        if tags:
            exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = tags["times"][i]  # type: ignore[index]
        Image.fromarray(texture(*SIZE, seed=50 + i)).save(folder / f"photo {i}.jpg", quality=92, exif=exif)


def walk(count: int = 30, step: float = 0.03) -> list[Picture]:
    return list(panned(np.arange(count) * step, SIZE))


def looked_at(path: Path) -> Scan:
    with open_clip(path, 2) as clip, SilentProgress().task("", 1) as task:
        return scan(clip, task)


def test_a_clip_alone_gives_frames(folder: Path) -> None:
    clip = write_clip(folder / "Gang №1.mp4", walk(60))
    result, frames, pictures = ingest(clip)
    assert 20 <= len(frames) <= 40  # 1.8 widths, 0.06 apart
    assert result["clips_given"] == 1
    assert result["photos_given"] == 0
    assert {f.clip for f in frames} == {"Gang №1.mp4"}
    assert len({f.lens for f in frames}) == 1
    times = [f.clip_time_s for f in frames]
    assert times == sorted(times)  # type: ignore[type-var]
    first = frames[0]
    assert first.source == f"Gang №1.mp4 {timecode(first.clip_time_s or 0)}"
    with Image.open(pictures / first.name) as picture:
        assert picture.size == SIZE == (first.width, first.height)
    said = stage_sentence("capture", {"result": result, "seconds": 1.0})
    assert f"{len(frames)} frames of 1 clip used" in said


@pytest.mark.parametrize(
    ("ending", "codec", "pix_fmt"),
    [
        ("mov", "libx264", "yuv420p"),
        ("m4v", "libx264", "yuv422p"),
        ("mp4", "libx265", "yuv420p10le"),
        ("mkv", "libsvtav1", "yuv420p10le"),
        ("mkv", "libx265", "yuv420p"),
    ],
)
def test_codecs_and_containers(folder: Path, ending: str, codec: str, pix_fmt: str) -> None:
    given = walk(12)
    clip = write_clip(folder / f"a.{ending}", given, codec=codec, pix_fmt=pix_fmt)
    result, frames, pictures = ingest(clip)
    assert len(frames) >= 4
    for frame in frames:
        with Image.open(pictures / frame.name) as opened:
            shown = np.asarray(opened.convert("RGB"), np.float64)
        wanted = given[round((frame.clip_time_s or 0) * 30)]
        assert np.abs(shown.mean(axis=(0, 1)) - wanted.mean(axis=(0, 1))).max() < 2  # matrix and range
        assert np.abs(shown - wanted).mean() < 9  # codec and chroma at half size; another frame has over 30
    assert result["clips"][0]["codec"] in ("h264", "hevc", "av1")  # type: ignore[index]


ORIENTATIONS = [(1, 0, 0, 1), (0, 1, -1, 0), (-1, 0, 0, -1), (0, -1, 1, 0)]
ORIENTATIONS += [(-1, 0, 0, 1), (1, 0, 0, -1), (0, 1, 1, 0), (0, -1, -1, 0)]


@pytest.mark.skipif(not hasattr(VideoStream, "set_display_matrix"), reason="needs PyAV 17 to write one")
@pytest.mark.parametrize("matrix", ORIENTATIONS)
def test_every_display_matrix_is_applied(folder: Path, matrix: tuple[int, int, int, int]) -> None:
    stored = np.repeat(np.repeat(QUARTERS, 120, axis=0), 160, axis=1)
    clip = write_clip(folder / "a.mp4", [stored] * 2, pix_fmt="yuv444p", matrix=matrix)
    with open_clip(clip, 1) as opened:
        frame = next(opened.decoded())
        shown = opened.shown(frame)
        picture = upright(srgb_pixels(frame, shown.colour), shown.matrix, shown.aspect)
    a, b, c, d = matrix
    width, height = (320, 240) if a else (240, 320)
    assert shown.size == (width, height) == picture.shape[1::-1]
    for row in (0, 1):
        for column in (0, 1):
            x, y = 2 * column - 1, 2 * row - 1  # ISO/IEC 14496-12, section 6.2.2, around the middle
            u, v = a * x + c * y, b * x + d * y
            at = picture[(v + 1) * height // 2 - v * 30 - (v > 0), (u + 1) * width // 2 - u * 30 - (u > 0)]
            assert np.abs(at.astype(int) - QUARTERS[row, column]).max() < 8, (row, column)


def test_times_are_presentation_times(folder: Path) -> None:
    rng = np.random.default_rng(0)
    times = np.round(np.cumsum(rng.choice([0.02, 0.03, 0.1], 40)) * 600) / 600
    for ending, codec in (("mp4", "libx264"), ("mkv", "libsvtav1")):
        clip = write_clip(folder / f"vfr.{ending}", walk(40), codec=codec, times=times)
        measured = looked_at(clip)
        assert len(measured.times_s) == 40
        assert np.abs(measured.times_s - (times - times[0])).max() < 0.0011  # Matroska rounds to milliseconds


def test_anamorphic_pixels_become_square(folder: Path) -> None:
    clip = write_clip(folder / "a.mp4", walk(12), options={"x264-params": "sar=4/3"})
    _, frames, _ = ingest(clip)
    assert (frames[0].width, frames[0].height) == (427, 240)


def test_clips_and_photos_in_one_capture(folder: Path) -> None:
    photos(folder, times=["2024:05:01 10:00:00", "2024:05:01 12:00:00", "2024:05:01 14:00:00"])
    apple = {"com.apple.quicktime.make": "Apple", "com.apple.quicktime.model": "iPhone 15"}
    more = {"com.apple.quicktime.camera.focal_length.35mm_equivalent": "26"}
    for name, hour in (("b", 11), ("a", 13)):
        tags = {**apple, **more, "com.apple.quicktime.creationdate": f"2024-05-01T{hour}:00:00+0200"}
        tags["com.apple.quicktime.location.ISO6709"] = "+48.8583+002.2945+035/"
        write_clip(folder / f"{name}.mov", walk(12), tags=tags)
    result, frames, pictures = ingest(folder)
    assert result["ordered_by"] == "time"
    kinds = [f.clip or f.source for f in frames]
    runs = [k for i, k in enumerate(kinds) if i == 0 or kinds[i - 1] != k]
    assert runs == ["photo 0.jpg", "b.mov", "photo 1.jpg", "a.mov", "photo 2.jpg"]
    of_clips = [f for f in frames if f.clip]
    assert {(f.make, f.model) for f in of_clips} == {("Apple", "iPhone 15")}
    assert len({f.lens for f in of_clips}) == 1, "clips of one phone share a lens"
    assert of_clips[0].focal_px == pytest.approx(26 / np.hypot(36, 24) * np.hypot(*SIZE))
    assert of_clips[0].time == "2024-05-01T11:00:00.000"
    for file in pictures.parent.rglob("*"):
        assert b"48.8583" not in (file.read_bytes() if file.is_file() else b"")
    said = stage_sentence("capture", {"result": result, "seconds": 1.0})
    assert f"{len(of_clips)} frames of 2 clips and 3 photos used" in said


def test_clips_of_unknown_cameras_have_lenses_of_their_own(folder: Path) -> None:
    for name in ("a", "b"):
        write_clip(folder / f"{name}.mp4", list(panned(np.arange(12) * 0.03, SIZE, seed=ord(name))))
    _, frames, _ = ingest(folder)
    assert len({f.lens for f in frames}) == 2


def test_a_blurred_stretch_is_named_and_not_used(folder: Path) -> None:
    pictures = walk(90, 0.01)
    for i in range(30, 60):
        pictures[i] = smeared(pictures[i], 9)
    write_clip(folder / "walk.mp4", pictures)
    target = SetFolder.create(folder.parent / "set")
    heard = Heard()
    result = ingest_capture(target, find_sources(folder), CaptureOptions(), heard)
    assert heard.warnings == result["notes"]
    (note,) = heard.warnings
    assert note.startswith("walk.mp4 00:01.0 to 00:02.0 is blurred")
    used = [f.clip_time_s or 0 for f in read_frames(target.capture)]
    inside = [t for t in used if 0.99 < t < 1.99]
    assert len(inside) <= 1, "at most one that bridges the hole of 0.3 widths"
    assert ("no frame of it is used" in note) == (not inside)


def test_fewer_frames_make_them_sparser_and_do_not_cut_the_clip(folder: Path) -> None:
    clip = write_clip(folder / "a.mp4", walk(90, 0.04))
    _, frames, _ = ingest(clip, max_frames=12)
    assert 8 <= len(frames) <= 13
    assert (frames[-1].clip_time_s or 0) > 2.7


def test_the_second_pass_finds_the_frames_of_the_first(folder: Path) -> None:
    clip = write_clip(folder / "a.mp4", walk(90), options={"g": "10", "bf": "2", "preset": "veryfast"})
    measured = looked_at(clip)
    rows = np.array([0, 3, 4, 37, 61, 62, 89])
    with open_clip(clip, 2) as opened:
        every = [srgb_pixels(f, measured.shown.colour) for f in opened.decoded()]
    found = {row: srgb_pixels(f, measured.shown.colour) for row, f in pick(clip, measured, rows, 2)}
    assert sorted(found) == rows.tolist()
    for row in rows:
        assert np.array_equal(found[row], every[row])


@pytest.mark.parametrize(("frames_between", "share"), [(1, 0.5), (7, 1.0)])
def test_fast_clips_are_looked_at_in_part(
    folder: Path, monkeypatch: pytest.MonkeyPatch, frames_between: int, share: float
) -> None:
    """Every second frame is enough, every eighth is not."""
    coding = f"bframes={frames_between}:b-adapt=0:b-pyramid=none:scenecut=0"
    options = {"preset": "veryfast", "x264-params": coding}
    clip = write_clip(folder / "a.mp4", walk(120, 0.02), rate=60, options=options)
    seen = []

    def counted(*arguments: Any) -> Any:
        seen.append(scan(*arguments))
        return seen[-1]

    monkeypatch.setattr(video_read, "scan", counted)
    _, frames, pictures = ingest(clip)
    assert len(seen[-1].pts) == pytest.approx(share * 120, abs=4)
    assert len(frames) > 30
    given = walk(120, 0.02)
    for frame in frames:
        with Image.open(pictures / frame.name) as opened:
            shown = np.asarray(opened.convert("RGB"), np.float64)
        assert np.abs(shown - given[round((frame.clip_time_s or 0) * 60)]).mean() < 10


def test_a_leap_that_deceives_is_noticed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = write_clip(folder / "a.mp4", walk(60), options={"g": "10"})
    measured = looked_at(clip)

    def too_far(self: Clip, pts: int) -> None:
        self.container.seek(pts + round(0.5 / self.time_base), stream=self.stream)

    monkeypatch.setattr(Clip, "seek", too_far)
    rows = np.array([25, 45])
    assert sorted(row for row, _ in pick(clip, measured, rows, 1)) == [25, 45]


def test_being_stopped_leaves_nothing_half_done(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = write_clip(folder / "a.mp4", walk(30))
    honest, calls = video_write.save_jpeg, []

    def stopped(*arguments: object, **more: object) -> None:
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        honest(*arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(video_write, "save_jpeg", stopped)
    with pytest.raises(KeyboardInterrupt):
        ingest(clip)
    assert not (folder.parent / "set" / "capture").exists()
    monkeypatch.undo()
    _, frames, _ = ingest(clip)
    assert len(frames) > 10


def test_memory_does_not_grow_with_the_length(folder: Path) -> None:
    """Both clips decoded and held would take 6 MB and 200 MB."""
    peaks = []
    place = np.concatenate([np.linspace(0, 1, 450), np.linspace(1, 0, 450)])
    for name, at in (("warm-up", place[:60]), ("short", place[:60]), ("long", place)):
        clip = write_clip(folder / f"{name}.mp4", panned(at, SIZE))
        before = psutil.Process().memory_info().rss
        with PeakMemory() as memory:
            looked_at(clip)
            time.sleep(0.15)
        peaks.append(memory.bytes - before)
    assert peaks[2] < peaks[1] + 40e6


# Bad input: every clip is left out, or used as far as it goes, beside three good photos.


def reason(folder: Path, name: str, **options: int) -> str:
    photos(folder)
    started = time.monotonic()
    result, frames, _ = ingest(folder, **options)
    assert time.monotonic() - started < 30
    assert sum(f.clip is None for f in frames) == 3
    left_out = {x["name"]: x["reason"] for x in result["left_out"]}  # type: ignore[attr-defined, index]
    assert list(left_out) == [name]
    return str(left_out[name])


def test_an_empty_file(folder: Path) -> None:
    (folder / "a.mp4").touch()
    assert "empty" in reason(folder, "a.mp4")


def test_a_large_file_of_zeros_is_not_read(folder: Path) -> None:
    with (folder / "a.mov").open("wb") as file:
        os.truncate(file.fileno(), 2 * 1024**3)
    assert "zeros" in reason(folder, "a.mov")


def test_a_large_file_with_an_index_and_much_else_is_not_read(folder: Path) -> None:
    good = write_clip(folder / "a.mp4", walk(12))
    size = good.stat().st_size
    with good.open("r+b") as file:
        file.seek(size)
        file.write((2**31).to_bytes(4, "big") + b"free")
        os.truncate(file.fileno(), size + 2**31)
    with PeakMemory() as memory:
        _, frames, _ = ingest(folder)
    assert len(frames) >= 4
    assert memory.bytes < 2**31


@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_text_and_pictures_called_a_video(folder: Path, ending: str) -> None:
    (folder / f"a.{ending}").write_text("no video at all, but a few words " * 100)
    assert "no MP4, MOV or MKV" in reason(folder, f"a.{ending}")


def test_a_picture_called_a_video(folder: Path) -> None:
    Image.fromarray(texture(*SIZE)).save(folder / "a.mp4", "JPEG")
    assert "is a picture" in reason(folder, "a.mp4")


def test_a_wrong_ending_does_not_matter_between_videos(folder: Path) -> None:
    write_clip(folder / "a.mp4", walk(12)).rename(folder / "a.mkv")
    _, frames, _ = ingest(folder)
    assert len(frames) >= 4


def test_a_recording_without_its_index(folder: Path) -> None:
    clip = write_clip(folder / "a.mp4", walk(30))
    data = clip.read_bytes()
    clip.write_bytes(data[: data.index(b"moov") - 4])
    assert "index" in reason(folder, "a.mp4")


def test_a_clip_that_ends_too_early_is_used_as_far_as_it_goes(folder: Path) -> None:
    clip = write_clip(folder / "a.mp4", walk(90, 0.04), container_options={"movflags": "faststart"})
    data = clip.read_bytes()
    clip.write_bytes(data[: len(data) // 2])
    result, frames, _ = ingest(folder)
    assert len(frames) > 10
    (note,) = result["notes"]  # type: ignore[misc]
    last = max(f.clip_time_s or 0 for f in frames)
    assert "cut off" in note
    assert f"of {short_timecode(3.0)}" in note
    assert last < 2.5


def test_a_clip_damaged_in_the_middle(folder: Path) -> None:
    clip = write_clip(folder / "a.mp4", walk(60), options={"g": "15"})
    data = bytearray(clip.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 3000] = bytes(3000)
    clip.write_bytes(data)
    result, frames, _ = ingest(folder)
    assert len(frames) > 10
    assert any("damaged" in n for n in result["notes"])  # type: ignore[attr-defined]


def test_only_sound(folder: Path) -> None:
    write_sound(folder / "a.mp4")
    assert "only sound" in reason(folder, "a.mp4")


def test_no_pictures(folder: Path) -> None:
    clip = write_clip(folder / "a.mkv", walk(1), codec="libx264")
    data = clip.read_bytes()
    clip.write_bytes(data[: data.index(b"\x1f\x43\xb6\x75")])  # Matroska's first cluster
    assert "before its first picture" in reason(folder, "a.mkv")


def test_encrypted(folder: Path) -> None:
    clip = write_clip(folder / "a.mp4", walk(12))
    clip.write_bytes(clip.read_bytes().replace(b"avc1\0\0\0\0", b"encv\0\0\0\0"))
    assert "protected" in reason(folder, "a.mp4")


def test_an_unknown_codec(folder: Path) -> None:
    clip = write_clip(folder / "a.mp4", walk(12))
    clip.write_bytes(clip.read_bytes().replace(b"avc1\0\0\0\0", b"zzzz\0\0\0\0"))
    assert "codec" in reason(folder, "a.mp4")


def test_odd_sizes(folder: Path) -> None:
    odd = [p[:233, :311] for p in walk(12)]
    clip = write_clip(folder / "a.mp4", odd, pix_fmt="yuv444p")
    _, frames, _ = ingest(clip, min_side=200)
    assert (frames[0].width, frames[0].height) == (311, 233)


def test_too_small(folder: Path) -> None:
    write_clip(folder / "a.mp4", [p[:100, :160] for p in walk(12)])
    assert "160x100" in reason(folder, "a.mp4")


def test_one_frame_and_a_moment(folder: Path) -> None:
    photos(folder)
    write_clip(folder / "one.mp4", walk(1))
    write_clip(folder / "moment.mp4", list(panned(np.arange(6) * 0.05, SIZE, seed=9)))
    _, frames, _ = ingest(folder)
    assert sum(f.clip == "one.mp4" for f in frames) == 1
    assert 2 <= sum(f.clip == "moment.mp4" for f in frames) <= 6


def test_a_clip_in_which_nothing_moves_cannot_stand_alone(folder: Path) -> None:
    clip = write_clip(folder / "still.mp4", [texture(*SIZE)] * 60)
    with pytest.raises(CaptureError, match=r"gives only 1 different view; .* walking around"):
        ingest(clip)


def test_a_bad_clip_alone_is_one_sentence(folder: Path) -> None:
    (folder / "a.mp4").touch()
    with pytest.raises(CaptureError, match=r"a\.mp4 cannot be used: the file is empty\. Film"):
        ingest(folder / "a.mp4")
    write_clip(folder / "dark.mp4", [np.full((240, 320, 3), 20, np.uint8)] * 30)
    with pytest.raises(CaptureError, match="shows nothing"):
        ingest(folder / "dark.mp4")


def test_nothing_to_see(folder: Path) -> None:
    photos(folder)
    write_clip(folder / "dark.mp4", [np.full((240, 320, 3), 20, np.uint8)] * 30)
    result, frames, _ = ingest(folder)
    assert sum(f.clip is not None for f in frames) == 0
    assert any("shows nothing" in x["reason"] for x in result["left_out"])  # type: ignore[attr-defined, index]


def test_the_moving_part_of_a_live_photo(folder: Path) -> None:
    write_clip(folder / "photo 1.MOV", walk(30))
    assert reason(folder, "photo 1.MOV") == (
        "it is the moving part of the live photo photo 1.jpg, which is used itself"
    )


def test_the_same_clip_twice(folder: Path) -> None:
    clip = write_clip(folder / "a.mp4", walk(12))
    (folder / "copy.mp4").write_bytes(clip.read_bytes())
    assert "same file as a.mp4" in reason(folder, "copy.mp4")


def test_timecodes() -> None:
    assert timecode(62.5) == "00:01:02.500"
    assert timecode(3599.9996) == "01:00:00.000"
    assert short_timecode(12.34) == "00:12.3"
    assert short_timecode(59.96) == "01:00.0"
    assert short_timecode(3661) == "1:01:01.0"
