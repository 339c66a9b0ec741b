"""Finding what moved while the photos were taken, without having learned what people and cars look like.

A model trained from all photos shows the place as most of them do. Where one photo shows something else, and
photos taken nearby show the same world place as the model does, something moved, or stood there for a moment.
Reflections and places that few photos see disagree in the neighbours as well, or have none, and stay.

Found twice: what the first look masks no longer speaks for itself at the second, which judges by a model made
without it; what the others then explain well is kept after all.

Compare NeRF On-the-go (Ren et al. 2024) and SpotLessSplats (Sabour et al. 2024), which need learned features.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from setpiece.cameras import Camera
from setpiece.reconstruct.neighbours import neighbours

Float32 = NDArray[np.float32]
Mask = NDArray[np.bool_]

NEIGHBOURS = 16  # photos that are asked
FEWEST = 3  # of them have to see a place
AGREE = 0.35  # of those have to show it as the model does: some may show what moves, too
BLUR_PX = 1.0  # by which photo and model are blurred before they are compared
ODD, VERY_ODD = 0.07, 0.14  # difference of the strongest channel, 0 to 1, that is looked at; that is a seed
NOISE = 3.0  # medians of a photo's differences that are no difference
MORE_THAN_THERE = 2.5  # times as odd as at the same place in the neighbours
SAME_DEPTH = 0.1  # relative; else the place is hidden from the neighbour
OPAQUE = 0.5  # alpha below which the model knows nothing
REACH = 0.012  # of the longest side: gaps that are closed, and the margin around what moves
SEEDED = 0.25  # of a region has to be very odd
SAME_STUFF = 0.5  # correlation of details above which a region shows the same in another light
DETAIL_PX, FAINT = 4.0, 0.005  # how far details reach; of less than this, 0 to 1, nothing can be said
GROWTH = 5  # reaches by which a region grows over odd pixels that no neighbour can judge
SMALLEST = 0.004  # of the picture
LARGEST_HOLE = 0.03  # of the picture, that is filled
MOST = 0.6  # of a picture; where more seems to move, the model or the exposure is wrong


@dataclass(frozen=True)
class Sight:
    """A photo beside what the model shows from there, both small."""

    camera: Camera
    photo: NDArray[np.uint8]  # [H, W, 3]
    shown: Float32  # [H, W, 3] in the photo's exposure, 0 to 1
    colour: Float32  # [H, W, 3] the same in the scene's own exposure
    depth: Float32  # [H, W] along z
    alpha: Float32  # [H, W]
    counts: Mask | None  # [H, W] False where the photo must be ignored
    suspect: Mask | None  # [H, W] True where an earlier look saw something move


def find_moving(sights: list[Sight]) -> list[Mask]:
    """Where each photo shows what moves, [H, W] each."""
    differences = [difference(s.photo, s.shown) for s in sights]
    evidence = [_evidence(s) for s in sights]
    colours = [_smooth(s.colour) for s in sights]
    near = neighbours([s.camera for s in sights], NEIGHBOURS)
    found = []
    for index, sight in enumerate(sights):
        low = max(ODD, NOISE * float(np.median(differences[index])))
        odd, unknown = _odd(index, near[index], sights, differences, evidence, colours, low)
        seeds = odd & (differences[index] > low * (VERY_ODD / ODD))
        regions = _regions(odd, seeds, _details(sight))
        moving = _grown(regions, odd | unknown)
        if sight.counts is not None:
            moving &= sight.counts
        found.append(moving if moving.mean() <= MOST else np.zeros_like(moving))
    return found


def difference(photo: NDArray[np.uint8], shown: Float32) -> Float32:
    """How far a photo is off what the model shows within a pixel's distance, [H, W], 0 to 1.

    The largest over the channels.
    """
    mine, theirs = _smooth(photo.astype(np.float32) / 255.0), _smooth(shown)
    around = np.ones((3, 3), np.uint8)
    off = np.maximum(mine - cv2.dilate(theirs, around), cv2.erode(theirs, around) - mine)
    result: Float32 = np.maximum(off.max(axis=2), 0)
    return result


def _smooth(picture: Float32) -> Float32:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), BLUR_PX), np.float32)


def _details(sight: Sight) -> tuple[Float32, Float32]:
    """What is left of photo and model, in grey, when their slow changes are taken away: [H, W] each."""
    greys = [_smooth(p.mean(axis=2, dtype=np.float32)) for p in (sight.photo / np.float32(255), sight.shown)]
    photo, shown = (g - cv2.GaussianBlur(g, (0, 0), DETAIL_PX) for g in greys)
    return photo, shown


def _evidence(sight: Sight) -> Mask:
    """Where a photo may speak for others."""
    speaks: Mask = sight.alpha > OPAQUE
    if sight.counts is not None:
        speaks &= sight.counts
    if sight.suspect is not None:
        speaks &= ~sight.suspect
    return speaks


def _odd(
    index: int,
    near: list[int],
    sights: list[Sight],
    differences: list[Float32],
    evidence: list[Mask],
    colours: list[Float32],
    low: float,
) -> tuple[Mask, Mask]:
    """Pixels at which one photo is off the model and its neighbours are not, and where they can't tell."""
    sight, off = sights[index], differences[index]
    row, column = np.nonzero((off > low) & (sight.alpha > OPAQUE))
    in_world, colour = _in_world(sight, row, column), colours[index][row, column]
    there = np.full((NEIGHBOURS, len(row)), np.inf, np.float32)
    for place, other in enumerate(near):
        seen, rows, columns = _seen_by(sights[other], in_world)
        seen &= evidence[other][rows, columns]
        # Where the model shows something else from there, its depth here is wrong and it is another place.
        apart = np.abs(colours[other][rows, columns] - colour).max(axis=1)
        there[place, seen] = np.maximum(differences[other][rows, columns], apart)[seen]
    count = np.isfinite(there).sum(axis=0)
    there.sort(axis=0)
    middle = np.maximum(np.ceil(AGREE * count).astype(np.int64) - 1, 0)
    usual = there[middle, np.arange(len(row))]
    off_here = off[row, column]
    found = (count >= FEWEST) & (usual < low) & (off_here > MORE_THAN_THERE * usual)
    odd, unknown = np.zeros(off.shape, bool), np.zeros(off.shape, bool)
    odd[row[found], column[found]] = True
    unknown[row[count < FEWEST], column[count < FEWEST]] = True
    return odd, unknown


def _in_world(sight: Sight, row: NDArray[np.int64], column: NDArray[np.int64]) -> Float32:
    """The world positions [N, 3] of what the model shows at pixels."""
    camera, depth = sight.camera, sight.depth[row, column]
    x = (column + 0.5 - camera.centre_x_px) / camera.focal_x_px * depth
    y = (row + 0.5 - camera.centre_y_px) / camera.focal_y_px * depth
    pose = camera.world_from_cam.astype(np.float32)
    points: Float32 = np.stack([x, y, depth], 1).astype(np.float32) @ pose[:3, :3].T + pose[:3, 3]
    return points


def _seen_by(sight: Sight, in_world: Float32) -> tuple[Mask, NDArray[np.int64], NDArray[np.int64]]:
    """Which world positions [N, 3] a photo sees, and at which pixels (0, 0 for the others)."""
    camera, pose = sight.camera, sight.camera.cam_from_world.astype(np.float32)
    in_cam = in_world @ pose[:3, :3].T + pose[:3, 3]
    depth = in_cam[:, 2]
    safe = np.where(depth > 0, depth, np.float32(1))
    x = in_cam[:, 0] / safe * np.float32(camera.focal_x_px) + np.float32(camera.centre_x_px)
    y = in_cam[:, 1] / safe * np.float32(camera.focal_y_px) + np.float32(camera.centre_y_px)
    seen = (depth > 0) & (x >= 0) & (y >= 0) & (x < camera.width) & (y < camera.height)
    columns, rows = np.where(seen, x, 0).astype(np.int64), np.where(seen, y, 0).astype(np.int64)
    at = sight.depth[rows, columns]
    near: Mask = seen & (np.abs(depth - at) < SAME_DEPTH * at)
    return near, rows, columns


def _regions(odd: Mask, seeds: Mask, details: tuple[Float32, Float32]) -> Mask:
    """Regions of odd pixels, closed, large enough, very odd in a good part, and not only lit otherwise."""
    if not seeds.any():
        return np.zeros_like(odd)
    pixels, kernel = odd.size, _disc(max(odd.shape))
    closed = cv2.morphologyEx(odd.astype(np.uint8), cv2.MORPH_CLOSE, kernel)
    opened = cv2.morphologyEx(closed, cv2.MORPH_OPEN, kernel)
    _, labels, facts, _ = cv2.connectedComponentsWithStats(opened, connectivity=8)
    areas = facts[:, cv2.CC_STAT_AREA]
    seeded = np.bincount(labels[seeds], minlength=len(areas))
    kept = (areas >= SMALLEST * pixels) & (seeded >= SEEDED * areas)
    kept[0] = False
    for label in np.flatnonzero(kept):
        kept[label] = _likeness(*(d[labels == label] for d in details)) < SAME_STUFF
    return _filled(kept[labels], LARGEST_HOLE * pixels)


def _grown(region: Mask, weak: Mask) -> Mask:
    """The region with what of the weaker pixels hangs together with it, and a margin around it all."""
    if not region.any():
        return region
    kernel = _disc(max(region.shape))
    for _ in range(GROWTH):
        around = cv2.dilate(region.astype(np.uint8), kernel) > 0
        region = region | (around & weak)
    return np.asarray(cv2.dilate(region.astype(np.uint8), kernel) > 0, bool)


def _disc(side: int) -> NDArray[np.uint8]:
    reach = max(1, round(REACH * side))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    return np.asarray(kernel, np.uint8)


def _likeness(one: Float32, other: Float32) -> float:
    """The correlation of two samples of details, -1 to 1; 0 where there are none."""
    spread = float(np.sqrt((one**2).mean() * (other**2).mean()))
    return float((one * other).mean()) / spread if spread > FAINT**2 else 0.0


def _filled(region: Mask, most: float) -> Mask:
    """The region with its holes of up to so many pixels."""
    _, labels, facts, _ = cv2.connectedComponentsWithStats((~region).astype(np.uint8), connectivity=4)
    left, top, width, height, area = facts.T
    inside = (left > 0) & (top > 0) & (left + width < region.shape[1]) & (top + height < region.shape[0])
    hole = inside & (area <= most)
    hole[0] = False
    filled: Mask = region | hole[labels]
    return filled
