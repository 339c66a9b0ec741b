"""Equirectangular pictures are told from photos and cut into pinhole views that show the same directions."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pycolmap
import pytest
from made_clips import write_clip
from made_panorama import look_of, panorama, save_panorama
from PIL import ExifTags, Image

from setpiece.capture.decode import UnreadablePhotoError
from setpiece.capture.frames import read_frames
from setpiece.capture.ingest import ingest
from setpiece.capture.mask import load_mask
from setpiece.capture.options import CaptureOptions, PhotoKind
from setpiece.capture.panorama.gpano import GPano, read_gpano
from setpiece.capture.panorama.layout import CUBE, Direction
from setpiece.capture.panorama.nadir import CONE_DEG, DISC_STEP_DEG, rig_mask
from setpiece.capture.panorama.recognise import sphere_of
from setpiece.capture.panorama.sphere import Sphere, down_in_rig
from setpiece.capture.panorama.views import view_rays, views_of
from setpiece.capture.sources import find_sources
from setpiece.errors import CaptureError
from setpiece.progress import SilentProgress
from setpiece.setfolder import SetFolder

AUTO = PhotoKind.AUTO


def read(photos: Path, **options: object) -> tuple[dict[str, object], SetFolder]:
    target = SetFolder.create(photos.parent / "set")
    chosen = CaptureOptions(**options)  # type: ignore[arg-type]
    return ingest(target, find_sources(photos), chosen, SilentProgress()), target


def test_places_and_rays_are_inverses() -> None:
    sphere = Sphere(800, left=100, top=50, width=600, height=200)
    at = np.random.default_rng(0).uniform((1, 1), (599, 199), (100, 2))
    np.testing.assert_allclose(sphere.positions(3 * sphere.rays(at)), at, atol=1e-9)
    whole = Sphere.whole(800, 400)
    np.testing.assert_allclose(whole.rays(np.array([[400.0, 200.0]])), [[0, 0, 1]], atol=1e-12)
    np.testing.assert_allclose(whole.rays(np.array([[600.0, 200.0]])), [[1, 0, 0]], atol=1e-12)
    np.testing.assert_allclose(whole.rays(np.array([[400.0, 0.0]])), [[0, -1, 0]], atol=1e-12)


def test_views_are_turned_as_they_say_and_see_everything() -> None:
    for direction in (*CUBE.directions, Direction(30, 20)):
        turn = direction.cam_from_rig
        np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(turn) == pytest.approx(1)
        assert abs(turn[0] @ [0, 1, 0]) < 1e-12  # level
    rays = Sphere.whole(200, 100).rays(np.random.default_rng(1).uniform((0, 0), (200, 100), (2000, 2)))
    seen = np.zeros(len(rays), bool)
    for direction in CUBE.directions:
        x, y, z = (rays @ direction.cam_from_rig.T).T
        seen |= (z > 0) & (np.abs(x) <= z * 1.0001) & (np.abs(y) <= z * 1.0001)
    assert seen.all()


def test_a_view_shows_what_its_rays_meet() -> None:
    equirect = panorama(1024)
    for view in views_of(equirect):
        side = view.rgb.shape[0]
        wanted = look_of(view_rays(side, view.focal_px) @ view.cam_from_rig).reshape(side, side, 3)
        error = np.abs(view.rgb.astype(float) - wanted).max()
        assert error < 3, view.number  # rounding, and a texture that is smooth over several pixels


def test_nothing_aliases_towards_the_poles() -> None:
    rng = np.random.default_rng(2)
    noise = np.repeat(rng.integers(0, 256, (256, 512, 1), np.uint8), 3, axis=2)
    up = views_of(noise)[4].rgb.astype(float)
    middle = up[up.shape[0] // 2 - 6 : up.shape[0] // 2 + 6, up.shape[1] // 2 - 6 : up.shape[1] // 2 + 6]
    assert middle.std() < 0.5 * noise.std()  # many columns meet there: they average out


def test_a_part_of_the_sphere_gives_only_the_views_that_it_shows() -> None:
    whole = panorama(1024)
    sphere = Sphere(1024, left=256, top=100, width=512, height=312)
    part = views_of(whole[100:412, 256:768], sphere)
    assert 0 in [v.number for v in part]
    front = part[0]
    assert front.seen is not None
    assert front.seen.all()
    assert 2 not in [v.number for v in part]  # straight back
    all_around = views_of(whole[150:362], Sphere(1024, 0, 150, 1024, 212))
    assert [v.number for v in all_around] == [0, 1, 2, 3]


def test_large_views_are_limited() -> None:
    view = views_of(panorama(2048), most_side=300)[0]
    assert view.rgb.shape == (300, 300, 3)
    assert view.focal_px == pytest.approx(150)


@pytest.mark.parametrize("style", ["attributes", "elements"])
def test_gpano_is_read_however_it_is_written(tmp_path: Path, style: str) -> None:
    path = save_panorama(tmp_path / "p.jpg", 1024, style=style, pitch=1.5, roll=-2.0)
    with Image.open(path) as picture:
        assert read_gpano(picture) == GPano("equirectangular", 1024, 512, 0, 0, 1.5, -2.0)


def test_down_follows_pitch_and_roll() -> None:
    np.testing.assert_allclose(down_in_rig(0, 0), [0, 1, 0])
    np.testing.assert_allclose(down_in_rig(90, 0), [0, 0, -1], atol=1e-12)  # looks up: down is behind
    # rolled clockwise, the horizon turns counterclockwise in the picture: down turns to the right
    np.testing.assert_allclose(down_in_rig(0, 90), [1, 0, 0], atol=1e-12)


def test_panoramas_are_told_by_metadata_and_by_shape(tmp_path: Path) -> None:
    declared = save_panorama(tmp_path / "declared.jpg", 1024)
    bare = save_panorama(tmp_path / "bare.jpg", 1024, style="none")
    for path in (declared, bare):
        with Image.open(path) as picture:
            found = sphere_of(picture, AUTO)
            assert found is not None
            assert found[0].complete
            assert sphere_of(picture, PhotoKind.PHOTOS) is None


def test_an_ordinary_photo_that_is_2_to_1_stays_a_photo(tmp_path: Path) -> None:
    view = cv2.resize(views_of(panorama(2048))[0].rgb[100:], (1200, 600))
    Image.fromarray(view).save(tmp_path / "wide.jpg")
    phone = Image.Exif()
    phone.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.FocalLengthIn35mmFilm] = 26
    Image.fromarray(panorama(1024)).save(tmp_path / "phone.jpg", exif=phone)
    for name in ("wide.jpg", "phone.jpg"):
        with Image.open(tmp_path / name) as picture:
            assert sphere_of(picture, AUTO) is None
    with Image.open(tmp_path / "phone.jpg") as picture:
        assert sphere_of(picture, PhotoKind.PANORAMAS) is not None


def test_what_is_called_a_panorama_must_be_2_to_1(tmp_path: Path) -> None:
    path = save_panorama(tmp_path / "odd.jpg", 1024, height=600)
    with Image.open(path) as picture, pytest.raises(UnreadablePhotoError, match=r"1024x600.*2:1.*--kind"):
        sphere_of(picture, AUTO)


def test_views_become_frames_of_a_rig(photos: Path) -> None:
    for i in range(3):
        save_panorama(photos / f"PANO_{i}.jpg", 1024, seconds=i, heading_deg=40 * i, pitch=0, roll=0)
    result, target = read(photos)
    frames = read_frames(target.capture)
    assert (result["frames_used"], result["panoramas"], result["views"]) == (3, 3, 18)
    assert [f.name for f in frames[:2]] == ["PANO_0_v0.jpg", "PANO_0_v1.jpg"]
    for frame in frames:
        assert frame.rig is not None
        assert frame.gravity_in_cam is not None
        w, x, y, z = frame.rig.cam_from_rig
        turn = pycolmap.Rotation3d(np.array([x, y, z, w])).matrix()
        np.testing.assert_allclose(turn, CUBE.directions[frame.rig.sensor].cam_from_rig, atol=1e-9)
        np.testing.assert_allclose(turn @ [0, 1, 0], frame.gravity_in_cam, atol=1e-9)
        assert frame.focal_px == pytest.approx(1024 / (2 * np.pi))
    below = next(f for f in frames if f.rig and f.rig.sensor == 5)
    assert below.mask is not None
    counts = load_mask(target.capture / "masks" / below.mask)
    assert counts.shape == (below.height, below.width)
    assert not counts[below.height // 2, below.width // 2]
    assert counts[0, 0]


def test_a_mask_of_a_panorama_goes_to_its_views(photos: Path) -> None:
    for i in range(3):
        save_panorama(photos / f"PANO_{i}.jpg", 1024, seconds=i, heading_deg=40 * i)
    mask = np.full((512, 1024), 255, np.uint8)
    mask[240:272, 500:524] = 0  # straight ahead
    (photos / "masks").mkdir()
    Image.fromarray(mask).save(photos / "masks" / "PANO_1.jpg.png")
    _, target = read(photos)
    masked = {f.name: f.mask for f in read_frames(target.capture)}
    assert masked["PANO_0_v0.jpg"] is None
    ahead = masked["PANO_1_v0.jpg"]
    assert ahead is not None
    counts = load_mask(target.capture / "masks" / ahead)
    middle = counts.shape[0] // 2
    assert not counts[middle, middle]
    assert counts[0, 0]


def test_what_stays_below_every_panorama_is_masked() -> None:
    below = Sphere.whole(512, 256)
    panoramas = []
    for i in range(6):
        picture = panorama(512, heading_deg=57.0 * i)
        rays = below.rays(
            np.stack(np.meshgrid(np.arange(512) + 0.5, np.arange(256) + 0.5), -1).reshape(-1, 2)
        )
        off = np.degrees(np.arctan2(np.hypot(rays[:, 0], rays[:, 2]), rays[:, 1])).reshape(256, 512)
        arm = (off < 40) & (np.abs(rays[:, 0]) < 0.08).reshape(256, 512) & (rays[:, 2] > 0).reshape(256, 512)
        picture[arm | (off < 18)] = 20
        panoramas.append(picture)
    mask = rig_mask(panoramas)
    middle = mask.shape[0] // 2
    step = 1 / DISC_STEP_DEG
    assert mask[middle - round(36 * step), middle]  # the arm, to the front
    assert not mask[middle + round(30 * step), middle]
    assert not mask[middle, middle + round(30 * step)]
    turning = rig_mask([panorama(512, heading_deg=57.0 * i) for i in range(6)])
    assert turning.mean() < 1.6 * np.pi * (CONE_DEG * step + 6) ** 2 / turning.size  # little but the cone


def test_bad_panoramas_are_left_out_and_the_rest_is_used(photos: Path) -> None:
    for i in range(3):
        save_panorama(photos / f"good{i}.jpg", 1024, seconds=i, heading_deg=40 * i)
    save_panorama(photos / "odd.jpg", 1024, height=600, seconds=5)
    (photos / "VID.insv").write_bytes(b"0" * 100)
    (photos / "walk.360").write_bytes(b"0" * 100)
    (photos / "IMG_1.DNG").write_bytes(b"0" * 100)
    result, _ = read(photos)
    reasons = {x["name"]: x["reason"] for x in result["left_out"]}  # type: ignore[attr-defined]
    assert set(reasons) == {"odd.jpg", "VID.insv", "walk.360", "IMG_1.DNG"}
    assert "Insta360 Studio" in reasons["VID.insv"]
    assert "GoPro Player" in reasons["walk.360"]
    assert "raw photo" in reasons["IMG_1.DNG"]
    assert result["frames_used"] == 3


def test_unstitched_originals_alone_say_how_to_stitch_them(photos: Path) -> None:
    (photos / "CAM_0001.osv").write_bytes(b"0" * 100)
    with pytest.raises(CaptureError, match="DJI Studio"):
        find_sources(photos)


def test_one_panorama_is_too_few(photos: Path) -> None:
    save_panorama(photos / "only.jpg", 1024)
    with pytest.raises(CaptureError, match="only 1 photo"):
        read(photos)


def test_a_clip_of_panoramas_becomes_rigs(photos: Path) -> None:
    write_clip(photos / "walk.mp4", (panorama(1024, heading_deg=3.0 * i) for i in range(30)))
    result, target = read(photos)
    frames = read_frames(target.capture)
    assert result["panoramas"] == len({f.clip_time_s for f in frames})
    assert result["panoramas"] >= 3  # type: ignore[operator]
    assert result["views"] == 6 * result["panoramas"] == len(frames)  # type: ignore[operator]
    assert [f.rig.sensor for f in frames[:7] if f.rig] == [0, 1, 2, 3, 4, 5, 0]
    assert all(f.clip == "walk.mp4" for f in frames)
    assert any(f.mask for f in frames)
