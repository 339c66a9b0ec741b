"""Poses that come with the photos: read from every format, used, and named where they are no good."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pycolmap
import pytest
from made_photos import copy_photos

from setpiece.capture.align import pose_errors
from setpiece.capture.apps.find import pose_files, read_pose_files
from setpiece.capture.apps.poses import AppPoses
from setpiece.capture.demo import DemoCapture
from setpiece.capture.estimate import estimate_poses
from setpiece.capture.frames import read_frames
from setpiece.capture.gravity import upright_from_stored
from setpiece.capture.ingest import ingest
from setpiece.capture.options import CaptureOptions, PoseOptions
from setpiece.capture.sources import find_sources
from setpiece.posed import read_posed_frames
from setpiece.progress import SilentProgress
from setpiece.setfolder import SetFolder

GL = np.diag([1.0, -1.0, -1.0, 1.0])  # camera axes: y up, z backward
Y_UP = np.array([[1.0, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]])  # ARKit's world from a z-up one
Poses = dict[str, np.ndarray]  # world_from_cam [4, 4], OpenCV axes of the stored picture, by file name
W, H = 480, 360  # of the tiny demo's photos as they are stored


class Heard(SilentProgress):
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warning(self, text: str) -> None:
        self.warnings.append(text)


@pytest.fixture
def heard() -> Heard:
    return Heard()


def stored(demo: DemoCapture, noise: float = 0.0) -> tuple[Poses, float]:
    """The true cameras of the stored pictures (upright ones lie on their side), and the focal length."""
    rng, poses, focal = np.random.default_rng(5), {}, 0.0
    for name, photo in demo.truth().photos.items():
        camera = photo.camera
        pose = camera.world_from_cam.copy()
        if camera.width < camera.height:
            pose[:3, :3] = pose[:3, :3] @ upright_from_stored(6)
        shake = pycolmap.Rotation3d(noise * 0.5 * rng.normal(size=3)).matrix()
        pose[:3, :3] = pose[:3, :3] @ shake
        pose[:3, 3] += noise * rng.normal(size=3)
        poses[name], focal = pose, camera.focal_x_px
    return poses, focal


def write_transforms(folder: Path, poses: Poses, focal: float, **extra: object) -> None:
    frames = [{"file_path": f"./{n}", "transform_matrix": (p @ GL).tolist()} for n, p in poses.items()]
    document = {
        "fl_x": focal,
        "fl_y": focal,
        "w": W,
        "h": H,
        "cx": W / 2,
        "cy": H / 2,
        "frames": frames,
        **extra,
    }
    (folder / "transforms.json").write_text(json.dumps(document))


def write_polycam(folder: Path, poses: Poses, focal: float) -> None:
    cameras, images = (folder / "keyframes" / n for n in ("corrected_cameras", "corrected_images"))
    for new in (cameras, images, folder / "keyframes" / "images", folder / "keyframes" / "depth"):
        new.mkdir(parents=True)
    for name, pose in poses.items():
        arkit = Y_UP @ pose @ GL
        entries = {f"t_{r}{c}": float(arkit[r, c]) for r in range(3) for c in range(4)}
        size = {"fx": focal, "fy": focal, "cx": W / 2, "cy": H / 2, "width": W, "height": H}
        (cameras / f"{Path(name).stem}.json").write_text(json.dumps({**entries, **size}))
        shutil.copy(folder / name, folder / "keyframes" / "images" / name)
        shutil.copy(folder / name, folder / "keyframes" / "depth" / f"{Path(name).stem}.png")
        (folder / name).rename(images / name)


def write_record3d(folder: Path, poses: Poses, focal: float) -> None:
    (folder / "rgb").mkdir()
    rows = []
    for number, (name, pose) in enumerate(poses.items()):
        arkit = Y_UP @ pose @ GL
        x, y, z, w = pycolmap.Rotation3d(arkit[:3, :3]).quat
        rows.append([x, y, z, w, *arkit[:3, 3]])
        (folder / name).rename(folder / "rgb" / f"{number}.jpg")
    matrix = [focal, 0, 0, 0, focal, 0, W / 2, H / 2, 1]
    (folder / "metadata.json").write_text(json.dumps({"w": W, "h": H, "K": matrix, "fps": 60, "poses": rows}))


def write_colmap(folder: Path, poses: Poses, focal: float, binary: bool = True) -> None:
    model = pycolmap.Reconstruction()
    camera = pycolmap.Camera(
        model="SIMPLE_RADIAL", width=W, height=H, params=[focal, W / 2, H / 2, 0.03], camera_id=1
    )
    model.add_camera_with_trivial_rig(camera)
    for number, (name, pose) in enumerate(poses.items(), start=1):
        image = pycolmap.Image(name=name, camera_id=1, image_id=number)
        model.add_image_with_trivial_frame(image, pycolmap.Rigid3d(np.linalg.inv(pose)[:3]))
    (folder / "sparse" / "0").mkdir(parents=True)
    (model.write_binary if binary else model.write_text)(str(folder / "sparse" / "0"))


def write_reality_capture(folder: Path, poses: Poses, focal: float) -> None:
    lines = ["#name,x,y,alt,heading,pitch,roll,f,px,py,k1,k2,k3,k4,t1,t2"]
    for name, pose in poses.items():
        turn, (x, y, z) = (pose @ GL)[:3, :3], pose[:3, 3]
        pitch = math.asin(turn[2, 1])  # of Rz(-heading) Rx(pitch) Ry(roll)
        heading, roll = math.atan2(turn[0, 1], turn[1, 1]), math.atan2(-turn[2, 0], turn[2, 2])
        angles = ",".join(f"{math.degrees(a):.9f}" for a in (heading, pitch, roll))
        lines.append(f"{name},{x:.9f},{y:.9f},{z:.9f},{angles},30,0,0,0,0,0,0,0,0")
    (folder / "cameras.csv").write_text("\n".join(lines) + "\n")


def write_metashape(folder: Path, poses: Poses, focal: float) -> None:
    turn, scale = pycolmap.Rotation3d(np.array([0.3, -0.2, 0.5])).matrix(), 2.5  # of the chunk
    cameras = []
    for number, (name, pose) in enumerate(poses.items()):
        inside = np.eye(4)
        inside[:3, :3], inside[:3, 3] = turn.T @ pose[:3, :3], turn.T @ pose[:3, 3] / scale
        numbers = " ".join(repr(float(v)) for v in inside.ravel())
        about = f'id="{number}" sensor_id="0" label="{Path(name).stem}"'
        cameras.append(f"<camera {about}><transform>{numbers}</transform></camera>")
    numbers = " ".join(repr(float(v)) for v in turn.ravel())
    (folder / "cameras.xml").write_text(
        f'<document version="1.5.0"><chunk label="1"><sensors><sensor id="0" label="x" type="frame">'
        f'<resolution width="{W}" height="{H}"/><calibration type="frame"><f>{focal}</f><cx>0</cx><cy>0</cy>'
        f"<k1>0.03</k1></calibration></sensor></sensors><cameras>{''.join(cameras)}</cameras>"
        f"<transform><rotation>{numbers}</rotation><scale>{scale}</scale></transform></chunk></document>"
    )


WRITERS: dict[str, Callable[[Path, Poses, float], None]] = {
    "transforms.json": write_transforms,
    "Polycam": write_polycam,
    "Record3D": write_record3d,
    "a COLMAP model": write_colmap,
    "RealityCapture": write_reality_capture,
    "Metashape": write_metashape,
}


def said(folder: Path) -> tuple[list[AppPoses], list[str]]:
    return read_pose_files(pose_files(sorted(f for f in folder.rglob("*") if f.is_file())), folder)


@pytest.mark.parametrize("source", WRITERS)
def test_every_format_is_read_and_matched(
    source: str, tiny_demo: DemoCapture, photos: Path, tmp_path: Path, heard: Heard
) -> None:
    copy_photos(tiny_demo.photo_folder, photos)
    poses, focal = stored(tiny_demo)
    WRITERS[source](photos, poses, focal)
    target = SetFolder.create(tmp_path / "set")
    result = ingest(target, find_sources(photos), CaptureOptions(), heard)
    assert result["frames_used"] == 12  # neither depth maps nor the pictures before correction
    truth = {Path(n).stem: p.camera for n, p in tiny_demo.truth().photos.items()}
    names = dict(enumerate(poses))
    for frame in read_frames(target.capture):
        stem = Path(frame.name).stem
        camera = truth[Path(names[int(stem)]).stem] if source == "Record3D" else truth[stem]
        assert frame.prior is not None
        assert frame.prior.source == source
        assert np.allclose(frame.prior.cam_from_world, camera.cam_from_world[:3], atol=1e-6)
        assert frame.prior.metric is (source in ("Polycam", "Record3D", "Metashape"))
        if source != "RealityCapture":
            assert frame.prior.optics is not None
            assert np.allclose(frame.prior.optics[:3], (focal, frame.width / 2, frame.height / 2))
        if frame.prior.z_up:
            assert np.allclose(frame.gravity_in_cam, -camera.cam_from_world[:3, 2], atol=1e-6)
    assert heard.warnings == []


def test_colmap_text_is_read_too(tiny_demo: DemoCapture, tmp_path: Path) -> None:
    poses, focal = stored(tiny_demo)
    write_colmap(tmp_path, poses, focal, binary=False)
    ((found,), notes) = said(tmp_path)
    assert notes == []
    assert len(found.poses) == 12


def posed_with(
    photos: Path, folder: Path, heard: Heard, **options: bool
) -> tuple[SetFolder, dict[str, object]]:
    target = SetFolder.create(folder)
    ingest(target, find_sources(photos), CaptureOptions(**options), heard)  # type: ignore[arg-type]
    return target, estimate_poses(target, PoseOptions(threads=2), heard)


def test_poses_of_an_app_start_the_search_and_give_metres(
    tiny_demo: DemoCapture, photos: Path, tmp_path: Path, heard: Heard
) -> None:
    copy_photos(tiny_demo.photo_folder, photos)
    poses, focal = stored(tiny_demo, noise=0.01)  # a centimetre and a third of a degree
    write_polycam(photos, poses, focal)
    target, result = posed_with(photos, tmp_path / "set", heard)
    assert result["method"] == "priors"
    assert result["up_source"] == "gravity"
    frame = target.document()["frame"]
    assert frame["scale_source"] == "app poses"
    truth = tiny_demo.truth().photos
    frames = read_posed_frames(target.poses).frames
    found = np.array([f.camera.cam_from_world for f in frames])
    wanted = np.array([truth[f.name].camera.cam_from_world for f in frames])
    errors = pose_errors(found, wanted)
    assert errors.centre.max() < 0.005 * tiny_demo.truth().path_extent_m  # better than they came
    heights = [f.camera.centre_in_world[2] for f in frames]
    true_heights = [truth[f.name].camera.centre_in_world[2] for f in frames]
    assert np.median(heights) == pytest.approx(np.median(true_heights), rel=2 * frame["scale_error"] + 0.01)


def test_poses_with_other_axes_are_said_and_not_believed(
    tiny_demo: DemoCapture, photos: Path, tmp_path: Path, heard: Heard
) -> None:
    copy_photos(tiny_demo.photo_folder, photos)
    poses, focal = stored(tiny_demo)
    write_transforms(
        photos, {n: p @ GL for n, p in poses.items()}, focal
    )  # OpenCV's where OpenGL's are meant
    target, result = posed_with(photos, tmp_path / "set", heard, poses_in_metres=True)
    assert result["method"] == "skeleton"
    assert result["frames_posed"] == 12
    assert any("do not fit the photos" in w for w in heard.warnings)
    assert target.document()["frame"]["scale_source"] == "app poses"  # where they stood is right all the same


def test_gravity_that_the_walls_contradict_is_said(
    tiny_demo: DemoCapture, photos: Path, tmp_path: Path, heard: Heard
) -> None:
    copy_photos(tiny_demo.photo_folder, photos)
    poses, focal = stored(tiny_demo)
    tilt = np.eye(4)
    tilt[:3, :3] = pycolmap.Rotation3d(np.array([np.radians(6), 0, 0])).matrix()
    write_polycam(photos, {n: tilt @ p for n, p in poses.items()}, focal)
    target, result = posed_with(photos, tmp_path / "set", heard)
    (warning,) = (w for w in heard.warnings if "disagree" in w)
    assert "upright edges in them disagree by 6." in warning or "disagree by 5." in warning
    assert warning in result["warnings"]  # type: ignore[operator]
    assert target.document()["frame"]["up_source"] == "gravity"


def test_some_photos_without_a_pose(
    tiny_demo: DemoCapture, photos: Path, tmp_path: Path, heard: Heard
) -> None:
    copy_photos(tiny_demo.photo_folder, photos)
    poses, focal = stored(tiny_demo)
    some = dict(list(poses.items())[:8])
    some["IMG_9999.jpg"] = poses["IMG_0001.jpg"]
    write_transforms(photos, some, focal)
    target, result = posed_with(photos, tmp_path / "set", heard, poses_in_metres=True)
    assert result["frames_posed"] == 12
    assert result["method"] == "skeleton"
    assert "transforms.json has poses of 1 photos that are not here: IMG_9999.jpg." in heard.warnings
    assert "4 of the 12 photos have no pose from transforms.json." in heard.warnings
    assert target.document()["frame"]["scale_known"] is True


IDENTITY = np.eye(4).tolist()
GOOD = {"file_path": "a.jpg", "transform_matrix": IDENTITY}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("{", "it is damaged"),
        ("{}", "it is damaged (KeyError: 'frames')"),
        ({"frames": []}, "it holds no poses"),
        ({"frames": [{"file_path": "a.jpg"}]}, "it is damaged (KeyError: 'transform_matrix')"),
        ({"frames": [{**GOOD, "transform_matrix": [[1, 2], [3, 4]]}]}, "a transform_matrix of shape (2, 2)"),
        ({"frames": [GOOD], "camera_model": "OPENCV_FISHEYE"}, "is no pinhole"),
        ({"frames": [{**GOOD, "transform_matrix": np.diag([1, 1, -1, 1]).tolist()}]}, "mirrored"),
        ({"frames": [{**GOOD, "transform_matrix": np.diag([1, 2, 3, 1]).tolist()}]}, "no rotations"),
        ({"frames": [{**GOOD, "transform_matrix": np.full((4, 4), np.nan).tolist()}]}, "NaN"),
        ({"frames": [3]}, "it is damaged"),
        ([1], "it is damaged"),
    ],
)
def test_bad_transforms_get_a_sentence(document: object, message: str, tmp_path: Path) -> None:
    text = document if isinstance(document, str) else json.dumps(document)
    (tmp_path / "transforms.json").write_text(text)
    found, (note,) = said(tmp_path)
    assert found == []
    assert note.startswith("The poses in transforms.json are not used: ")
    assert message in note


def test_one_mirrored_pose_among_good_ones(tmp_path: Path) -> None:
    frames = [GOOD, {"file_path": "b.jpg", "transform_matrix": np.diag([1, 1, -1, 1]).tolist()}]
    (tmp_path / "transforms.json").write_text(json.dumps({"frames": frames}))
    (found,), (note,) = said(tmp_path)
    assert [p.photo for p in found.poses] == ["a.jpg"]
    assert note == (
        "transforms.json: 1 of its 2 poses are mirrored (their determinant is -1) and are not used."
    )


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("metadata.json", '{"poses": [[0, 0, 0, 1]], "K": [1], "w": 1, "h": 1}', "it is damaged"),
        ("cameras.csv", "#name,x,y,alt,heading,pitch,roll\na.jpg,1,2,3,4,5,north\n", "it is damaged"),
        ("cameras.xml", "<document><chunk><cameras><camera label='a'>", "it is damaged"),
        ("keyframes/cameras/1.json", '{"t_00": 1}', "1.json is damaged (KeyError: 't_01')"),
    ],
)
def test_other_damaged_files(name: str, content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text(content)
    found, (note,) = said(tmp_path)
    assert found == []
    assert message in note


def test_a_model_that_is_none(tmp_path: Path) -> None:
    for name in ("cameras.bin", "images.bin"):
        (tmp_path / name).write_bytes(b"\x01" * 40)
    found, (note,) = said(tmp_path)
    assert found == []
    assert "it is no whole COLMAP model" in note


def test_mixed_lenses_do_not_share_a_camera(
    tiny_demo: DemoCapture, photos: Path, tmp_path: Path, heard: Heard
) -> None:
    copy_photos(tiny_demo.photo_folder, photos)
    poses, focal = stored(tiny_demo)
    write_transforms(photos, poses, focal)
    document = json.loads((photos / "transforms.json").read_text())
    for frame in document["frames"][:4]:
        frame["fl_x"] = frame["fl_y"] = focal / 2
    (photos / "transforms.json").write_text(json.dumps(document))
    target = SetFolder.create(tmp_path / "set")
    ingest(target, find_sources(photos), CaptureOptions(), heard)
    frames = read_frames(target.capture)
    assert len({f.lens for f in frames}) == 2
    assert {round(f.focal_px or 0) for f in frames} == {round(focal), round(focal / 2)}


@pytest.mark.real_data
def test_fox_comes_with_its_poses(shared_data: Path, tmp_path: Path, heard: Heard) -> None:
    _, result = posed_with(shared_data / "fox", tmp_path / "set", heard)
    assert result["method"] == "priors"
    assert result["frames_posed"] == 50
    assert "transforms.json has poses of 17 photos that are not here" in heard.warnings[0]
