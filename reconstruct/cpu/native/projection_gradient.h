// The derivative of projection.h: from the moments of a Gaussian's pixels to its parameters.
//
// With K = S^-1 and ln(alpha) = ln(opacity) - r^T K r / 2, where r runs from the mean to the pixel, and
// d = dL/d(ln alpha): dL/d(mean) = K sum(d r) and dL/dS = K sum(d r r^T) K / 2.
#pragma once

#include "projection.h"

namespace setpiece::cpu::ISA {

// Gradients of one block: rows as in frame.h, then what the statistics want.
struct BlockGradient {
    F16 row[kSh + 48];
    F16 mean_x, mean_y;  // dL/d(2D mean), per pixel
    F16 a, b, c;         // the 2D covariance, blur included
};

// Back through the normalisation of the quaternion and its rotation matrix. `g` is dL/dR, row by row.
inline void quaternion_gradient(const Projected& p, const F16 g[9], F16* out) {
    const F16 two = set(2.0f);
    const F16 w = p.quat[0], x = p.quat[1], y = p.quat[2], z = p.quat[3];
    F16 unit[4];
    unit[0] = two * (x * (g[7] - g[5]) + y * (g[2] - g[6]) + z * (g[3] - g[1]));
    unit[1] = two * (y * (g[1] + g[3]) + z * (g[2] + g[6]) + w * (g[7] - g[5]) - two * x * (g[4] + g[8]));
    unit[2] = two * (x * (g[1] + g[3]) + z * (g[5] + g[7]) + w * (g[2] - g[6]) - two * y * (g[0] + g[8]));
    unit[3] = two * (x * (g[2] + g[6]) + y * (g[5] + g[7]) + w * (g[3] - g[1]) - two * z * (g[0] + g[4]));
    const F16 along = w * unit[0] + x * unit[1] + y * unit[2] + z * unit[3];
    for (int i = 0; i < 4; i++) out[i] = (unit[i] - p.quat[i] * along) * p.quat_inverse_norm;
}

inline void colour_gradient(const View& view, const float* block, const F16* moments, BlockGradient* out) {
    F16 direction[3], basis[16], colour[3];
    const F16 inverse = look(view, block, direction, basis);
    colours(view, block, basis, colour);
    F16 g[3];
    for (int c = 0; c < 3; c++) g[c] = keep(colour[c] > set(0.0f), moments[kWeightRed + c]);
    const int terms = terms_of(view.sh_degree);
    F16 weights[16];
    for (int k = 0; k < terms; k++) {
        const float* sh = block + (kSh + 3 * k) * kLanes;
        weights[k] = set(0.0f);
        for (int c = 0; c < 3; c++) {
            out->row[kSh + 3 * k + c] = basis[k] * g[c];
            weights[k] = fma(load(sh + c * kLanes), g[c], weights[k]);
        }
    }
    F16 turn[3] = {set(0.0f), set(0.0f), set(0.0f)};
    harmonics_gradient(view.sh_degree, direction[0], direction[1], direction[2], weights, turn);
    const F16 along = direction[0] * turn[0] + direction[1] * turn[1] + direction[2] * turn[2];
    for (int i = 0; i < 3; i++) {
        out->row[kMean + i] = out->row[kMean + i] + (turn[i] - direction[i] * along) * inverse;
    }
}

// `moments` holds kMoments vectors, the first six taken about the 2D mean.
inline void differentiate(const View& view, const float* block, const F16* moments, BlockGradient* out) {
    Projected p;
    project(view, block, &p);
    const F16 half = set(0.5f), two = set(2.0f);
    const F16 inverse_det = set(1.0f) / p.det;
    const F16 a = p.a0 + set(kBlurPx2), c = p.c0 + set(kBlurPx2);
    const F16 ka = c * inverse_det, kb = -(p.b * inverse_det), kc = a * inverse_det;
    out->a = a;
    out->b = p.b;
    out->c = c;
    out->mean_x = ka * moments[kDx] + kb * moments[kDy];
    out->mean_y = kb * moments[kDx] + kc * moments[kDy];
    const F16 xx = moments[kDxx], xy = moments[kDxy], yy = moments[kDyy];
    F16 g00 = half * (ka * ka * xx + two * ka * kb * xy + kb * kb * yy);
    F16 g01 = half * (ka * kb * xx + (ka * kc + kb * kb) * xy + kb * kc * yy);
    F16 g11 = half * (kb * kb * xx + two * kb * kc * xy + kc * kc * yy);
    out->row[kOpacity] = moments[kD] * (set(1.0f) - p.sigmoid);
    if (view.antialias) {  // ln(compensation) = (ln det0 - ln det) / 2
        const F16 inverse_det0 = set(1.0f) / max(p.det0, set(1e-30f)), quarter = half * moments[kD];
        g00 = fma(quarter, p.c0 * inverse_det0 - c * inverse_det, g00);
        g11 = fma(quarter, p.a0 * inverse_det0 - a * inverse_det, g11);
        g01 = fnma(quarter * p.b, inverse_det0 - inverse_det, g01);
    }

    const F16 fx = set(view.fx), fy = set(view.fy);
    const F16 j00 = fx * p.depth_inverse, j11 = fy * p.depth_inverse;
    const F16 j02 = -(j00 * p.tan_x), j12 = -(j11 * p.tan_y);
    F16 dj00 = set(0.0f), dj02 = dj00, dj11 = dj00, dj12 = dj00, dr[9], dw[9];
    for (int j = 0; j < 3; j++) {
        const F16 du0 = two * (g00 * p.u0[j] + g01 * p.u1[j]);
        const F16 du1 = two * (g01 * p.u0[j] + g11 * p.u1[j]);
        const F16 dm0 = j00 * du0, dm1 = j11 * du1, dm2 = j02 * du0 + j12 * du1;
        dj00 = fma(p.m[j], du0, dj00);
        dj02 = fma(p.m[6 + j], du0, dj02);
        dj11 = fma(p.m[3 + j], du1, dj11);
        dj12 = fma(p.m[6 + j], du1, dj12);
        out->row[kLogScale + j] = p.m[j] * dm0 + p.m[3 + j] * dm1 + p.m[6 + j] * dm2;
        dw[j] = dm0 * p.scale[j];
        dw[3 + j] = dm1 * p.scale[j];
        dw[6 + j] = dm2 * p.scale[j];
    }
    const float* w = view.rotation;
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 3; j++)
            dr[3 * i + j] = set(w[i]) * dw[j] + set(w[3 + i]) * dw[3 + j] + set(w[6 + i]) * dw[6 + j];
    }
    quaternion_gradient(p, dr, out->row + kQuat);

    // j02 = -fx tan_x / z; tan_x moves with x / z only inside the widened field of view
    const M16 inside_x = (p.tan_x <= p.ratio_x) & (p.ratio_x <= p.tan_x);
    const M16 inside_y = (p.tan_y <= p.ratio_y) & (p.ratio_y <= p.tan_y);
    const F16 dratio_x = fx * out->mean_x - keep(inside_x, j00 * dj02);
    const F16 dratio_y = fy * out->mean_y - keep(inside_y, j11 * dj12);
    const F16 dinverse =
        fx * (dj00 - p.tan_x * dj02) + fy * (dj11 - p.tan_y * dj12) + p.x * dratio_x + p.y * dratio_y;
    const F16 cam[3] = {p.depth_inverse * dratio_x, p.depth_inverse * dratio_y,
                        -(p.depth_inverse * p.depth_inverse * dinverse)};
    for (int i = 0; i < 3; i++) {
        out->row[kMean + i] = set(w[i]) * cam[0] + set(w[3 + i]) * cam[1] + set(w[6 + i]) * cam[2];
    }
    colour_gradient(view, block, moments, out);
}

}  // namespace setpiece::cpu::ISA
