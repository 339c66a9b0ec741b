"""The printed marker, as `setpiece marker` draws it."""

from __future__ import annotations

import cv2
import numpy as np

from setpiece.capture.demo.geometry.patch import Paint
from setpiece.capture.demo.textures.sheet import Float32, Sheet, albedo
from setpiece.capture.scale.sheet import tag_cells
from setpiece.capture.scale.tags import CELLS

SIDE_M = 0.2  # of the square with its white edge, one cell wide
TEXEL_M = 0.001  # twenty to a cell: edges lie between texels


def marker_print(number: int) -> Paint:
    """A paint of marker `number`, black on paper, with its white edge."""

    def paint(sheet: Sheet) -> Float32:
        black = np.pad(tag_cells(number), 1).astype(np.float32)
        size = CELLS + 2
        finer = -(-max(sheet.width, sheet.height) // size)
        drawn = cv2.resize(black, (size * finer, size * finer), interpolation=cv2.INTER_NEAREST)
        ink = cv2.resize(drawn, (sheet.width, sheet.height), interpolation=cv2.INTER_AREA)
        return albedo(sheet.flat((0.94, 0.94, 0.92)) * (1 - 0.94 * ink)[..., None])

    return paint
