"""What moves is told from what shines, what few photos see and what is lit otherwise."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from setpiece.cameras import Camera
from setpiece.posed import PosedFrame, read_posed_frames
from setpiece.reconstruct.images import Images
from setpiece.reconstruct.masking import Moving
from setpiece.reconstruct.moving import Sight, difference, find_moving

WIDTH, HEIGHT, FAR = 160, 120, 4.0
BOX = (slice(30, 90), slice(60, 100))  # rows and columns: where something stands in a photo


def wall(seed: int = 0) -> NDArray[np.float32]:
    """A wall with a pattern, 240 x 480, 0 to 1."""
    coarse = np.random.default_rng(seed).uniform(0.2, 0.8, (30, 60, 3)).astype(np.float32)
    return np.clip(cv2.resize(coarse, (480, 240), interpolation=cv2.INTER_CUBIC), 0, 1)


def sights(count: int = 9, step: int = 10) -> list[Sight]:
    """Photos of a wall by a camera that moves along it by `step` pixels each, all explained by the model."""
    picture, found = wall(), []
    for k in range(count):
        pose = np.eye(4)
        pose[0, 3] = -k * step * FAR / 100
        camera = Camera(WIDTH, HEIGHT, 100.0, 100.0, WIDTH / 2, HEIGHT / 2, pose)
        shown = np.ascontiguousarray(picture[60:180, 60 + k * step : 60 + k * step + WIDTH])
        flat = np.full((HEIGHT, WIDTH), FAR, np.float32)
        noise = np.random.default_rng(k).normal(0, 3, shown.shape)
        photo = np.clip(shown * 255 + noise, 0, 255).astype(np.uint8)
        found.append(Sight(camera, photo, shown, shown, flat, np.ones_like(flat), None, None))
    return found


def with_box(sight: Sight, value: object = (200, 30, 30)) -> Sight:
    photo = sight.photo.copy()
    photo[BOX] = value
    return replace(sight, photo=photo)


def test_a_still_place_is_left_alone() -> None:
    assert not any(m.any() for m in find_moving(sights()))


@pytest.mark.parametrize("shown_in", [[4], [3, 4, 5], [0]])
def test_what_stands_in_the_way_of_some_photos_is_found(shown_in: list[int]) -> None:
    scene = [with_box(s) if k in shown_in else s for k, s in enumerate(sights())]
    for k, mask in enumerate(find_moving(scene)):
        if k not in shown_in:
            assert not mask.any()
            continue
        assert mask[BOX].mean() > 0.97
        outside = mask.copy()
        outside[24:96, 54:106] = False
        assert outside.mean() < 0.002


def test_what_only_two_photos_see_is_left_alone() -> None:
    scene = sights(5, 60)  # each place is in at most three photos
    assert not find_moving([with_box(s) if k == 2 else s for k, s in enumerate(scene)])[2].any()


def test_the_same_thing_in_another_light_is_left_alone() -> None:
    scene = sights()
    lit = (scene[4].photo[BOX].astype(np.float32) * 0.6 + 90).astype(np.uint8)
    assert not find_moving([with_box(s, lit) if k == 4 else s for k, s in enumerate(scene)])[4].any()


def test_what_the_model_does_not_know_yet_is_left_alone() -> None:
    """All photos disagree with the model there."""
    scene = []
    for sight in sights():
        shown = sight.shown.copy()
        shown[BOX] = 0.95
        scene.append(replace(sight, shown=shown, colour=shown))
    assert not any(m.any() for m in find_moving(scene))


def test_suspects_do_not_speak_and_are_acquitted_when_the_others_explain_them() -> None:
    scene = [with_box(s) if k in (3, 4, 5) else s for k, s in enumerate(sights())]
    first = find_moving(scene)
    again = [replace(s, suspect=m if m.any() else None) for s, m in zip(scene, first, strict=True)]
    again[1] = replace(again[1], suspect=np.ones((HEIGHT, WIDTH), bool))  # wrongly
    second = find_moving(again)
    assert not second[1].any()
    for k in (3, 4, 5):
        assert second[k][BOX].mean() > 0.97


def test_what_is_masked_anyway_is_not_named() -> None:
    counts = np.ones((HEIGHT, WIDTH), bool)
    counts[BOX] = False
    scene = [replace(with_box(s), counts=counts) if k == 4 else s for k, s in enumerate(sights())]
    assert not find_moving(scene)[4][BOX].any()


def test_a_pixel_beside_the_mark_is_no_difference() -> None:
    picture = wall()[:100, :100]
    moved = np.roll(picture, 1, axis=1)
    assert difference((picture * 255).astype(np.uint8), moved)[2:-2, 2:-2].max() < 0.02


def test_masks_survive_a_checkpoint_and_cover_the_pictures(tiny_set: object, tmp_path: Path) -> None:
    frames = read_posed_frames(tiny_set.poses).train  # type: ignore[attr-defined]
    frame: PosedFrame = frames[0]
    mask = np.zeros((15, 20), bool)
    mask[5:10, 5:10] = True
    moving = Moving({frame.name: mask}, 2)
    again = Moving.of_state(moving.state(), frames)
    assert again.looks == 2
    np.testing.assert_array_equal(again.masks[frame.name], mask)
    with pytest.raises(ValueError, match="other frames"):
        Moving.of_state(moving.state(), frames[1:])
    images = Images(tiny_set.path, 1000)  # type: ignore[attr-defined]
    before = images.picture(frame, 0)
    images.mask_moving(moving.masks)
    whole, half = images.picture(frame, 0), images.picture(frame, 1)
    assert whole.mask is not None
    assert half.mask is not None
    assert whole.image is before.image
    assert not whole.mask[11:19, 11:19].any()
    assert not half.mask[5:10, 5:10].any()
    assert images.picture(frames[1], 0).mask is None
    images.mask_moving({})
    assert images.picture(frame, 0).mask is None
    folder = tmp_path / "moving"
    folder.mkdir()
    moving.write(folder, frames)
    assert [p.name for p in folder.iterdir()] == [f"{frame.name}.png"]
