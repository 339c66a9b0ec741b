"""How the numbers of a clip are meant: matrix, range, transfer and primaries, as its stream says.

The numbers are those of ITU-T H.273 (tables 2 to 4), which all codecs and containers share.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from setpiece.capture.video.transfer import HLG_PEAK

Matrix = NDArray[np.float64]


class Transfer(enum.Enum):
    """How light became a signal."""

    SDR = "SDR"  # shown as sRGB, as browsers and phones do
    HLG = "HLG"
    PQ = "PQ"


_TRANSFERS = {16: Transfer.PQ, 18: Transfer.HLG}
_BT709, _BT2020 = (0.2126, 0.0722), (0.2627, 0.0593)
_LUMA = {  # matrix coefficients: Kr, Kb
    1: _BT709,
    4: (0.30, 0.11),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    7: (0.212, 0.087),
    9: _BT2020,
    10: _BT2020,
}
_D65 = (0.3127, 0.3290)
_BT709_PRIMARIES = ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060))
_PRIMARIES = {  # x, y of red, green, blue; all with white D65
    1: _BT709_PRIMARIES,
    5: ((0.640, 0.330), (0.290, 0.600), (0.150, 0.060)),
    6: ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070)),
    7: ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070)),
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
}
_HD_HEIGHT = 720  # pixels; below, a clip that says nothing has the matrix of standard definition


@dataclass(frozen=True)
class Colour:
    """How a clip's numbers are to be read."""

    luma: tuple[float, float]  # Kr, Kb of the matrix
    full_range: bool
    transfer: Transfer
    primaries: tuple[tuple[float, float], ...]
    peak_nits: float = HLG_PEAK  # of the screen that a PQ clip was made for

    @property
    def is_plain(self) -> bool:
        """Whether the R'G'B' numbers are sRGB as they are."""
        return self.transfer is Transfer.SDR and self.primaries == _BT709_PRIMARIES


def colour_of(
    matrix: int, full_range: bool, transfer: int, primaries: int, height: int, peak_nits: float | None = None
) -> Colour:
    """The meaning of H.273 code points; what they leave open is what players take it for."""
    curve = _TRANSFERS.get(transfer, Transfer.SDR)
    is_hdr = curve is not Transfer.SDR
    by_size = _BT709 if height >= _HD_HEIGHT else _LUMA[6]
    return Colour(
        luma=_LUMA.get(matrix, _BT2020 if is_hdr else by_size),
        full_range=full_range,
        transfer=curve,
        primaries=_PRIMARIES.get(primaries, _PRIMARIES[9] if is_hdr else _BT709_PRIMARIES),
        peak_nits=peak_nits or HLG_PEAK,
    )


def rgb_from_ycbcr(luma: tuple[float, float]) -> Matrix:
    """R'G'B' from Y'CbCr (Y' 0 to 1, Cb and Cr -0.5 to 0.5), [3, 3]; H.273, equations 38 to 40."""
    kr, kb = luma
    kg = 1 - kr - kb
    return np.array(
        [
            [1, 0, 2 * (1 - kr)],
            [1, -2 * (1 - kb) * kb / kg, -2 * (1 - kr) * kr / kg],
            [1, 2 * (1 - kb), 0],
        ]
    )


def bt709_from(primaries: tuple[tuple[float, float], ...]) -> Matrix:
    """Linear BT.709 (and sRGB) from linear light of other primaries with white D65, [3, 3]."""
    matrix: Matrix = np.linalg.inv(_xyz_from(_BT709_PRIMARIES)) @ _xyz_from(primaries)
    return matrix


def luminance_of(primaries: tuple[tuple[float, float], ...]) -> NDArray[np.float64]:
    """The luminance of linear red, green and blue of these primaries, [3]; sums to 1."""
    row: NDArray[np.float64] = _xyz_from(primaries)[1]
    return row


def _xyz_from(primaries: tuple[tuple[float, float], ...]) -> Matrix:
    """XYZ from linear RGB (SMPTE RP 177), white at Y = 1."""
    columns = np.array([[x / y, 1.0, (1 - x - y) / y] for x, y in primaries]).T
    x, y = _D65
    white = np.array([x / y, 1.0, (1 - x - y) / y])
    matrix: Matrix = columns * np.linalg.solve(columns, white)
    return matrix
