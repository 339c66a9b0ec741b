"""The lights of the set: a window full of sky, a low sun, a bulb.

A light answers one question: along which rays must a point look, how far, and how much does it get if the way
is free? "Light" is irradiance over pi, so that a matt surface gives off albedo x light.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from setpiece.capture.demo.geometry.patch import Float32
from setpiece.capture.demo.textures.sheet import Colour


@dataclass(frozen=True)
class Probe:
    """One shadow ray for each of N points."""

    directions: Float32  # [N, 3] unit
    far: Float32  # [N] metres to the light
    weight: Float32  # [N] light that arrives on a free way, in units of the light's colour


class Light(Protocol):
    """Something that lights points directly."""

    @property
    def colour(self) -> Colour:
        """Linear red, green, blue; may exceed 1."""

    def probe(
        self, points: Float32, normals: Float32, stratum: tuple[int, int], rng: np.random.Generator
    ) -> Probe:
        """One random ray per point [N, 3]; `stratum` is (which, of how many) such rays."""


@dataclass(frozen=True)
class WindowLight:
    """A rectangle in the plane x = `x_m` that shines evenly towards +x."""

    x_m: float
    y_m: tuple[float, float]
    z_m: tuple[float, float]
    colour: Colour

    def probe(
        self, points: Float32, normals: Float32, stratum: tuple[int, int], rng: np.random.Generator
    ) -> Probe:
        """Rays to points spread over the rectangle."""
        (y0, y1), (z0, z1) = self.y_m, self.z_m
        corner = (self.x_m, y0, z0)
        return _panel_probe(corner, (0, y1 - y0, 0), (0, 0, z1 - z0), points, normals, stratum, rng)


@dataclass(frozen=True)
class PanelLight:
    """A parallelogram that shines evenly to the side of edge_u x edge_v."""

    corner: tuple[float, float, float]  # world, metres
    edge_u: tuple[float, float, float]
    edge_v: tuple[float, float, float]
    colour: Colour

    def probe(
        self, points: Float32, normals: Float32, stratum: tuple[int, int], rng: np.random.Generator
    ) -> Probe:
        """Rays to points spread over the panel."""
        return _panel_probe(self.corner, self.edge_u, self.edge_v, points, normals, stratum, rng)


@dataclass(frozen=True)
class SunLight:
    """A far light that enters through the plane x = `x_m`."""

    towards: tuple[float, float, float]  # from the set to the sun
    x_m: float
    spread: float  # radius of the sun's disc, radians; haze makes it large
    colour: Colour

    def probe(
        self, points: Float32, normals: Float32, stratum: tuple[int, int], rng: np.random.Generator
    ) -> Probe:
        """Rays to the disc of the sun, as far as the window."""
        n = len(points)
        which, count = stratum
        angle = 2 * np.pi * (which + rng.random(n)) / count
        radius = self.spread * np.sqrt(rng.random(n))
        sun = np.array(self.towards) / np.linalg.norm(self.towards)
        side = np.cross(sun, [0, 0, 1])
        side /= np.linalg.norm(side)
        up = np.cross(side, sun)
        direction = sun + (radius * np.cos(angle))[:, None] * side + (radius * np.sin(angle))[:, None] * up
        direction = (direction / np.linalg.norm(direction, axis=1, keepdims=True)).astype(np.float32)
        far = np.maximum((self.x_m - points[:, 0]) / np.minimum(direction[:, 0], -1e-3), 1e-3)
        weight = np.maximum((direction * normals).sum(1), 0)
        return Probe(direction, far.astype(np.float32), weight.astype(np.float32))


@dataclass(frozen=True)
class BulbLight:
    """A small glowing ball."""

    centre: tuple[float, float, float]
    radius_m: float
    colour: Colour

    def probe(
        self, points: Float32, normals: Float32, stratum: tuple[int, int], rng: np.random.Generator
    ) -> Probe:
        """Rays to points in the ball."""
        target = (
            np.array(self.centre, np.float32)
            + self.radius_m * rng.standard_normal((len(points), 3), np.float32) * 0.6
        )
        way = target - points
        distance = np.linalg.norm(way, axis=1)
        direction = (way / np.maximum(distance, 1e-6)[:, None]).astype(np.float32)
        weight = np.maximum((direction * normals).sum(1), 0) / np.maximum(distance, 0.16) ** 2
        return Probe(direction, distance.astype(np.float32), weight.astype(np.float32))


def _panel_probe(
    corner: tuple[float, float, float],
    edge_u: tuple[float, float, float],
    edge_v: tuple[float, float, float],
    points: Float32,
    normals: Float32,
    stratum: tuple[int, int],
    rng: np.random.Generator,
) -> Probe:
    which, count = stratum
    side = max(1, round(count**0.5))
    a, b = rng.random((2, len(points), 1), np.float32)
    a, b = (which % side + a) / side, (which // side + b) / max(1, -(-count // side))
    origin, u, v = (np.array(x, np.float32) for x in (corner, edge_u, edge_v))
    way = origin + a * u + b * v - points
    distance = np.linalg.norm(way, axis=1)
    direction = way / np.maximum(distance, 1e-6)[:, None]
    face = np.cross(u, v)
    area = float(np.linalg.norm(face))
    given = -(direction @ (face / area))
    received = np.einsum("ij,ij->i", direction, normals)
    weight = np.maximum(received, 0) * np.maximum(given, 0) * area / np.pi / np.maximum(distance, 0.05) ** 2
    return Probe(direction.astype(np.float32), distance.astype(np.float32), weight.astype(np.float32))
