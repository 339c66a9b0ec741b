"""Photos of every kind become upright sRGB frames without metadata that must not travel."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms, PngImagePlugin

from setpiece.capture.frames import CapturedFrame, read_frames
from setpiece.capture.ingest import ingest as ingest_capture
from setpiece.capture.names import frame_names, natural_key
from setpiece.capture.options import CaptureOptions
from setpiece.capture.sources import find_sources
from setpiece.errors import CaptureError
from setpiece.progress import SilentProgress
from setpiece.setfolder import SetFolder

# Four quarters in colours that survive JPEG and tell every orientation apart.
CORNERS = {"top left": (220, 40, 40), "top right": (40, 200, 40), "bottom left": (40, 40, 220)}
LAT_LONG = "48.8583"


def picture(width: int = 480, height: int = 320, seed: int = 0) -> Image.Image:
    """Coloured quarters under a texture that differs between seeds."""
    pixels = np.full((height, width, 3), 230, np.uint8)
    pixels[: height // 2, : width // 2] = CORNERS["top left"]
    pixels[: height // 2, width // 2 :] = CORNERS["top right"]
    pixels[height // 2 :, : width // 2] = CORNERS["bottom left"]
    noise = np.random.default_rng(seed).integers(0, 12, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels + noise)


def exif(orientation: int = 1, seconds: int = 0, **more: object) -> Image.Exif:
    tags = Image.Exif()
    tags[ExifTags.Base.Orientation] = orientation
    tags[ExifTags.Base.Make], tags[ExifTags.Base.Model] = "Maker", "Model 1"
    ifd = tags.get_ifd(ExifTags.IFD.Exif)
    ifd[ExifTags.Base.DateTimeOriginal] = f"2024:05:01 12:00:{seconds:02d}"
    for name, value in more.items():
        ifd[ExifTags.Base[name]] = value
    gps = tags.get_ifd(ExifTags.IFD.GPSInfo)
    gps[ExifTags.GPS.GPSLatitudeRef], gps[ExifTags.GPS.GPSLatitude] = "N", (48.0, 51.0, 29.9)
    tags[ExifTags.Base.ImageDescription] = f"taken at {LAT_LONG}"
    return tags


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "Fotos für die Bühne"
    folder.mkdir()
    return folder


def ingest(photos: Path, **options: int) -> tuple[dict[str, object], list[CapturedFrame], Path]:
    target = SetFolder.create(photos.parent / "set")
    result = ingest_capture(target, find_sources(photos), CaptureOptions(**options), SilentProgress())
    return result, read_frames(target.capture), target.capture / "frames"


def fill(photos: Path, count: int = 3) -> None:
    for i in range(count):
        picture(seed=100 + i).save(photos / f"fill{i}.jpg", quality=95, exif=exif(seconds=50 + i))


def by_source(frames: list[CapturedFrame], source: str) -> CapturedFrame:
    return next(f for f in frames if f.source == source)


def pixels(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as opened:
        assert opened.mode in ("RGB", "L")
        return np.asarray(opened.convert("RGB"))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_is_applied(photos: Path, orientation: int) -> None:
    upright = picture()
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,  # stored lying: orientation 6 asks for 270 degrees counterclockwise
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright.transpose(undo[orientation]) if orientation in undo else upright
    stored.save(photos / "a.jpg", quality=95, exif=exif(orientation))
    fill(photos)
    _, frames, folder = ingest(photos)
    frame = by_source(frames, "a.jpg")
    assert (frame.width, frame.height) == upright.size
    shown = pixels(folder / frame.name)
    h, w = shown.shape[:2]
    for place, (y, x) in {"top left": (0, 0), "top right": (0, 1), "bottom left": (1, 0)}.items():
        patch = shown[y * h // 2 + 20 : y * h // 2 + 60, x * w // 2 + 20 : x * w // 2 + 60].mean(axis=(0, 1))
        assert np.abs(patch - np.array(CORNERS[place]) - 6).max() < 12, place


def test_no_place_or_owner_in_any_output(photos: Path) -> None:
    comment = PngImagePlugin.PngInfo()
    comment.add_text("Comment", f"at {LAT_LONG}")
    picture(seed=1).save(photos / "a.jpg", exif=exif(), comment=f"at {LAT_LONG}".encode())
    picture(seed=2).save(photos / "b.png", exif=exif(), pnginfo=comment)
    picture(seed=3).save(photos / "c.tif", exif=exif())
    picture(seed=4).save(photos / "d.jpg", exif=exif(orientation=6))
    _, _, folder = ingest(photos)
    for file in sorted(folder.parent.rglob("*")):
        if file.is_file():
            data = file.read_bytes()
            assert b"Exif" not in data, file
            assert LAT_LONG.encode() not in data, file
    for file in folder.iterdir():
        with Image.open(file) as opened:
            assert not dict(opened.getexif())
            assert "comment" not in opened.info


def test_an_upright_srgb_jpeg_keeps_its_coded_picture(photos: Path) -> None:
    fill(photos)
    result, frames, folder = ingest(photos)
    assert result["copied"] == 3
    for frame in frames:
        with Image.open(photos / frame.source) as before, Image.open(folder / frame.name) as after:
            assert np.array_equal(np.asarray(before), np.asarray(after))


def test_wide_gamut_becomes_srgb(photos: Path) -> None:
    # Display P3: primaries of DCI-P3 with white D65, by its matrix in an ICC v2 profile made here
    profile = display_p3_profile()
    flat = Image.new("RGB", (480, 320), (200, 100, 60))
    flat.save(photos / "a.png", icc_profile=profile)
    fill(photos)
    _, frames, folder = ingest(photos)
    shown = pixels(folder / by_source(frames, "a.png").name).reshape(-1, 3).mean(axis=0)
    assert np.abs(shown - p3_to_srgb((200, 100, 60))).max() < 2.5  # rounding, JPEG, ICC's 16-bit tables


def test_modes_that_are_not_rgb(photos: Path) -> None:
    grey = (np.linspace(0, 1, 480)[None] * np.ones((320, 1))).astype(np.float64)
    Image.fromarray((grey * 65535).astype(np.uint16)).save(photos / "sixteen.png")
    Image.fromarray((grey * 255).astype(np.uint8)).save(photos / "grey.tif")
    picture(seed=5).convert("CMYK").save(photos / "cmyk.jpg", quality=95)
    picture(seed=6).convert("P").save(photos / "palette.png")
    clear = picture(seed=7).convert("RGBA")
    clear.putalpha(Image.new("L", clear.size, 0))
    clear.save(photos / "clear.png")
    result, frames, folder = ingest(photos)
    assert result["frames_used"] == 4
    assert result["left_out"] == [{"name": "clear.png", "reason": "all of it is transparent"}]
    for name in ("sixteen.png", "grey.tif"):
        shown = pixels(folder / by_source(frames, name).name)
        assert np.abs(shown.mean(axis=(0, 2)) - np.linspace(0, 255, 480)).max() < 4
    for name in ("cmyk.jpg", "palette.png"):
        shown = pixels(folder / by_source(frames, name).name)[30:60, 30:60].mean(axis=(0, 1))
        assert np.abs(shown - np.array(CORNERS["top left"])).max() < 40


def test_heic(photos: Path, shared_data: Path) -> None:
    for name in ("arrow", "pug", "xiaomi"):
        (photos / f"{name}.heic").write_bytes(
            (shared_data / "formats" / "heic" / f"{name}.heic").read_bytes()
        )
    result, frames, _ = ingest(photos, max_side=1000)
    assert result["frames_used"] == 3
    assert result["gravity_frames"] == 2
    arrow, pug = by_source(frames, "arrow.heic"), by_source(frames, "pug.heic")
    assert (arrow.width, arrow.height) == (750, 1000)
    assert arrow.model == "iPhone 8 Plus"
    # its data sheet: 3.99 mm on pixels of 1.22 micrometres, 4032 wide
    assert arrow.focal_px == pytest.approx(3.99e-3 / 1.22e-6 * 1000 / 4032, rel=0.01)
    assert arrow.gravity_in_cam is not None
    assert arrow.gravity_in_cam[1] > 0.99  # held upright: gravity is down in the picture
    assert pug.gravity_in_cam is not None
    assert pug.gravity_in_cam[2] < -0.3  # looks up at the ceiling: gravity points behind the camera


def test_names_stay_unique_and_broken_files_have_reasons(photos: Path) -> None:
    for folder in ("a", "b"):
        (photos / folder).mkdir()
    picture(seed=1).save(photos / "a" / "IMG.jpg")
    picture(seed=2).save(photos / "b" / "IMG.jpg")
    picture(seed=3).save(photos / "IMG.png")
    picture(seed=4).save(photos / "one.png")
    picture(seed=4).save(photos / "one.jpg", quality=95)  # the same photo, exported
    (photos / "twin.jpg").write_bytes((photos / "a" / "IMG.jpg").read_bytes())
    (photos / "notes.jpg").write_text("not a picture")
    (photos / "empty.jpg").write_bytes(b"")
    whole = (photos / "b" / "IMG.jpg").read_bytes()
    (photos / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    picture(16, 16).save(photos / "small.png")
    (photos / "._IMG.jpg").write_bytes(b"Mac OS X")
    (photos / "movie.txt").write_bytes(b"x")
    result, frames, _ = ingest(photos)
    assert result["frames_given"] == 10
    assert result["other_files"] == 1
    assert len({f.name.casefold() for f in frames}) == len(frames) == 4
    reasons = {x["name"]: x["reason"] for x in result["left_out"]}  # type: ignore[attr-defined]
    assert "text file" in reasons["notes.jpg"]
    assert "empty" in reasons["empty.jpg"]
    assert "cut off" in reasons["cut.jpg"]
    assert "16x16" in reasons["small.png"]
    assert "same file as a/IMG.jpg" in reasons["twin.jpg"]
    assert set(reasons) & {"one.jpg", "one.png"}


def test_a_huge_photo_is_scaled_down_without_a_warning(photos: Path) -> None:
    Image.new("L", (16000, 12000), 90).save(photos / "huge.jpg", quality=50)
    Image.new("1", (16000, 12000), 1).save(photos / "huge.png")
    fill(photos)
    _, frames, _ = ingest(photos)
    huge = by_source(frames, "huge.jpg")
    assert max(huge.width, huge.height) <= 4096
    assert huge.width * 3 == huge.height * 4
    assert max(by_source(frames, "huge.png").width, by_source(frames, "huge.png").height) == 4096


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda p: None, "no photos"),
        (lambda p: (p / "readme.txt").write_text("hello"), "no photos"),
        (lambda p: picture().save(p / "a.jpg"), "only 1 photo"),
        (lambda p: [(p / f"{i}.jpg").write_text(f"no {i}") for i in range(4)], "text file"),
    ],
)
def test_too_little_to_begin_with(photos: Path, make: object, says: str) -> None:
    make(photos)  # type: ignore[operator]
    with pytest.raises(CaptureError, match=says):
        ingest(photos)
    assert not (photos.parent / "set" / "capture").exists()


def test_a_file_and_a_missing_folder(photos: Path) -> None:
    picture().save(photos / "a.jpg")
    with pytest.raises(CaptureError, match="is a file"):
        find_sources(photos / "a.jpg")
    with pytest.raises(CaptureError, match="does not exist"):
        find_sources(photos / "nowhere")


def test_order_is_by_time_where_all_have_one(photos: Path) -> None:
    for name, seconds in (("b", 1), ("a", 2), ("c", 0)):
        picture(seed=seconds).save(photos / f"{name}.jpg", exif=exif(seconds=seconds))
    result, frames, _ = ingest(photos)
    assert [f.source for f in frames] == ["c.jpg", "b.jpg", "a.jpg"]
    assert result["ordered_by"] == "time"


def test_focal_length_from_every_source(photos: Path) -> None:
    picture(seed=1).save(photos / "a.jpg", exif=exif(FocalLengthIn35mmFilm=26))
    plane = {"FocalLength": 50.0, "FocalPlaneXResolution": 4800 / 36 * 10, "FocalPlaneResolutionUnit": 3}
    size = {"ExifImageWidth": 4800, "ExifImageHeight": 3200}
    picture(seed=2).save(photos / "b.jpg", exif=exif(**plane, **size))
    table = exif(FocalLength=50.0)
    table[ExifTags.Base.Model] = "NIKON D850"
    picture(seed=3).save(photos / "c.jpg", exif=table)
    cropped = exif(FocalLengthIn35mmFilm=26, ExifImageWidth=4000, ExifImageHeight=3000)
    picture(seed=4).save(photos / "d.jpg", exif=cropped)
    _, frames, _ = ingest(photos)
    diagonal = float(np.hypot(480, 320))
    found = {f.source: (f.focal_px, f.focal_source) for f in frames}
    assert found["a.jpg"] == (pytest.approx(26 / np.hypot(36, 24) * diagonal), "35 mm equivalent")
    assert found["b.jpg"] == (pytest.approx(50 / 36 * 480), "focal plane")
    assert found["c.jpg"] == (pytest.approx(50 / 36 * 480), "sensor table")
    assert found["d.jpg"] == (None, "none")


def test_sharpness_falls_with_blur(photos: Path) -> None:
    from PIL import ImageFilter

    rng = np.random.default_rng(0)
    noise = Image.fromarray(rng.integers(0, 255, (320, 480, 3), dtype=np.uint8)).resize((960, 640))
    for i, radius in enumerate((0, 2, 5)):
        noise.filter(ImageFilter.GaussianBlur(radius)).save(photos / f"{i}.png")
    _, frames, _ = ingest(photos)
    values = [f.sharpness for f in frames]
    assert values[0] > values[1] > values[2]


def test_frames_json_is_plain(photos: Path) -> None:
    fill(photos)
    _, frames, folder = ingest(photos)
    document = json.loads((folder.parent / "frames.json").read_text(encoding="utf-8"))
    assert [f["name"] for f in document["frames"]] == [f.name for f in frames]


def test_names() -> None:
    assert frame_names(["a/IMG.jpg", "b/IMG.jpg", "IMG.heic"]) == ["a_IMG.jpg", "b_IMG.jpg", "IMG.jpg"]
    assert len({n.casefold() for n in frame_names(["x.jpg", "X.png", "x-2.jpg", "x.heic"])}) == 4
    long = frame_names([f"{'旅' * 80}/{'駅' * 70}.jpg", f"{'旅' * 80}/{'駅' * 70}.png"])
    assert len(set(long)) == 2
    assert max(len(n.encode()) for n in long) < 200, "a file name has 255 bytes, and others are made from it"


def test_a_set_between_the_photos_is_not_read(photos: Path) -> None:
    fill(photos)
    before = find_sources(photos).files
    frames = SetFolder.create(photos / "place").capture / "frames"
    frames.mkdir(parents=True)
    picture(seed=1).save(frames / "IMG.jpg")
    assert find_sources(photos).files == before
    assert sorted(["IMG_10", "IMG_9", "img_1"], key=natural_key) == ["img_1", "IMG_9", "IMG_10"]


P3_TO_XYZ_D50 = np.array(
    [[0.51512, 0.29198, 0.15710], [0.24120, 0.69225, 0.06657], [-0.00105, 0.04189, 0.78407]]
)


def display_p3_profile() -> bytes:
    """An ICC v2 matrix profile with Display P3 primaries (adapted to D50) and an sRGB-like curve."""

    def fixed(value: float) -> bytes:
        return round(value * 65536).to_bytes(4, "big", signed=True)

    def xyz(v: NDArray[np.float64]) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(fixed(float(x)) for x in v)

    steps = np.linspace(0, 1, 1024)
    linear = np.where(steps <= 0.04045, steps / 12.92, ((steps + 0.055) / 1.055) ** 2.4)
    curve = b"curv\0\0\0\0" + len(linear).to_bytes(4, "big")
    curve += b"".join(round(float(v) * 65535).to_bytes(2, "big") for v in linear)
    name = b"Display P3 test\0"
    text = b"desc\0\0\0\0" + len(name).to_bytes(4, "big") + name + b"\0" * 78
    tags = {b"desc": text, b"cprt": b"text\0\0\0\0none\0", b"wtpt": xyz(np.array([0.9642, 1.0, 0.8249]))}
    tags |= {n: xyz(P3_TO_XYZ_D50[:, i]) for i, n in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))}
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    table, body, at = b"", b"", 128 + 4 + 12 * len(tags)
    for tag, data in tags.items():
        padded = data + b"\0" * (-len(data) % 4)
        table += tag + at.to_bytes(4, "big") + len(data).to_bytes(4, "big")
        body, at = body + padded, at + len(padded)
    header = (
        at.to_bytes(4, "big") + b"\0\0\0\0" + b"\x02\x40\0\0" + b"mntrRGB XYZ " + b"\0" * 12 + b"acsp"
        + b"\0" * 28 + fixed(0.9642) + fixed(1.0) + fixed(0.8249) + b"\0" * 48
    )  # fmt: skip
    profile = header + len(tags).to_bytes(4, "big") + table + body
    ImageCms.ImageCmsProfile(io.BytesIO(profile))  # the reader of the code under test accepts it
    return profile


def p3_to_srgb(rgb: tuple[int, int, int]) -> NDArray[np.float64]:
    """The same colour in sRGB, by the two matrices (CSS Color 4, section 18)."""
    v = np.array(rgb) / 255
    linear = np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)
    srgb_to_xyz_d50 = np.array(
        [[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]]
    )
    linear = np.clip(np.linalg.solve(srgb_to_xyz_d50, P3_TO_XYZ_D50 @ linear), 0, 1)
    encoded = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.asarray(encoded * 255)
