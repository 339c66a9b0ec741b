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

    def __init__(self, orders: list[int]) -> None:
        """`orders` are the frames' positions in the capture, ascending."""
        self.orders = np.asarray(orders, dtype=np.float64)
        self.maps = np.tile(np.eye(3, 4, dtype=np.float32), (len(orders), 1, 1))  # [F, 3, 4]
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

    def predicted(self, order: float) -> Float32:
        """The map of a photo that was not trained on, from its neighbours in the capture: [3, 4].

        Never fitted to the photo's own pixels.
        """
        if len(self.orders) == 0:
            return np.eye(3, 4, dtype=np.float32)
        columns = self.maps.reshape(len(self.maps), 12).T
        values = [np.interp(order, self.orders, column) for column in columns]
        return np.array(values, dtype=np.float32).reshape(3, 4)

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
