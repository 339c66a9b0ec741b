"""Sensor widths of cameras that write a focal length in millimetres but no 35 mm equivalent.

Facts from the makers' data sheets, millimetres along the longer side. Matched by the beginning of the EXIF
model name, longest first.
"""

from __future__ import annotations

_FULL_FRAME = 36.0
_APS_C_CANON = 22.3
_APS_C = 23.5
_FOUR_THIRDS = 17.3
_ONE_INCH = 13.2

SENSOR_WIDTH_MM: dict[str, float] = {
    "canon eos 5d": _FULL_FRAME,
    "canon eos 6d": _FULL_FRAME,
    "canon eos r": _FULL_FRAME,
    "canon eos r10": _APS_C_CANON,
    "canon eos r50": _APS_C_CANON,
    "canon eos r7": _APS_C_CANON,
    "canon eos": _APS_C_CANON,
    "canon eos-1d": 28.7,
    "canon eos-1d x": _FULL_FRAME,
    "canon eos-1ds": _FULL_FRAME,
    "nikon d3": _FULL_FRAME,
    "nikon d3000": _APS_C,
    "nikon d3100": _APS_C,
    "nikon d3200": _APS_C,
    "nikon d3300": _APS_C,
    "nikon d3400": _APS_C,
    "nikon d3500": _APS_C,
    "nikon d4": _FULL_FRAME,
    "nikon d40": _APS_C,
    "nikon d5": _FULL_FRAME,
    "nikon d50": _APS_C,
    "nikon d5000": _APS_C,
    "nikon d5100": _APS_C,
    "nikon d5200": _APS_C,
    "nikon d5300": _APS_C,
    "nikon d5500": _APS_C,
    "nikon d5600": _APS_C,
    "nikon d500": _APS_C,
    "nikon d600": _FULL_FRAME,
    "nikon d610": _FULL_FRAME,
    "nikon d700": _FULL_FRAME,
    "nikon d70": _APS_C,
    "nikon d7000": _APS_C,
    "nikon d7100": _APS_C,
    "nikon d7200": _APS_C,
    "nikon d7500": _APS_C,
    "nikon d750": _FULL_FRAME,
    "nikon d780": _FULL_FRAME,
    "nikon d800": _FULL_FRAME,
    "nikon d810": _FULL_FRAME,
    "nikon d850": _FULL_FRAME,
    "nikon d80": _APS_C,
    "nikon d90": _APS_C,
    "nikon z 5": _FULL_FRAME,
    "nikon z 50": _APS_C,
    "nikon z 6": _FULL_FRAME,
    "nikon z 7": _FULL_FRAME,
    "nikon z 8": _FULL_FRAME,
    "nikon z 9": _FULL_FRAME,
    "nikon z fc": _APS_C,
    "ilce-7": _FULL_FRAME,
    "ilce-9": _FULL_FRAME,
    "ilce-1": _FULL_FRAME,
    "ilce-5": _APS_C,
    "ilce-6": _APS_C,
    "dsc-rx1": _FULL_FRAME,
    "dsc-rx10": _ONE_INCH,
    "dsc-rx100": _ONE_INCH,
    "zv-1": _ONE_INCH,
    "zv-e10": _APS_C,
    "x-t": _APS_C,
    "x-e": _APS_C,
    "x-pro": _APS_C,
    "x100": _APS_C,
    "x-s": _APS_C,
    "x-h": _APS_C,
    "e-m": _FOUR_THIRDS,
    "om-1": _FOUR_THIRDS,
    "om-5": _FOUR_THIRDS,
    "dmc-g": _FOUR_THIRDS,
    "dc-g": _FOUR_THIRDS,
    "dc-s": _FULL_FRAME,
    "pentax k-1": _FULL_FRAME,
    "pentax k": _APS_C,
    "leica q": _FULL_FRAME,
    "gr iii": _APS_C,
    "ricoh gr": _APS_C,
    "fc6310": _ONE_INCH,  # DJI Phantom 4 Pro
    "fc3411": _ONE_INCH,  # DJI Air 2S
    "l1d-20c": _ONE_INCH,  # DJI Mavic 2 Pro
    "l2d-20c": _FOUR_THIRDS,  # DJI Mavic 3
    "fc220": 6.17,  # DJI Mavic Pro
    "fc330": 6.17,  # DJI Phantom 4
    "iphone 4s": 4.54,
    "iphone 5": 4.54,
    "iphone 5s": 4.89,
    "iphone 6": 4.89,
}


def sensor_width_mm(model: str) -> float | None:
    """The longer side of the sensor of a camera model, or None if the model is not in the table."""
    name = model.casefold().replace("nikon corporation", "nikon").strip()
    matches = [known for known in SENSOR_WIDTH_MM if name.startswith(known)]
    return SENSOR_WIDTH_MM[max(matches, key=len)] if matches else None
