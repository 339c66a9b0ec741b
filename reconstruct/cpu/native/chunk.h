// A tile's splats, kChunk at a time, made ready for the raster loops.
#pragma once

#include "frame.h"
#include "simd.h"

namespace setpiece::cpu::ISA {

constexpr float kMinLog2Alpha = -7.99435344f;   // log2(1/255)
constexpr float kMaxLog2Alpha = -0.001443418f;  // log2(0.999), a hair less

// One splat about the tile's centre: u = l11 x + l12 y + k1, v = l22 y + k2,
// log2(alpha) = log2_opacity - u^2 - v^2. Written this way nothing large cancels.
struct alignas(64) Local {
    float k1, l11, l12, k2, l22, log2_opacity;
    float feature[7];  // red, green, blue, depth, normal
    float x, y;        // mean about the tile's centre
    float clips;       // 1 if alpha may have to be clipped from above, else 0
};

struct Chunk {
    Local splats[kChunk];
    uint16_t masks[kChunk];  // per splat: blocks that it may reach
    uint64_t splats_of[16];  // per block: the splats that may reach it
};

// x of the pixel centres of block b about the tile's centre, lane by lane; y likewise.
struct alignas(64) Grid {
    float x[16][16], y[16][16], xx[16][16], xy[16][16], yy[16][16];
    float block_left[16], block_top[16];  // first pixel centres of the blocks

    Grid() {
        for (int b = 0; b < 16; b++) {
            for (int i = 0; i < 16; i++) {
                const float px = static_cast<float>(b % 4 * 4 + i % 4) - 7.5f;
                const float py = static_cast<float>(b / 4 * 4 + i / 4) - 7.5f;
                x[b][i] = px;
                y[b][i] = py;
                xx[b][i] = px * px;
                xy[b][i] = px * py;
                yy[b][i] = py * py;
            }
            block_left[b] = static_cast<float>(b % 4 * 4) - 7.5f;
            block_top[b] = static_cast<float>(b / 4 * 4) - 7.5f;
        }
    }
};

inline void prepare(const float* record, float centre_x, float centre_y, Local* out) {
    const float x = record[kX] - centre_x, y = record[kY] - centre_y;
    out->l11 = record[kL11];
    out->l12 = record[kL12];
    out->l22 = record[kL22];
    out->k1 = -(record[kL11] * x + record[kL12] * y);
    out->k2 = -(record[kL22] * y);
    out->log2_opacity = record[kLog2Opacity];
    for (int i = 0; i < 7; i++) out->feature[i] = record[kRed + i];
    out->x = x;
    out->y = y;
    out->clips = record[kLog2Opacity] > kMaxLog2Alpha ? 1.0f : 0.0f;
}

// Which of the sixteen 4x4 blocks the ellipse of alpha = 1/255 reaches: the smallest Mahalanobis distance
// over a block's rectangle of pixel centres lies on the edge that faces the mean, or is 0 inside.
inline uint32_t reached_blocks(const float* record, const Local& s, const Grid& grid) {
    const F16 x = set(s.x), y = set(s.y), zero = set(0.0f), side = set(3.0f);
    const F16 left = load(grid.block_left) - x, top = load(grid.block_top) - y;
    const F16 right = left + side, bottom = top + side;
    const F16 l11 = set(s.l11), l12 = set(s.l12), l22 = set(s.l22);
    const F16 near_x = clamp(zero, left, right), near_y = clamp(zero, top, bottom);
    const F16 y_for_x = clamp(near_x * set(record[kSlopeY]), top, bottom);
    const F16 x_for_y = clamp(near_y * set(record[kSlopeX]), left, right);
    const F16 u1 = fma(l11, near_x, l12 * y_for_x), v1 = l22 * y_for_x;
    const F16 u2 = fma(l11, x_for_y, l12 * near_y), v2 = l22 * near_y;
    const F16 distance = min(fma(u1, u1, v1 * v1), fma(u2, u2, v2 * v2));
    return bits(distance <= set(record[kReach] * 1.0001f + 1e-4f));
}

// For each block the set of splats whose mask has it. A float sums 24 different powers of two exactly, so the
// sixteen blocks are served at once, half a chunk at a time.
inline void turn_masks(const uint16_t* masks, int count, uint64_t* splats_of) {
    constexpr int kHalf = kChunk / 2;
    static_assert(kHalf <= 24 && kChunk % 2 == 0, "a float has 24 bits");
    F16 halves[2] = {set(0.0f), set(0.0f)};
    for (int h = 0; h < 2; h++) {
        const int end = count - h * kHalf < kHalf ? count - h * kHalf : kHalf;
        float bit = 1.0f;
        for (int i = 0; i < end; i++, bit += bit) {
            halves[h] = halves[h] + keep(mask_of(masks[h * kHalf + i]), set(bit));
        }
    }
    alignas(64) int32_t low[16], high[16];
    store_int(low, halves[0]);
    store_int(high, halves[1]);
    for (int b = 0; b < 16; b++) {
        splats_of[b] = static_cast<uint64_t>(low[b]) | static_cast<uint64_t>(high[b]) << kHalf;
    }
}

// The lanes of block b that lie inside the image: 1, else 0.
inline F16 inside_image(const View& view, const Grid& grid, int b, float centre_x, float centre_y) {
    const F16 x = load(grid.x[b]) + set(centre_x), y = load(grid.y[b]) + set(centre_y);
    const M16 inside = (x < set(static_cast<float>(view.width))) & (y < set(static_cast<float>(view.height)));
    return keep(inside, set(1.0f));
}

// alpha at sixteen pixels, 0 below 1/255, before it is clipped from above.
inline F16 alpha_at(const Local& s, F16 x, F16 y) {
    const F16 u = fma(set(s.l11), x, fma(set(s.l12), y, set(s.k1)));
    const F16 v = fma(set(s.l22), y, set(s.k2));
    const F16 exponent = fnma(u, u, fnma(v, v, set(s.log2_opacity)));
    return keep(exponent >= set(kMinLog2Alpha), exp2_in_range(exponent));
}

}  // namespace setpiece::cpu::ISA
