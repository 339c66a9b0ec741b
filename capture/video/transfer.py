"""From the signal of HDR video to the light of an sRGB screen, as curves of one variable.

Letters: E' is the signal, 0 to 1; E scene light, 0 to 1 (HLG); F light of the screen in cd/m2 (nits). Y is
the luminance of a colour.

HLG (ITU-R BT.2100-2, table 5) holds scene light. E' becomes E by the inverse OETF; the screen shows F = 1000
Y^0.2 E for the reference screen of 1000 nits, whose system gamma is 1.2. PQ (table 4) holds F itself.

A screen for sRGB shows less. Report ITU-R BT.2408-7 puts diffuse white at 203 nits, so that becomes the
brightest sRGB white, and what is brighter is bent down by the EETF of Report ITU-R BT.2390-11, section
5.4.1, from the peak of the source (1000 nits where it says nothing). It leaves all below 85 nits as it is:
diffuse white comes out at 0.90 of the sRGB range, and lamps keep their shape.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Curve = NDArray[np.float64]

HLG_PEAK = 1000.0  # nits, BT.2100 reference screen
HLG_GAMMA = 1.2  # BT.2100, system gamma at 1000 nits
DIFFUSE_WHITE = 203.0  # nits, BT.2408 table 1
_HLG_A, _HLG_B, _HLG_C = 0.17883277, 0.28466892, 0.55991073  # BT.2100 table 5
_PQ_M1, _PQ_M2 = 2610 / 16384, 2523 / 4096 * 128  # BT.2100 table 4
_PQ_C1, _PQ_C2, _PQ_C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32


def hlg_scene_light(signal: Curve) -> Curve:
    """E from E', the inverse OETF."""
    high = (np.exp((np.maximum(signal, 0.5) - _HLG_C) / _HLG_A) + _HLG_B) / 12
    light: Curve = np.where(signal <= 0.5, np.sign(signal) * signal**2 / 3, high)
    return light


def hlg_signal(light: Curve) -> Curve:
    """E' from E, the OETF."""
    high = _HLG_A * np.log(np.maximum(12 * light - _HLG_B, 1e-9)) + _HLG_C
    signal: Curve = np.where(light <= 1 / 12, np.sqrt(3 * np.maximum(light, 0)), high)
    return signal


def pq_nits(signal: Curve) -> Curve:
    """F from E', the EOTF."""
    power = np.maximum(signal, 0) ** (1 / _PQ_M2)
    nits: Curve = 10_000 * (np.maximum(power - _PQ_C1, 0) / (_PQ_C2 - _PQ_C3 * power)) ** (1 / _PQ_M1)
    return nits


def pq_signal(nits: Curve) -> Curve:
    """E' from F, the inverse EOTF."""
    power = (np.maximum(nits, 0) / 10_000) ** _PQ_M1
    signal: Curve = ((_PQ_C1 + _PQ_C2 * power) / (1 + _PQ_C3 * power)) ** _PQ_M2
    return signal


def tone_mapped(nits: Curve, peak: float) -> Curve:
    """Light of an sRGB screen, 0 to 1, for light of a source with that `peak` in nits.

    BT.2390 EETF with black left alone: straight below the knee, a Hermite spline above, in PQ.
    """
    peak = max(peak, DIFFUSE_WHITE)
    top = float(pq_signal(np.array(peak)))
    highest = float(pq_signal(np.array(DIFFUSE_WHITE))) / top
    knee = 1.5 * highest - 0.5
    e1 = np.minimum(pq_signal(nits) / top, 1.0)
    t = (e1 - knee) / max(1 - knee, 1e-9)
    spline = (
        (2 * t**3 - 3 * t**2 + 1) * knee
        + (t**3 - 2 * t**2 + t) * (1 - knee)
        + (-2 * t**3 + 3 * t**2) * highest
    )
    mapped: Curve = pq_nits(np.where(e1 < knee, e1, spline) * top) / DIFFUSE_WHITE
    return np.minimum(mapped, 1.0)


def hlg_gain(scene_luminance: Curve) -> Curve:
    """What scene light E is multiplied with to give light of an sRGB screen, by its luminance Y."""
    y = np.maximum(scene_luminance, 1e-6)
    gain: Curve = tone_mapped(HLG_PEAK * y**HLG_GAMMA, HLG_PEAK) / y
    return gain


def pq_gain(nits: Curve, peak: float) -> Curve:
    """What light of the source, in units of 10,000 nits, is multiplied with, by its luminance."""
    y = np.maximum(nits, 1e-8)
    gain: Curve = tone_mapped(10_000 * y, peak) / y
    return gain


def srgb_signal(light: Curve) -> Curve:
    """The sRGB signal of light, both 0 to 1 (IEC 61966-2-1)."""
    bent = 1.055 * np.maximum(light, 0.0031308) ** (1 / 2.4) - 0.055
    signal: Curve = np.where(light <= 0.0031308, 12.92 * light, bent)
    return signal


def srgb_light(signal: Curve) -> Curve:
    """The light of an sRGB signal, both 0 to 1."""
    light: Curve = np.where(
        signal <= 0.04045, signal / 12.92, ((np.maximum(signal, 0) + 0.055) / 1.055) ** 2.4
    )
    return light
