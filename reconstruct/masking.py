"""What moves in the photos of a training: looked for on the way, kept in checkpoints, written to the set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from setpiece.posed import PosedFrame
from setpiece.reconstruct.engine import Engine
from setpiece.reconstruct.evaluation import Look, View, file_stem, shown_by
from setpiece.reconstruct.images import Images
from setpiece.reconstruct.moving import Mask, Sight, find_moving

FEWEST_TRAINED = 2  # training frames in which something has to move for a held-out one to be masked
SIDE = 320  # pixels; the longest side that is looked at is at most this


@dataclass(frozen=True)
class Moving:
    """Masks of what moves by the frame's name, and how often it was looked for."""

    masks: dict[str, Mask] = field(default_factory=dict)  # [H, W] small, True where something moves
    looks: int = 0

    def looked(self, engine: Engine, images: Images, views: list[View], look: Look) -> Moving:
        """What is seen to move now that it is looked for once more.

        In held-out frames only if something moves in training frames, too: they are masked to be judged by
        what can be right in them, not to look better.
        """
        views = sorted(views, key=lambda v: v.frame.order)
        images.mask_moving({})
        sights = [self._sight(engine, images, view, look) for view in views]
        found = zip(views, find_moving(sights), strict=True)
        masks = {v.frame.name: (v.frame.split, mask) for v, mask in found if mask.any()}
        seen_in_training = sum(split == "train" for split, _ in masks.values()) >= FEWEST_TRAINED
        return Moving(
            {name: mask for name, (split, mask) in masks.items() if seen_in_training or split == "train"},
            self.looks + 1,
        )

    def _sight(self, engine: Engine, images: Images, view: View, look: Look) -> Sight:
        picture = images.picture(view.frame, images.level_within(view.frame, SIDE))
        seen = engine.render(
            picture.camera, background=look.background, sh_degree=look.sh_degree, antialias=look.antialias
        )
        return Sight(
            camera=picture.camera,
            photo=picture.image,
            shown=shown_by(seen, view.exposure),
            colour=seen.colour,
            depth=seen.depth,
            alpha=seen.alpha,
            counts=None if picture.mask is None else picture.mask != 0,
            suspect=self.masks.get(view.frame.name),
        )

    def state(self) -> dict[str, NDArray[np.generic]]:
        """All that `of_state` needs."""
        return {"looks": np.array(self.looks), **{f"mask.{name}": mask for name, mask in self.masks.items()}}

    @classmethod
    def of_state(cls, state: dict[str, NDArray[np.generic]], frames: Sequence[PosedFrame]) -> Moving:
        """What `state` came from. Raises KeyError or ValueError if it is of other frames."""
        masks = {
            f.name: np.asarray(state[f"mask.{f.name}"], bool) for f in frames if f"mask.{f.name}" in state
        }
        if len(masks) + 1 != len(state):
            raise ValueError("masks of what moves in other frames")
        return cls(masks, int(state["looks"]))

    def mean_share(self, frames: Sequence[PosedFrame]) -> float:
        """Which part of all frames moves, 0 to 1."""
        return sum(float(mask.mean()) for mask in self.masks.values()) / max(1, len(frames))

    def sentence(self, frames: int) -> str:
        """What was masked, for people."""
        if not self.masks:
            return ""
        return (
            f"Something that moves was masked in {len(self.masks)} of {frames} photos "
            "(splats/moving/; --keep-moving keeps it)."
        )

    def write(self, folder: Path, frames: Sequence[PosedFrame]) -> None:
        """Write a mask NAME.png, as large as its picture, for each frame with something moving: 0 there."""
        for frame in frames:
            if frame.name in self.masks:
                still = np.where(self.masks[frame.name], 0, 255).astype(np.uint8)
                size = (frame.camera.width, frame.camera.height)
                whole: Any = cv2.resize(still, size, interpolation=cv2.INTER_LINEAR)
                _, data = cv2.imencode(".png", np.where(whole < 128, 0, 255).astype(np.uint8))
                (folder / f"{file_stem(frame)}.png").write_bytes(data.tobytes())
