"""How the exposure and white balance of each photo differ from the scene's: one affine map of colour each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]

_BETA1, _BETA2, _EPSILON = 0.9, 0.999, 1e-15  # Adam's; Kingma and Ba 2015


class Exposures:
    """Maps [3, 4] for F training frames: the photo shows map[:, :3] @ rendered_rgb + map[:, 3].

    The mean of all maps stays the identity, so that the scene keeps the mean look of its photos.
    """

    def __init__(
        self, orders: list[int], gains: list[tuple[float, float, float] | None] | None = None
    ) -> None:
        """`orders` are the frames' positions in the capture, ascending; maps start at the frames' `gains`."""
        self.orders = np.asarray(orders, dtype=np.float64)
        self.maps = np.tile(np.eye(3, 4, dtype=np.float32), (len(orders), 1, 1))  # [F, 3, 4]
        self.gains = np.array([g or (1, 1, 1) for g in gains or [None] * len(orders)], np.float64)  # [F, 3]
        self.middle = self.gains.mean(axis=0) if len(orders) else np.ones(3)
        self.gains = (self.gains / self.middle).reshape(len(orders), 3)
        self.maps[:, range(3), range(3)] = self.gains
        self._first = np.zeros_like(self.maps)
        self._second = np.zeros_like(self.maps)
        self._updates = np.zeros(len(orders), dtype=np.int64)

    def update(self, frame: int, gradient: Float32, rate: float) -> None:
        """One Adam step for a frame; `gradient` is dL/d(map), [3, 4]."""
        if not np.isfinite(gradient).all():
            return
        self._updates[frame] += 1
        count = self._updates[frame]
        first, second = self._first[frame], self._second[frame]
        first += (1 - _BETA1) * (gradient - first)
        second += (1 - _BETA2) * (gradient**2 - second)
        corrected = first / (1 - _BETA1**count)
        step = rate * corrected / (np.sqrt(second / (1 - _BETA2**count)) + _EPSILON)
        self.maps[frame] -= step
        self.maps += (step / len(self.maps)).astype(np.float32)  # the mean stays where it was

    def predicted(self, order: float, gains: tuple[float, float, float] | None = None) -> Float32:
        """The map of a photo that was not trained on: [3, 4].

        Its own gains, where they are known, and what its neighbours in the capture learned beyond theirs.
        Never fitted to a render of it.
        """
        if len(self.orders) == 0:
            return np.eye(3, 4, dtype=np.float32)
        # The rows of a map are the channels of the photo.
        beyond = self.maps if gains is None else self.maps / self.gains[:, :, None]
        columns = beyond.reshape(len(self.maps), 12).T
        values = np.array([np.interp(order, self.orders, column) for column in columns]).reshape(3, 4)
        if gains is not None:
            values *= (np.array(gains) / self.middle)[:, None]
        return np.asarray(values, np.float32)

    def state(self) -> dict[str, NDArray[np.generic]]:
        """All that `load_state` needs."""
        return {
            "maps": self.maps.copy(),
            "first": self._first.copy(),
            "second": self._second.copy(),
            "updates": self._updates.copy(),
        }

    def load_state(self, state: dict[str, NDArray[np.generic]]) -> None:
        """Go on from `state`. Raises KeyError or ValueError if it is of other frames."""
        if state["maps"].shape != self.maps.shape:
            raise ValueError(f"exposures of {len(state['maps'])} frames, expected {len(self.maps)}")
        self.maps = np.array(state["maps"], dtype=np.float32)
        self._first = np.array(state["first"], dtype=np.float32)
        self._second = np.array(state["second"], dtype=np.float32)
        self._updates = np.array(state["updates"], dtype=np.int64)
