"""How exactly each source tells the scale, against a truth where there is one.

    python bench/scale.py --demo setpiece-demo --data ../shared/data

The demo's truth is exact. Its distances are read off as a person would: whole pixels of two photos, one pixel
of noise. fountain's truth are its reference poses; two of its points are measured by them.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from setpiece.capture.align import similarity
from setpiece.capture.demo.truth import project_distorted, read_depth, read_truth
from setpiece.capture.estimate import estimate_poses
from setpiece.capture.frames import read_frames
from setpiece.capture.ingest import ingest
from setpiece.capture.options import CaptureOptions, PoseOptions
from setpiece.capture.scale.measured import Distance, Place, distance_error_m
from setpiece.capture.scale.rescale import read_posed, read_poses_document
from setpiece.capture.scale.satellite import scale_from_places
from setpiece.capture.sources import find_sources
from setpiece.errors import SetpieceError
from setpiece.posed import read_posed_frames
from setpiece.progress import SilentProgress
from setpiece.scaling import scale_set
from setpiece.setfolder import SetFolder

Row = dict[str, Any]


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--demo", type=Path, help="folder of a sample capture")
    parser.add_argument("--marked-demo", type=Path, help="folder of one with DemoOptions(marker=True)")
    parser.add_argument("--data", type=Path, help="folder of the real captures")
    parser.add_argument("--json", type=Path, help="write the figures there")
    arguments = parser.parse_args()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        if arguments.demo:
            rows += of_demo(arguments.demo, Path(folder))
        if arguments.marked_demo:
            rows += of_marked_demo(arguments.marked_demo, Path(folder))
        if arguments.data:
            rows += of_fountain(arguments.data / "strecha_fountain-P11_half", Path(folder))
            rows += of_lund(arguments.data / "opensfm_lund", Path(folder))
    for row in rows:
        print("  ".join(f"{k} {v:+.2f} %" if k.endswith("percent") else str(v) for k, v in row.items()))
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n")


def of_demo(capture: Path, folder: Path) -> list[Row]:
    """Distances between points of the film set, in two photos and in one."""
    truth = read_truth(capture / "truth")
    target = posed(capture / "photos", folder / "demo")
    true = {n: p.camera.centre_in_world for n, p in truth.photos.items()}
    rng = np.random.default_rng(0)
    rows = []
    for views in (2, 1):
        errors, said, refused = [], [], 0
        while len(errors) < 20:
            distance = _demo_distance(capture, truth, rng, views)
            try:
                change = scale_set(target, distance=distance, forget=True)
            except SetpieceError:
                refused += 1
                continue
            assert change.scale is not None
            errors.append(scale_error(target, true))
            said.append(change.scale.error)
        what = f"demo, one distance of 2 to 4 m, {views} photos per end, 20 times, {refused} refused"
        rows.append(row(what, errors, said))
    return rows


def _demo_distance(capture: Path, truth: Any, rng: np.random.Generator, views: int) -> Distance:
    """A distance of 2 to 4 m between two visible points, read off with a pixel of noise."""
    names = sorted(truth.photos)
    while True:
        ends = []
        for _ in range(2):
            first = names[rng.integers(len(names))]
            depth = read_depth(capture / "truth" / "depth" / f"{Path(first).stem}.png")
            y, x = (int(rng.integers(40, n - 40)) for n in depth.shape)
            point = _point(truth.photos[first], x, y, float(depth[y, x]))
            seen = [n for n in names if _sees(capture, truth, n, point)]
            centre = truth.photos[first].camera.centre_in_world
            seen.sort(key=lambda n: -float(np.linalg.norm(truth.photos[n].camera.centre_in_world - centre)))
            others = [n for n in seen if n != first][: views - 1]
            ends.append((point, [first, *others]))
        metres = float(np.linalg.norm(ends[0][0] - ends[1][0]))
        if 2 <= metres <= 4 and all(len(photos) == views for _, photos in ends):
            break
    places = [
        tuple(Place(n, *_clicked(project_distorted(truth.photos[n], p[None])[0, :2], rng)) for n in photos)
        for p, photos in ends
    ]
    return Distance(metres, distance_error_m(metres), places[0], places[1])


def _clicked(xy: Any, rng: np.random.Generator) -> tuple[float, float]:
    x, y = np.round(xy + rng.normal(size=2))
    return float(x), float(y)


def _point(photo: Any, x: int, y: int, depth: float) -> Any:
    camera = photo.camera
    middle = np.array([camera.centre_x_px, camera.centre_y_px])
    drawn = (np.array([x + 0.5, y + 0.5]) - middle) / camera.focal_x_px
    flat = drawn.copy()
    for _ in range(20):
        flat = drawn / (1 + photo.k1 * (flat**2).sum())
    return (camera.world_from_cam @ np.array([*(flat * depth), depth, 1.0]))[:3]


def _sees(capture: Path, truth: Any, name: str, point: Any) -> bool:
    x, y, depth = project_distorted(truth.photos[name], point[None])[0]
    camera = truth.photos[name].camera
    if depth <= 0 or not (20 < x < camera.width - 20 and 20 < y < camera.height - 20):
        return False
    there = read_depth(capture / "truth" / "depth" / f"{Path(name).stem}.png")[int(y), int(x)]
    return bool(abs(there - depth) < 0.01)


def of_marked_demo(capture: Path, folder: Path) -> list[Row]:
    """The sample capture with two markers in it, as built; both are about 40 pixels wide."""
    truth = {n: p.camera.centre_in_world for n, p in read_truth(capture / "truth").photos.items()}
    target = posed(capture / "photos", folder / "marked")
    stated = target.document()["frame"]["scale_error"]
    return [row("demo, markers", [scale_error(target, truth)], [stated])]


def of_fountain(capture: Path, folder: Path) -> list[Row]:
    """Distances between points of the fountain, which the reference poses tell."""
    target = posed(capture / "images", folder / "fountain")
    images = {i["name"]: i for i in json.loads((capture / "reference_poses.json").read_text())["images"]}
    true = {name: np.array(i["C"]) for name, i in images.items()}
    in_set = read_posed(target, read_poses_document(target))
    model = in_set.reconstruction
    tracks = [p.track.elements for p in model.points3D.values() if p.track.length() >= 5]
    rng, errors, said = np.random.default_rng(0), [], []
    while len(errors) < 20:
        ends = [_reference_point(model, tracks[rng.integers(len(tracks))], images) for _ in range(2)]
        metres = float(np.linalg.norm(ends[0][0] - ends[1][0]))
        if metres < 2:
            continue
        places = [tuple(Place(n, *np.round(xy).tolist()) for n, xy in seen) for _, seen in ends]
        distance = Distance(metres, distance_error_m(metres), places[0], places[1])
        change = scale_set(target, distance=distance, forget=True)
        assert change.scale is not None
        errors.append(scale_error(target, true))
        said.append(change.scale.error)
    return [row("fountain, one distance over 2 m, 20 times", errors, said)]


def of_lund(capture: Path, folder: Path) -> list[Row]:
    """A walk down a street with satellite positions, and no truth but the height at which phones are held."""
    target = posed(capture / "images", folder / "lund")
    in_set = read_posed(target, read_poses_document(target))
    heights = in_set.heights() * in_set.size
    up = in_set.world_from_colmap[2, :3] / in_set.size
    whole, _, _ = scale_from_places(in_set.photos, up)
    assert whole is not None
    half = len(in_set.photos) // 2
    first, second = (scale_from_places(p, up)[0] for p in (in_set.photos[:half], in_set.photos[half:]))
    odd, even = (scale_from_places(in_set.photos[k::2], up)[0] for k in (0, 1))
    row: Row = {"what": f"lund, GPS: {whole.detail}", "stated_percent": 100 * whole.error}
    for name, part in (("first half", first), ("second half", second), ("odd", odd), ("even", even)):
        if part is not None:
            row[f"{name} stated_percent"] = 100 * part.error
            row[f"{name} against whole percent"] = 100 * (part.metres_per_unit / whole.metres_per_unit - 1)
    row["cameras over the ground"] = f"{np.percentile(heights, [10, 50, 90]).round(2).tolist()} m"
    return [row]


def _reference_point(model: Any, elements: Any, images: dict[str, Any]) -> tuple[Any, list[Any]]:
    """Where the reference poses see a track, and where the first and last photo of it show it."""
    seen = sorted(
        (model.image(e.image_id).name, model.image(e.image_id).points2D[e.point2D_idx].xy) for e in elements
    )
    rows = []
    for name, xy in seen:
        rotation, centre = np.array(images[name]["R_world_to_cam"]), np.array(images[name]["C"])
        projection = np.array(images[name]["K"]) @ np.c_[rotation, -rotation @ centre]
        rows += [xy[0] * projection[2] - projection[0], xy[1] * projection[2] - projection[1]]
    point = np.linalg.svd(np.array(rows))[2][3]
    return point[:3] / point[3], [seen[0], seen[-1]]


def posed(photos: Path, folder: Path, options: PoseOptions | None = None) -> SetFolder:
    """A set with poses."""
    target = SetFolder.create(folder)
    ingest(target, find_sources(photos), CaptureOptions(), SilentProgress())
    estimate_poses(target, options or PoseOptions(threads=2), SilentProgress())
    return target


def scale_error(target: SetFolder, true: dict[str, Any]) -> float:
    """How much too large the set is, relative, by its camera centres against true ones."""
    sources = {f.name: f.source for f in read_frames(target.capture)}
    frames = [f for f in read_posed_frames(target.poses).frames if sources[f.name] in true]
    ours = np.array([f.camera.centre_in_world for f in frames])
    aligned = similarity(ours, np.array([true[sources[f.name]] for f in frames]))
    return float(1 / np.cbrt(np.linalg.det(aligned[:3, :3])) - 1)


def row(name: str, errors: list[float], said: list[float]) -> Row:
    """A line of the table."""
    sigmas = np.abs(errors) / np.array(said)
    return {
        "what": name,
        "median_error_percent": float(np.median(np.abs(errors)) * 100),
        "largest_error_percent": float(np.abs(errors).max() * 100),
        "median_stated_percent": float(np.median(said) * 100),
        "within_two_sigma": f"{int((sigmas < 2).sum())} of {len(errors)}",
    }


if __name__ == "__main__":
    main()
