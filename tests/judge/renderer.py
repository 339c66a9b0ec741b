"""What a camera sees of a few Gaussians, in float64 PyTorch with autograd: dense, slow and obvious.

Every Gaussian is evaluated at every pixel. The conventions are those at the top of
`setpiece.reconstruct.engine`. Letters: mu mean, S covariance, J Jacobian of the projection, z depth,
a alpha, T transmittance. Kerbl et al. 2023, section 4 and appendix A; Zwicker et al. 2001 (EWA), eq. 29-31.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from setpiece.cameras import Camera
from setpiece.splats import Splats

NEAR = 0.01
BLUR_PX2 = 0.3
FOV_MARGIN = 0.3  # of half the field of view, beyond each edge of the picture
ALPHA_MAX = 0.999
ALPHA_MIN = 1.0 / 255.0
TRANSMITTANCE_MIN = 1e-4
PIXELS_AT_ONCE = 4096


@dataclass
class Parameters:
    """The leaves that gradients are taken of, float64."""

    means: Tensor  # [N, 3]
    log_scales: Tensor  # [N, 3]
    quats: Tensor  # [N, 4] wxyz, any length
    opacity_logits: Tensor  # [N]
    sh: Tensor  # [N, K, 3]

    @classmethod
    def of(cls, splats: Splats) -> Parameters:
        """Leaves with the values of `splats`."""

        def leaf(array: object) -> Tensor:
            return torch.tensor(array, dtype=torch.float64, requires_grad=True)

        return cls(
            leaf(splats.means),
            leaf(splats.log_scales),
            leaf(splats.quats_wxyz),
            leaf(splats.opacity_logits),
            leaf(splats.sh),
        )

    def named(self) -> dict[str, Tensor]:
        """The leaves by name."""
        return dict(vars(self))


@dataclass
class Projected:
    """Gaussians on the picture plane, in the order of the parameters."""

    means2d: Tensor  # [N, 2] pixels
    covariances2d: Tensor  # [N, 2, 2] pixels^2, the blur included
    depths: Tensor  # [N]
    opacities: Tensor  # [N], the antialias compensation included
    colours: Tensor  # [N, 3]
    normals: Tensor  # [N, 3] world, shortest axis, towards the camera
    valid: Tensor  # [N] bool: in front of the near plane


@dataclass
class Picture:
    """What the camera sees, and how much each Gaussian has to do with it."""

    colour: Tensor  # [H, W, 3], background included
    alpha: Tensor  # [H, W]
    depth: Tensor  # [H, W] expected z depth, 0 where alpha is 0
    normals: Tensor  # [H, W, 3]
    weights: Tensor  # [H * W, N] blending weights a T


def rotations(quats: Tensor) -> Tensor:
    """Rotation matrices [N, 3, 3] (world from local) of quaternions wxyz of any length."""
    w, x, y, z = torch.unbind(quats / quats.norm(dim=-1, keepdim=True), dim=-1)
    rows = [
        torch.stack([1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)], -1),
        torch.stack([2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)], -1),
        torch.stack([2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)], -1),
    ]
    return torch.stack(rows, -2)


def sh_basis(directions: Tensor, degree: int) -> Tensor:
    """Real spherical harmonics [N, (degree + 1)^2] at unit directions, with the signs of 3DGS PLY files."""
    x, y, z = torch.unbind(directions, -1)
    one = torch.ones_like(x)
    basis = [0.28209479177387814 * one]
    if degree > 0:
        c = 0.4886025119029199
        basis += [-c * y, c * z, -c * x]
    if degree > 1:
        basis += [
            1.0925484305920792 * x * y,
            -1.0925484305920792 * y * z,
            0.31539156525252005 * (2 * z * z - x * x - y * y),
            -1.0925484305920792 * x * z,
            0.5462742152960396 * (x * x - y * y),
        ]
    if degree > 2:
        basis += [
            -0.5900435899266435 * y * (3 * x * x - y * y),
            2.890611442640554 * x * y * z,
            -0.4570457994644658 * y * (4 * z * z - x * x - y * y),
            0.3731763325901154 * z * (2 * z * z - 3 * x * x - 3 * y * y),
            -0.4570457994644658 * x * (4 * z * z - x * x - y * y),
            1.445305721320277 * z * (x * x - y * y),
            -0.5900435899266435 * x * (x * x - 3 * y * y),
        ]
    return torch.stack(basis, -1)


def project(parameters: Parameters, camera: Camera, sh_degree: int, antialias: bool) -> Projected:
    """The Gaussians as `camera` sees them. `means2d` keeps its gradient."""
    pose = torch.from_numpy(camera.cam_from_world)
    centre = torch.from_numpy(camera.centre_in_world.copy())
    fx, fy, cx, cy = camera.focal_x_px, camera.focal_y_px, camera.centre_x_px, camera.centre_y_px

    means_in_cam = parameters.means @ pose[:3, :3].T + pose[:3, 3]
    x, y, z = torch.unbind(means_in_cam, -1)
    valid = z >= NEAR
    z = torch.where(valid, z, torch.ones_like(z))
    means2d = torch.stack([fx * x / z + cx, fy * y / z + cy], -1)
    if means2d.requires_grad:
        means2d.retain_grad()

    world_from_local = rotations(parameters.quats)
    half = world_from_local * torch.exp(parameters.log_scales)[:, None, :]
    half_in_cam = pose[:3, :3] @ half
    covariances = half_in_cam @ half_in_cam.transpose(-1, -2)

    margin_x = FOV_MARGIN * 0.5 * camera.width / fx
    margin_y = FOV_MARGIN * 0.5 * camera.height / fy
    tan_x = torch.clamp(x / z, -cx / fx - margin_x, (camera.width - cx) / fx + margin_x)
    tan_y = torch.clamp(y / z, -cy / fy - margin_y, (camera.height - cy) / fy + margin_y)
    zero = torch.zeros_like(z)
    jacobian = torch.stack(
        [
            torch.stack([fx / z, zero, -fx * tan_x / z], -1),
            torch.stack([zero, fy / z, -fy * tan_y / z], -1),
        ],
        -2,
    )
    sharp = jacobian @ covariances @ jacobian.transpose(-1, -2)
    blurred = sharp + BLUR_PX2 * torch.eye(2, dtype=torch.float64)

    opacities = torch.sigmoid(parameters.opacity_logits)
    if antialias:  # Yu et al. 2024, eq. 9 with the 2D filter; the floor keeps the root's slope finite
        ratio = torch.det(sharp) / torch.det(blurred)
        opacities = opacities * torch.sqrt(torch.clamp(ratio, min=1e-12))

    towards = parameters.means - centre
    distance = towards.norm(dim=-1, keepdim=True)
    directions = towards / torch.where(distance > 0, distance, torch.ones_like(distance))
    basis = sh_basis(directions, sh_degree)
    colours = torch.clamp(
        0.5 + torch.einsum("nk,nkc->nc", basis, parameters.sh[:, : basis.shape[1]]), min=0.0
    )

    with torch.no_grad():
        shortest = torch.argmin(parameters.log_scales, dim=-1)
        normals = torch.take_along_dim(world_from_local, shortest[:, None, None], -1)[..., 0]
        normals = torch.where((normals * towards).sum(-1, keepdim=True) > 0, -normals, normals)
    return Projected(means2d, blurred, z, opacities, colours, normals, valid)


def render(projected: Projected, camera: Camera, background: Tensor) -> Picture:
    """Composite front to back by depth; Gaussians of equal depth in the order of their rows."""
    n = len(projected.depths)
    order = torch.argsort(projected.depths, stable=True)
    order = order[projected.valid[order]]
    conics = torch.linalg.inv(projected.covariances2d[order])
    means2d, opacities = projected.means2d[order], projected.opacities[order]

    rows = torch.arange(camera.height, dtype=torch.float64) + 0.5
    columns = torch.arange(camera.width, dtype=torch.float64) + 0.5
    grid = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), -1).reshape(-1, 2)
    parts = []
    for pixels in grid.split(PIXELS_AT_ONCE):
        d = pixels[:, None, :] - means2d
        sigma = 0.5 * torch.einsum("pni,nij,pnj->pn", d, conics, d)
        alpha = torch.clamp(opacities * torch.exp(-sigma), max=ALPHA_MAX)
        alpha = torch.where(alpha < ALPHA_MIN, torch.zeros_like(alpha), alpha)
        after = torch.cumprod(1.0 - alpha.detach(), dim=-1)
        alpha = torch.where(after <= TRANSMITTANCE_MIN, torch.zeros_like(alpha), alpha)  # gsplat stops before
        after = torch.cumprod(1.0 - alpha, dim=-1)
        before = torch.cat([torch.ones_like(after[:, :1]), after[:, :-1]], -1)
        parts.append(alpha * before)
    sorted_weights = torch.cat(parts)
    inverse = torch.zeros(n, dtype=torch.int64)
    inverse[order] = torch.arange(len(order))
    present = torch.zeros(n, dtype=torch.float64)
    present[order] = 1.0
    weights = sorted_weights[:, inverse] * present if len(order) else torch.zeros(len(grid), n).double()

    alpha = weights.sum(-1)
    colour = weights @ projected.colours + (1.0 - alpha)[:, None] * background.double()
    depth = (weights @ projected.depths) / torch.clamp(alpha, min=1e-10)
    normals = weights.detach() @ projected.normals
    normals = normals / torch.clamp(normals.norm(dim=-1, keepdim=True), min=1e-10)
    shape = (camera.height, camera.width)
    return Picture(
        colour.reshape(*shape, 3),
        alpha.reshape(shape),
        depth.reshape(shape),
        normals.reshape(*shape, 3),
        weights,
    )
