// SSIM and its derivative at sixteen pixels (Wang et al. 2004, eq. 13), from blurred pictures.
//
// y is the render, t the photo, E[] the Gaussian blur. SSIM needs the two variances only as a sum, so four
// blurred pictures do: y, t, y^2 + t^2 and y t; and three derivatives: by E[y], E[y^2] and E[y t].
#pragma once

#include "simd.h"

namespace setpiece::cpu::ISA {

constexpr int kTaps = 11;
constexpr int kRadius = kTaps / 2;
constexpr float kC1 = 0.01f * 0.01f, kC2 = 0.03f * 0.03f;

// exp(-(x / 1.5)^2 / 2) for x = 0 to 5, over the sum of all eleven taps
constexpr float kWindow[kRadius + 1] = {0.26601172f,  0.21300554f,   0.10936069f,
                                        0.036000773f, 0.0075987582f, 0.0010283801f};

// Both weights of a symmetric window at once: taps[0] the centre, taps[k] the sum of the two k away.
inline F16 window_sum(const F16 taps[kRadius + 1]) {
    F16 s = taps[0] * set(kWindow[0]);
    for (int k = 1; k <= kRadius; k++) s = fma(taps[k], set(kWindow[k]), s);
    return s;
}

// Blur along a row: the window is centred on p[kRadius].
inline F16 blur_row(const float* p) {
    F16 taps[kRadius + 1];
    taps[0] = loadu(p + kRadius);
    for (int k = 1; k <= kRadius; k++) taps[k] = loadu(p + kRadius - k) + loadu(p + kRadius + k);
    return window_sum(taps);
}

// Blur down a column: rows[0..10] of the ring, at position i.
inline F16 blur_column(const float* const* rows, int i) {
    F16 taps[kRadius + 1];
    taps[0] = load(rows[kRadius] + i);
    for (int k = 1; k <= kRadius; k++) taps[k] = load(rows[kRadius - k] + i) + load(rows[kRadius + k] + i);
    return window_sum(taps);
}

struct Ssim {
    F16 value, by_mean, by_square, by_product;
};

inline Ssim ssim(F16 mean_y, F16 mean_t, F16 squares, F16 product) {
    const F16 two = set(2.0f), c1 = set(kC1), c2 = set(kC2);
    const F16 means = mean_y * mean_t, mean_squares = fma(mean_y, mean_y, mean_t * mean_t);
    const F16 a1 = fma(two, means, c1), a2 = fma(two, product - means, c2);
    const F16 b1 = mean_squares + c1, b2 = squares - mean_squares + c2;
    const F16 inverse = set(1.0f) / (b1 * b2);
    Ssim s;
    s.value = a1 * a2 * inverse;
    s.by_mean = two * (mean_t * (a2 - a1) * inverse - mean_y * s.value * (b2 - b1) * inverse);
    s.by_square = -(s.value * b1 * inverse);
    s.by_product = two * a1 * inverse;
    return s;
}

}  // namespace setpiece::cpu::ISA
