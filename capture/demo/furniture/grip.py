"""Film gear that was left standing in the set: stands, a lamp head, a soft box, apple boxes, film cans."""

from __future__ import annotations

import numpy as np

from setpiece.capture.demo.geometry.box import box
from setpiece.capture.demo.geometry.lathe import cylinder, disc, lathe
from setpiece.capture.demo.geometry.patch import Patch, grid_patch, quad
from setpiece.capture.demo.geometry.placement import moved, placed, rotation, translation
from setpiece.capture.demo.geometry.tube import tube
from setpiece.capture.demo.textures.fabric import cloth
from setpiece.capture.demo.textures.lettering import printed
from setpiece.capture.demo.textures.plain import coat, metal, rings
from setpiece.capture.demo.textures.printed import label, stencilled
from setpiece.capture.demo.textures.wood import PINE, wood

BLACK = (0.17, 0.17, 0.18)


def stand(name: str, height_m: float, spread_m: float = 0.42) -> list[Patch]:
    """A light stand with three legs and two clamps."""
    steel = metal((0.50, 0.50, 0.52), 0.2, along_x=False)
    parts = tube(f"{name}/pole", [[0, 0, 0.10], [0, 0, height_m * 0.5], [0, 0, height_m]], 0.016, steel)
    for k in range(3):
        a = np.radians(90 + 120 * k)
        foot = [spread_m * np.cos(a), spread_m * np.sin(a), 0.012]
        brace = [0.55 * foot[0], 0.55 * foot[1], 0.265]
        parts += tube(f"{name}/leg{k}", [[0, 0, 0.60], brace, foot], 0.012, steel, sides=8)
        parts += tube(f"{name}/brace{k}", [[0, 0, 0.16], brace], 0.007, steel, sides=6)
    for k, z in enumerate((0.62, height_m * 0.66)):
        parts += placed(cylinder(f"{name}/clamp{k}", 0.028, 0.06, coat(BLACK, 0.1), sides=16), 0, 0, z)
    return parts


def fresnel_lamp() -> list[Patch]:
    """A lamp head with a stepped lens and barn doors on a stand, looking along -y."""
    body = coat((0.60, 0.20, 0.13), 0.06, 0.5, 0.06)
    black = coat(BLACK, 0.12, 0.3)
    head = lathe(
        "fresnel/body",
        [(0.0, 0.30), (0.10, 0.30), (0.125, 0.26), (0.13, 0.05), (0.145, 0.05), (0.145, 0.0)],
        body,
        sides=32,
    )
    head += moved(
        disc("fresnel/lens", 0.128, 0.0, rings((0.72, 0.76, 0.78)), gloss=1.0),
        translation(0, 0, 0.012),
        rotation("x", 180),
    )
    for k in range(4):
        door = quad(f"fresnel/door{k}", (-0.10, 0, 0.0), (0.20, 0, 0), (0.0, -0.10, -0.11), black)
        back = quad(f"fresnel/inside{k}", (0.10, 0.001, 0.0), (-0.20, 0, 0), (0.0, -0.10, -0.11), black)
        head += moved([door, back], rotation("z", 90.0 * k), translation(0, -0.145, 0))
    parts = moved(head, translation(0, 0, 1.78), rotation("x", -78), translation(0, 0, -0.15))
    yoke = [[-0.165, 0, 1.78], [-0.165, 0, 1.60], [0, 0, 1.55], [0.165, 0, 1.60], [0.165, 0, 1.78]]
    return parts + tube("fresnel/yoke", yoke, 0.011, black, sides=8) + stand("fresnel/stand", 1.56)


def soft_box(glow: float) -> list[Patch]:
    """A soft box of 1.1 x 0.8 m on a stand; its shining side looks along -y, its middle is 2.1 m high."""
    w, h, deep = 1.1, 0.8, 0.35
    black = cloth((0.13, 0.13, 0.14))
    parts = [
        quad(
            "softbox/front",
            (-w / 2, 0, h / 2),
            (w, 0, 0),
            (0, 0, -h),
            coat((0.97, 0.95, 0.90), 0.02, 0.0),
            glow=glow,
        )
    ]
    back = 0.10
    corners = [(-w / 2, h / 2), (w / 2, h / 2), (w / 2, -h / 2), (-w / 2, -h / 2)]
    small = [(-back, back), (back, back), (back, -back), (-back, -back)]
    for k in range(4):
        (x0, z0), (x1, z1) = corners[k], corners[(k + 1) % 4]
        (s0, t0), (s1, t1) = small[k], small[(k + 1) % 4]
        grid = np.array([[[x0, 0, z0], [x1, 0, z1]], [[s0, deep, t0], [s1, deep, t1]]])[:, ::-1]
        parts.append(grid_patch(f"softbox/side{k}", grid, black))
    parts.append(quad("softbox/back", (back, deep, back), (-2 * back, 0, 0), (0, 0, -2 * back), coat(BLACK)))
    return moved(parts, translation(0, 0, 2.1), rotation("x", 14)) + placed(
        stand("softbox/stand", 2.0, 0.5), 0, 0.28
    )


def apple_box(name: str, height_m: float, text: str) -> list[Patch]:
    """A grip's wooden box, 0.51 x 0.305 m, with a hand hole and a stencil."""
    pine = wood(PINE, 0.30, 1.0, wear=1.6)
    paints = {"front": stencilled(pine, text, 0.42), "back": stencilled(pine, text, 0.42)}
    parts = box(name, (0.51, 0.305, height_m), pine, paints=paints, texel_m=0.0016)
    if height_m > 0.15:
        hole = quad(
            f"{name}/hole",
            (-0.05, -0.154, height_m * 0.90),
            (0.10, 0, 0),
            (0, 0, -0.03),
            coat((0.10, 0.07, 0.05)),
        )
        parts.append(hole)
    return parts


def film_can(name: str, text: str) -> list[Patch]:
    """A round tin for 300 m of film with a label on its lid and tape around it."""
    tin = metal((0.66, 0.66, 0.64), 0.5)
    parts = cylinder(
        name, 0.13, 0.038, tin, top=rings((0.68, 0.68, 0.66)), sides=44, texel_m=0.0015, gloss=0.5
    )
    note = quad(
        f"{name}/label",
        (-0.075, 0.03, 0.0392),
        (0.15, 0, 0),
        (0, -0.06, 0),
        printed((0.86, 0.82, 0.7), label(text), 360),
        texel_m=0.001,
    )
    return [*parts, note]
