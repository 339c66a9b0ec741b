"""Adam (Kingma and Ba 2015) that leaves alone what a step did not see."""

from __future__ import annotations

import torch
from torch import Tensor

_BETA1, _BETA2, _EPSILON = 0.9, 0.999, 1e-15


class Adam:
    """The moments of one parameter tensor [N, ...]."""

    def __init__(self, parameter: Tensor) -> None:
        self.first = torch.zeros_like(parameter)
        self.second = torch.zeros_like(parameter)

    def update(self, parameter: Tensor, seen: Tensor, rate: Tensor | float, step: int) -> None:
        """Move the rows of `parameter` that are `seen` ([N] bool) by its gradient; `step` counts from 1."""
        with torch.no_grad():
            gradient = parameter.grad
            if gradient is None:
                return
            rows = seen.reshape(-1, *[1] * (parameter.dim() - 1))
            self.first = torch.where(rows, self.first + (1 - _BETA1) * (gradient - self.first), self.first)
            self.second = torch.where(
                rows, self.second + (1 - _BETA2) * (gradient**2 - self.second), self.second
            )
            root = torch.sqrt(self.second / (1 - _BETA2**step)) + _EPSILON
            change = rate * self.first / (1 - _BETA1**step) / root
            parameter -= torch.where(rows, change, torch.zeros_like(change))

    def inherit(self, parents: Tensor, fresh: Tensor) -> None:
        """Rows from their parents' rows; fresh ones start at zero."""
        keep = (~fresh).reshape(-1, *[1] * (self.first.dim() - 1))
        self.first = self.first[parents] * keep
        self.second = self.second[parents] * keep
