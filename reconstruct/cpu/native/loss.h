// L1 and SSIM of the exposed render against its photo, and the gradient of both, in one sweep down a strip
// of columns. Both blurs keep only the eleven rows that the window spans.
//
// Masked pixels are 0 in both pictures and left out of the means. Beyond the edge both are 0, as in the
// reference code of 3DGS. L = (1 - w) mean|y - t| + w (1 - mean SSIM(y, t)), y = exposure applied to render.
#pragma once

#include "frame.h"
#include "ssim.h"

namespace setpiece::cpu::ISA {

constexpr int kGuard = 16;
constexpr int kRowFloats = kStripWidth + 32 + 2 * kGuard;  // a row of a strip with what its windows need
constexpr int kSources = 4;                                // y, t, y^2 + t^2, y t
constexpr int kDerivatives = 3;

struct LossRows {
    alignas(64) float kept[kTaps][kRowFloats];
    alignas(64) float source[3][kSources][kTaps][kRowFloats];
    alignas(64) float derivative[3][kDerivatives][kTaps][kRowFloats];
    alignas(64) float column[kSources][kRowFloats];
};

struct LossStrip {
    const View* view;
    const PhotoView* photo;
    const Planes* planes;
    const LossInput* input;
    int left, width;  // columns [left, left + width), left and width multiples of 16
    int top, bottom;  // rows [top, bottom)
    float* sums;      // of row 0 of this strip
    int64_t sums_stride;
};

// Columns of the buffers: source[kGuard + j] is column left - 10 + j, derivative[kGuard + i] left - 5 + i.
inline int ring(int row) { return (row + 2 * kTaps) % kTaps; }

// Loads row r of render and photo into the ring; measures L1 if the row is the strip's own.
inline void load_row(const LossStrip& s, int r, LossRows* rows) {
    const int slot = ring(r), reach = 2 * kRadius;
    const bool row_exists = r >= 0 && r < s.view->height, own_row = r >= s.top && r < s.bottom;
    const float* e = s.input->exposure;
    F16 l1 = set(0.0f);
    for (int column = s.left - 16; column < s.left + s.width + 32; column += 16) {
        const int at = kGuard + column - (s.left - reach);
        if (!row_exists || column < 0 || column >= s.view->stride) {
            storeu(rows->kept[slot] + at, set(0.0f));
            for (int c = 0; c < 3; c++) {
                for (int q = 0; q < kSources; q++) storeu(rows->source[c][q][slot] + at, set(0.0f));
            }
            continue;
        }
        const int64_t offset = r * s.view->stride + column;
        const F16 x = load(kRamp) + set(static_cast<float>(column));
        M16 counts = x < set(static_cast<float>(s.view->width));
        if (s.photo->mask)
            counts = counts & (load_bytes(s.photo->mask + r * s.photo->stride + column) > set(0.0f));
        const F16 kept = keep(counts, set(1.0f));
        storeu(rows->kept[slot] + at, kept);
        F16 rgb[3], error = set(0.0f);
        for (int c = 0; c < 3; c++) rgb[c] = load(s.planes->colour + c * s.view->plane + offset);
        for (int c = 0; c < 3; c++) {
            const F16 exposed =
                fma(set(e[4 * c]), rgb[0],
                    fma(set(e[4 * c + 1]), rgb[1], fma(set(e[4 * c + 2]), rgb[2], set(e[4 * c + 3]))));
            const F16 y = keep(counts, exposed);
            const uint8_t* photo = s.photo->planes + c * s.photo->plane + r * s.photo->stride + column;
            const F16 t = load_bytes(photo) * set(1.0f / 255.0f);
            storeu(rows->source[c][0][slot] + at, y);
            storeu(rows->source[c][1][slot] + at, t);
            storeu(rows->source[c][2][slot] + at, fma(y, y, t * t));
            storeu(rows->source[c][3][slot] + at, y * t);
            error = error + abs(y - t);
        }
        if (own_row && column >= s.left && column < s.left + s.width) {
            store(s.planes->error + offset, error * set(1.0f / 3.0f));
            store(s.planes->kept + offset, kept);
            l1 = l1 + error;
        }
    }
    if (own_row) s.sums[r * s.sums_stride] = sum(l1);
}

// Row m of the three derivative pictures of one channel, from source rows m - 5 to m + 5.
inline void derive_row(const LossStrip& s, int m, int channel, LossRows* rows, float* ssim_sum) {
    const int slot = ring(m), vectors = s.width / 16 + 1;
    float (&out)[kDerivatives][kTaps][kRowFloats] = rows->derivative[channel];
    if (m < 0 || m >= s.view->height) {
        for (int i = 0; i < vectors * 16; i += 16) {
            for (int q = 0; q < kDerivatives; q++) store(out[q][slot] + kGuard + i, set(0.0f));
        }
        return;
    }
    for (int q = 0; q < kSources; q++) {
        const float* window[kTaps];
        for (int k = 0; k < kTaps; k++) window[k] = rows->source[channel][q][ring(m - kRadius + k)] + kGuard;
        for (int j = 0; j < vectors * 16 + 16; j += 16)
            store(rows->column[q] + kGuard + j, blur_column(window, j));
    }
    const float scale = -s.input->ssim_weight / (3.0f * static_cast<float>(s.photo->kept));
    F16 total = set(0.0f);
    for (int i = 0; i < vectors * 16; i += 16) {
        const int at = kGuard + i;
        const Ssim v = ssim(blur_row(rows->column[0] + at), blur_row(rows->column[1] + at),
                            blur_row(rows->column[2] + at), blur_row(rows->column[3] + at));
        const F16 kept = loadu(rows->kept[slot] + at + kRadius);
        const F16 weight = kept * set(scale);
        store(out[0][slot] + at, v.by_mean * weight);
        store(out[1][slot] + at, v.by_square * weight);
        store(out[2][slot] + at, v.by_product * weight);
        const F16 column = load(kRamp) + set(static_cast<float>(i - kRadius));
        const M16 own = (column >= set(0.0f)) & (column < set(static_cast<float>(s.width)));
        total = total + keep(own, v.value * kept);
    }
    *ssim_sum += sum(total);
}

// Row o of the gradient, and of the exposure's gradient.
inline void finish_row(const LossStrip& s, int o, bool structural, LossRows* rows) {
    const float* window[3][kDerivatives][kTaps];
    if (structural) {
        for (int c = 0; c < 3; c++) {
            for (int q = 0; q < kDerivatives; q++) {
                for (int k = 0; k < kTaps; k++)
                    window[c][q][k] = rows->derivative[c][q][ring(o - kRadius + k)] + kGuard;
            }
        }
    }
    const int slot = ring(o);
    const float* e = s.input->exposure;
    const F16 step = set((1.0f - s.input->ssim_weight) / (3.0f * static_cast<float>(s.photo->kept)));
    F16 exposure[12];
    for (int k = 0; k < 12; k++) exposure[k] = set(0.0f);
    const int end = s.left + s.width < s.view->stride ? s.width : static_cast<int>(s.view->stride) - s.left;
    F16 gradient[kStripWidth / 16][3];
    for (int c = 0; c < 3; c++) {
        if (structural) {
            for (int q = 0; q < kDerivatives; q++) {
                for (int i = 0; i < end + 16; i += 16)
                    store(rows->column[q] + kGuard + i, blur_column(window[c][q], i));
            }
        }
        for (int i = 0; i < end; i += 16) {
            const int at = kGuard + i + 2 * kRadius;
            const F16 y = loadu(rows->source[c][0][slot] + at), t = loadu(rows->source[c][1][slot] + at);
            F16 g = keep(y > t, step) - keep(y < t, step);
            if (structural) {
                g = g + blur_row(rows->column[0] + kGuard + i);
                g = fma(set(2.0f) * y, blur_row(rows->column[1] + kGuard + i), g);
                g = fma(t, blur_row(rows->column[2] + kGuard + i), g);
                g = g * loadu(rows->kept[slot] + at);
            }
            gradient[i / 16][c] = g;
        }
    }
    for (int i = 0; i < end; i += 16) {
        const F16* g = gradient[i / 16];
        const int64_t offset = o * s.view->stride + s.left + i;
        for (int c = 0; c < 3; c++) {
            const F16 rgb = load(s.planes->colour + c * s.view->plane + offset);
            const F16 back = fma(set(e[c]), g[0], fma(set(e[4 + c]), g[1], set(e[8 + c]) * g[2]));
            store(s.planes->gradient + c * s.view->plane + offset, back);
            for (int k = 0; k < 3; k++) exposure[4 * k + c] = fma(g[k], rgb, exposure[4 * k + c]);
        }
        for (int k = 0; k < 3; k++) exposure[4 * k + 3] = exposure[4 * k + 3] + g[k];
    }
    float* sums = s.sums + o * s.sums_stride;
    for (int k = 0; k < 12; k++) sums[2 + k] = sum(exposure[k]);
}

inline void loss_strip(const LossStrip& s, LossRows* rows) {
    if (!(s.input->ssim_weight > 0.0f)) {
        for (int r = s.top; r < s.bottom; r++) {
            load_row(s, r, rows);
            s.sums[r * s.sums_stride + 1] = 0.0f;
            finish_row(s, r, false, rows);
        }
        return;
    }
    for (int r = s.top - 2 * kRadius; r < s.bottom + 2 * kRadius; r++) {
        load_row(s, r, rows);
        const int m = r - kRadius, o = r - 2 * kRadius;
        if (m >= s.top - kRadius) {
            float total = 0.0f;
            for (int c = 0; c < 3; c++) derive_row(s, m, c, rows, &total);
            if (m >= s.top && m < s.bottom) s.sums[m * s.sums_stride + 1] = total;
        }
        if (o >= s.top) finish_row(s, o, true, rows);
    }
}

}  // namespace setpiece::cpu::ISA
