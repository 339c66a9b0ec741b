"""Old plaster: trowel marks, hairline cracks, patches where the paint has gone."""

from __future__ import annotations

import numpy as np

from setpiece.capture.demo.geometry.patch import Paint
from setpiece.capture.demo.textures.sheet import Colour, Float32, Sheet, albedo, mix, step


def plaster(colour: Colour, under: Colour = (0.62, 0.56, 0.48), age: float = 1.0) -> Paint:
    """A paint of plaster in `colour` over a coat of `under`; `age` 0 is new."""

    def paint(sheet: Sheet) -> Float32:
        large, middle = sheet.noise(0.8, 4, salt=1), sheet.noise(0.16, 4, salt=2)
        fine = sheet.noise(0.02, 4, salt=3)
        wall = sheet.flat(colour) * (1 + 0.045 * large + 0.035 * middle + 0.03 * fine)[..., None]
        faded = step(0.35, 1.3, sheet.noise(0.5, 6, salt=4))
        wall = mix(wall, tuple(0.5 * c + 0.45 for c in colour), 0.35 * age * faded)  # type: ignore[arg-type]
        bare = step(1.55, 1.68, sheet.noise(0.45, 6, salt=5, gain=0.6))
        wall = mix(wall, sheet.flat(under) * (1 + 0.10 * fine)[..., None], 0.9 * age * bare)
        cracks = np.abs(sheet.noise(0.6, 5, salt=6)) + 0.06 * np.abs(fine)
        crack = step(0.022, 0.008, cracks) * step(-0.2, 0.8, sheet.noise(0.9, 2, salt=7))
        wall = wall * (1 - 0.45 * age * crack)[..., None]
        specks = step(2.1, 2.5, sheet.noise(0.010, 2, salt=8))
        wall = wall * (1 - 0.35 * age * specks)[..., None]
        stain = step(0.9, 2.4, sheet.noise((0.10, 0.9), 4, salt=9))
        wall = wall * (1 - 0.16 * age * stain)[..., None]
        height = 0.0011 * fine + 0.0016 * middle - 0.003 * age * bare
        return albedo(wall * sheet.relief(height, 0.55))

    return paint
