// Real spherical harmonics up to degree 3 and their gradients, with the signs of the 3DGS PLY files.
#pragma once

#include "frame.h"
#include "simd.h"

namespace setpiece::cpu::ISA {

inline int terms_of(int degree) { return (degree + 1) * (degree + 1); }

// The harmonics at the unit direction (x, y, z); fills terms_of(degree) of `out`.
inline void harmonics(int degree, F16 x, F16 y, F16 z, F16* out) {
    out[0] = set(0.28209479177387814f);
    if (degree < 1) return;
    const F16 c1 = set(0.4886025119029199f);
    out[1] = -(c1 * y);
    out[2] = c1 * z;
    out[3] = -(c1 * x);
    if (degree < 2) return;
    const F16 xx = x * x, yy = y * y, zz = z * z;
    const F16 c2 = set(1.0925484305920792f);
    out[4] = c2 * x * y;
    out[5] = -(c2 * y * z);
    out[6] = set(0.31539156525252005f) * (set(2.0f) * zz - xx - yy);
    out[7] = -(c2 * x * z);
    out[8] = set(0.5462742152960396f) * (xx - yy);
    if (degree < 3) return;
    const F16 a = set(-0.5900435899266435f), b = set(-0.4570457994644658f);
    const F16 four_zz = set(4.0f) * zz, three = set(3.0f);
    out[9] = a * y * (three * xx - yy);
    out[10] = set(2.890611442640554f) * x * y * z;
    out[11] = b * y * (four_zz - xx - yy);
    out[12] = set(0.3731763325901154f) * z * (set(2.0f) * zz - three * xx - three * yy);
    out[13] = b * x * (four_zz - xx - yy);
    out[14] = set(1.445305721320277f) * z * (xx - yy);
    out[15] = a * x * (xx - three * yy);
}

// Adds to g the gradient of sum(weights[k] * Y_k) with respect to (x, y, z), for the same polynomials.
inline void harmonics_gradient(int degree, F16 x, F16 y, F16 z, const F16* weights, F16 g[3]) {
    if (degree < 1) return;
    const F16 c1 = set(0.4886025119029199f);
    g[0] = fnma(c1, weights[3], g[0]);
    g[1] = fnma(c1, weights[1], g[1]);
    g[2] = fma(c1, weights[2], g[2]);
    if (degree < 2) return;
    const F16 c2 = set(1.0925484305920792f), two = set(2.0f), four = set(4.0f);
    const F16 w4 = c2 * weights[4], w5 = c2 * weights[5], w7 = c2 * weights[7];
    const F16 w6 = set(2.0f * 0.31539156525252005f) * weights[6];
    const F16 w8 = set(2.0f * 0.5462742152960396f) * weights[8];
    g[0] = g[0] + w4 * y - w7 * z + (w8 - w6) * x;
    g[1] = g[1] + w4 * x - w5 * z - (w8 + w6) * y;
    g[2] = g[2] - w5 * y - w7 * x + two * w6 * z;
    if (degree < 3) return;
    const F16 xx = x * x, yy = y * y, zz = z * z, three = set(3.0f), six = set(6.0f), eight = set(8.0f);
    const F16 a = set(-0.5900435899266435f), b = set(-0.4570457994644658f);
    const F16 w9 = a * weights[9], w15 = a * weights[15];
    const F16 w10 = set(2.890611442640554f) * weights[10];
    const F16 w11 = b * weights[11], w13 = b * weights[13];
    const F16 w12 = set(0.3731763325901154f) * weights[12];
    const F16 w14 = set(1.445305721320277f) * weights[14];
    const F16 xy = x * y, xz = x * z, yz = y * z;
    g[0] = g[0] + six * w9 * xy + w10 * yz - two * w11 * xy - six * w12 * xz +
           w13 * (four * zz - three * xx - yy) + two * w14 * xz + three * w15 * (xx - yy);
    g[1] = g[1] + three * w9 * (xx - yy) + w10 * xz + w11 * (four * zz - xx - three * yy) - six * w12 * yz -
           two * w13 * xy - two * w14 * yz - six * w15 * xy;
    g[2] = g[2] + w10 * xy + eight * w11 * yz + three * w12 * (two * zz - xx - yy) + eight * w13 * xz +
           w14 * (xx - yy);
}

}  // namespace setpiece::cpu::ISA
