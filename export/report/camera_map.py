"""Where the photos were taken, seen from above, as inline SVG."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup, escape

from setpiece.posed import PosedFrames

SIZE = 640
MOST_POINTS = 6000  # of the sparse points that are drawn


def camera_map(posed: PosedFrames, unit: str) -> Markup:
    """Cameras (wedges, in capture order), sparse points in their colours, x to the right and y up.

    The picture shows the cameras and the middle 96 % of the points; a bar with its length in `unit` says
    how large that is.
    """
    centres = np.array([f.camera.centre_in_world for f in posed.frames])
    forward = np.array([f.camera.world_from_cam[:3, 2] for f in posed.frames])
    points, rgb = posed.points.points_in_world, posed.points.rgb
    if len(points) > MOST_POINTS:
        rows = np.random.default_rng(0).choice(len(points), MOST_POINTS, replace=False)
        points, rgb = points[rows], rgb[rows]
    seen = centres[:, :2]
    if len(points):
        middle = np.percentile(points[:, :2], [2, 98], axis=0)
        seen = np.concatenate([seen, middle])
    low, high = seen.min(axis=0), seen.max(axis=0)
    extent = float((high - low).max()) or 1.0
    centre = (low + high) / 2
    scale = 0.9 * SIZE / extent

    def place(xy: np.ndarray) -> np.ndarray:
        placed: np.ndarray = np.stack(
            [SIZE / 2 + (xy[..., 0] - centre[0]) * scale, SIZE / 2 - (xy[..., 1] - centre[1]) * scale],
            axis=-1,
        )
        return placed

    parts = [f'<svg viewBox="0 0 {SIZE} {SIZE}" class="map" role="img" aria-label="Cameras seen from above">']
    for (u, v), (r, g, b) in zip(place(points[:, :2]), rgb, strict=True):
        if 0 <= u <= SIZE and 0 <= v <= SIZE:
            parts.append(
                f'<rect x="{u:.0f}" y="{v:.0f}" width="2" height="2" fill="#{r:02x}{g:02x}{b:02x}"/>'
            )
    path = " ".join(f"{u:.1f},{v:.1f}" for u, v in place(centres[:, :2]))
    parts.append(f'<polyline class="walk" points="{path}"/>')
    length = 0.035 * extent
    drawn: set[str] = set()  # panoramas
    for frame, c, f in zip(posed.frames, centres, forward, strict=True):
        if frame.instant is not None:
            if frame.instant not in drawn:
                u, v = place(c[:2])
                parts.append(
                    f'<circle class="camera {frame.split}" cx="{u:.1f}" cy="{v:.1f}" r="6">'
                    f"<title>{escape(frame.instant)}</title></circle>"
                )
            drawn.add(frame.instant)
            continue
        ahead = f[:2] * length
        side = np.array([-f[1], f[0]]) * length * 0.45
        corners = place(np.array([c[:2], c[:2] + ahead + side, c[:2] + ahead - side]))
        d = "M" + "L".join(f"{u:.1f},{v:.1f}" for u, v in corners) + "Z"
        parts.append(f'<path class="camera {frame.split}" d="{d}"><title>{escape(frame.name)}</title></path>')
    bar = 10.0 ** np.floor(np.log10(extent / 2))
    parts.append(f'<path class="bar" d="M16,{SIZE - 18}h{bar * scale:.1f}"/>')
    parts.append(f'<text x="16" y="{SIZE - 26}">{bar:g} {escape(unit)}</text></svg>')
    return Markup("".join(parts))
