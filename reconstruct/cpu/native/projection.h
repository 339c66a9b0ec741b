// EWA projection of sixteen Gaussians, and its derivative.
//
// Letters: R world_from_local rotation, W cam_from_world rotation, s standard deviations, M = W R diag(s),
// J the Jacobian of the projection, U = J M (2x3), S = U U^T + 0.3 I = [[a, b], [b, c]] the 2D covariance.
// Zwicker et al. 2001 (EWA splatting), eq. 29-31; Kerbl et al. 2023, section 4; the opacity compensation is
// eq. 9 of Yu et al. 2024 (Mip-Splatting) for the 2D filter.
#pragma once

#include "frame.h"
#include "harmonics.h"
#include "simd.h"

namespace setpiece::cpu::ISA {

struct Projected {
    F16 x, y, z, depth_inverse;      // camera frame
    F16 ratio_x, ratio_y;            // x / z, y / z
    F16 tan_x, tan_y;                // the same, clamped to the widened field of view
    F16 quat[4], quat_inverse_norm;  // unit quaternion wxyz
    F16 rotation[9];                 // W R
    F16 scale[3];
    F16 m[9], u0[3], u1[3];
    F16 a0, b, c0;       // S without the 0.3
    F16 det0, det;       // determinants without and with it
    F16 sigmoid;         // opacity before compensation
    F16 opacity;         // after
    F16 mean_x, mean_y;  // pixels
};

inline void rotation_of(const F16 q[4], F16 r[9]) {
    const F16 two = set(2.0f), one = set(1.0f);
    const F16 w = q[0], x = q[1], y = q[2], z = q[3];
    r[0] = one - two * (y * y + z * z);
    r[1] = two * (x * y - w * z);
    r[2] = two * (x * z + w * y);
    r[3] = two * (x * y + w * z);
    r[4] = one - two * (x * x + z * z);
    r[5] = two * (y * z - w * x);
    r[6] = two * (x * z - w * y);
    r[7] = two * (y * z + w * x);
    r[8] = one - two * (x * x + y * y);
}

inline void unit_quaternion(const float* block, F16 q[4], F16* inverse_norm) {
    F16 raw[4];
    for (int i = 0; i < 4; i++) raw[i] = load(block + (kQuat + i) * kLanes);
    const F16 norm2 = fma(raw[0], raw[0], fma(raw[1], raw[1], fma(raw[2], raw[2], raw[3] * raw[3])));
    *inverse_norm = set(1.0f) / sqrt(norm2);
    for (int i = 0; i < 4; i++) q[i] = raw[i] * *inverse_norm;
}

// Projects the Gaussians of one block, all but their colour. Lanes with nonsense give NaN, never a fault.
inline void project(const View& view, const float* block, Projected* out) {
    Projected& p = *out;
    const float* w = view.rotation;
    const F16 mean[3] = {load(block), load(block + kLanes), load(block + 2 * kLanes)};
    F16 cam[3];
    for (int i = 0; i < 3; i++) {
        cam[i] =
            fma(set(w[3 * i]), mean[0],
                fma(set(w[3 * i + 1]), mean[1], fma(set(w[3 * i + 2]), mean[2], set(view.translation[i]))));
    }
    p.x = cam[0];
    p.y = cam[1];
    p.z = cam[2];
    p.depth_inverse = set(1.0f) / p.z;
    p.ratio_x = p.x * p.depth_inverse;
    p.ratio_y = p.y * p.depth_inverse;
    const float margin_x = kFieldMargin * 0.5f * static_cast<float>(view.width) / view.fx;
    const float margin_y = kFieldMargin * 0.5f * static_cast<float>(view.height) / view.fy;
    p.tan_x = clamp(p.ratio_x, set(-view.cx / view.fx - margin_x),
                    set((static_cast<float>(view.width) - view.cx) / view.fx + margin_x));
    p.tan_y = clamp(p.ratio_y, set(-view.cy / view.fy - margin_y),
                    set((static_cast<float>(view.height) - view.cy) / view.fy + margin_y));
    p.mean_x = fma(set(view.fx), p.ratio_x, set(view.cx));
    p.mean_y = fma(set(view.fy), p.ratio_y, set(view.cy));

    unit_quaternion(block, p.quat, &p.quat_inverse_norm);
    F16 r[9];
    rotation_of(p.quat, r);
    for (int j = 0; j < 3; j++) p.scale[j] = exp(load(block + (kLogScale + j) * kLanes));
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 3; j++) {
            p.rotation[3 * i + j] =
                fma(set(w[3 * i]), r[j], fma(set(w[3 * i + 1]), r[3 + j], set(w[3 * i + 2]) * r[6 + j]));
            p.m[3 * i + j] = p.rotation[3 * i + j] * p.scale[j];
        }
    }
    const F16 j00 = set(view.fx) * p.depth_inverse, j11 = set(view.fy) * p.depth_inverse;
    const F16 j02 = -(j00 * p.tan_x), j12 = -(j11 * p.tan_y);
    for (int j = 0; j < 3; j++) {
        p.u0[j] = fma(j00, p.m[j], j02 * p.m[6 + j]);
        p.u1[j] = fma(j11, p.m[3 + j], j12 * p.m[6 + j]);
    }
    p.a0 = fma(p.u0[0], p.u0[0], fma(p.u0[1], p.u0[1], p.u0[2] * p.u0[2]));
    p.b = fma(p.u0[0], p.u1[0], fma(p.u0[1], p.u1[1], p.u0[2] * p.u1[2]));
    p.c0 = fma(p.u1[0], p.u1[0], fma(p.u1[1], p.u1[1], p.u1[2] * p.u1[2]));
    // Lagrange's identity: a0 c0 - b^2 as a sum of squares loses no digits for needles.
    const F16 n0 = fnma(p.u0[2], p.u1[1], p.u0[1] * p.u1[2]);
    const F16 n1 = fnma(p.u0[0], p.u1[2], p.u0[2] * p.u1[0]);
    const F16 n2 = fnma(p.u0[1], p.u1[0], p.u0[0] * p.u1[1]);
    p.det0 = fma(n0, n0, fma(n1, n1, n2 * n2));
    p.det = fma(set(kBlurPx2), p.a0 + p.c0, p.det0 + set(kBlurPx2 * kBlurPx2));
    p.sigmoid = sigmoid(load(block + kOpacity * kLanes));
    p.opacity = view.antialias ? p.sigmoid * sqrt(p.det0 / p.det) : p.sigmoid;
}

// The direction from the camera to the means, and the harmonics there; returns 1 / distance.
inline F16 look(const View& view, const float* block, F16 direction[3], F16* basis) {
    F16 square = set(0.0f);
    for (int i = 0; i < 3; i++) {
        direction[i] = load(block + i * kLanes) - set(view.centre[i]);
        square = fma(direction[i], direction[i], square);
    }
    const F16 inverse = set(1.0f) / sqrt(max(square, set(1e-30f)));
    for (int i = 0; i < 3; i++) direction[i] = direction[i] * inverse;
    harmonics(view.sh_degree, direction[0], direction[1], direction[2], basis);
    return inverse;
}

// Colours before they are clipped at 0.
inline void colours(const View& view, const float* block, const F16* basis, F16 colour[3]) {
    const int terms = terms_of(view.sh_degree);
    for (int c = 0; c < 3; c++) colour[c] = set(0.5f);
    for (int k = 0; k < terms; k++) {
        for (int c = 0; c < 3; c++) {
            colour[c] = fma(load(block + (kSh + 3 * k + c) * kLanes), basis[k], colour[c]);
        }
    }
}

}  // namespace setpiece::cpu::ISA
