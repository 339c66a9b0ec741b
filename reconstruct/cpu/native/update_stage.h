// The last stage of an iteration: gather each Gaussian's moments, differentiate its projection, and take one
// Adam step (Kingma, Ba 2015), sixteen Gaussians at a time and without a buffer of gradients in between.
//
// Only Gaussians that drew a pixel in this step move; the moments of the others stand still.
#pragma once

#include "projection_gradient.h"

namespace setpiece::cpu::ISA {

constexpr float kBeta1 = 0.9f, kBeta2 = 0.999f, kEpsilon = 1e-15f;

struct UpdateInput {
    const View* view;
    const Scene* scene;
    const Projection* projection;
    const float* pair_moments;
    const uint8_t* touched;
    const Rates* rates;
    const Sums* sums;
    float* gradients;  // if not null, gradients go here (layout of the values) and nothing is updated
};

// Sums the moments of a block's pairs; returns the lanes that drew a pixel.
inline uint32_t sum_pairs(const UpdateInput& in, int64_t block, F16 moments[16]) {
    uint32_t lanes = 0;
    for (int lane = 0; lane < kLanes; lane++) {
        const int64_t slot = block * kLanes + lane;
        const uint32_t count = in.projection->tile_count[slot];
        F16 total = set(0.0f);
        if (count) {
            const uint32_t begin = in.projection->pair_begin[slot];
            for (uint32_t pair = begin; pair < begin + count; pair++) {
                if (!in.touched[pair]) continue;
                total = total + load(in.pair_moments + static_cast<int64_t>(pair) * kGradient);
                lanes |= 1u << lane;
            }
        }
        moments[lane] = total;
    }
    return lanes;
}

inline void adam_row(float* value, float* first, float* second, F16 g, F16 rate, const Rates& rates,
                     M16 moves) {
    const F16 m_old = load(first), v_old = load(second), x = load(value);
    const F16 m = fma(set(kBeta1), m_old, set(1.0f - kBeta1) * g);
    const F16 v = fma(set(kBeta2), v_old, set(1.0f - kBeta2) * g * g);
    const F16 step = rate * set(rates.bias1) * m / (sqrt(v * set(rates.bias2)) + set(kEpsilon));
    store(first, select(moves, m, m_old));
    store(second, select(moves, v, v_old));
    store(value, select(moves, x - step, x));
}

inline void count_statistics(const UpdateInput& in, int64_t block, const F16* moments, const BlockGradient& g,
                             M16 lanes) {
    const View& view = *in.view;
    const F16 gx = g.mean_x * set(0.5f * static_cast<float>(view.width));
    const F16 gy = g.mean_y * set(0.5f * static_cast<float>(view.height));
    const int64_t at = block * kLanes;
    const Sums& s = *in.sums;
    store(s.gradient + at, load(s.gradient + at) + keep(lanes, sqrt(fma(gx, gx, gy * gy))));
    store(s.error + at, load(s.error + at) + keep(lanes, moments[kWeightError]));
    store(s.weight + at, load(s.weight + at) + keep(lanes, moments[kWeightKept]));
    // 3 standard deviations along the longer axis of the blurred ellipse: 3 sqrt(largest eigenvalue)
    const F16 half = set(0.5f), mid = half * (g.a + g.c), off = half * (g.a - g.c);
    const F16 largest = mid + sqrt(fma(off, off, g.b * g.b));
    const float longer = static_cast<float>(view.width > view.height ? view.width : view.height);
    const F16 radius = set(3.0f / longer) * sqrt(largest);
    store(s.max_radius + at, max(load(s.max_radius + at), keep(lanes, radius)));
    for (uint32_t rest = bits(lanes); rest; rest &= rest - 1) s.seen[at + lowest_bit(rest)]++;
}

// Adds the penalties on opacity and scale; both means run over the Gaussians that drew a pixel.
inline void add_penalties(const Rates& rates, const float* block, BlockGradient* g) {
    if (rates.opacity_penalty != 0.0f) {
        const F16 opacity = sigmoid(load(block + kOpacity * kLanes));
        g->row[kOpacity] = fma(set(rates.opacity_penalty) * opacity, set(1.0f) - opacity, g->row[kOpacity]);
    }
    if (rates.scale_penalty != 0.0f) {
        for (int j = 0; j < 3; j++) {
            const F16 scale = exp(load(block + (kLogScale + j) * kLanes));
            g->row[kLogScale + j] = fma(set(rates.scale_penalty / 3.0f), scale, g->row[kLogScale + j]);
        }
    }
}

inline void update_blocks(const UpdateInput& in, int64_t begin, int64_t end) {
    const Rates& rates = *in.rates;
    const Scene& scene = *in.scene;
    const int rows = kSh + 3 * terms_of(in.view->sh_degree);
    for (int64_t b = begin; b < end; b++) {
        F16 moments[16];
        const uint32_t lanes = sum_pairs(in, b, moments);
        if (!lanes) continue;
        transpose(moments);
        const int64_t base = b * scene.rows * kLanes;
        float* block = scene.values + base;
        BlockGradient g;
        differentiate(*in.view, block, moments, &g);
        add_penalties(rates, block, &g);
        // A gradient that is not finite would spread through the moments for good: such a lane stands still.
        F16 size = set(0.0f);
        for (int r = 0; r < rows; r++) size = size + abs(g.row[r]);
        const M16 moves = mask_of(lanes) & (size < set(1e30f));
        if (in.gradients) {
            for (int r = 0; r < rows; r++) store(in.gradients + base + r * kLanes, keep(moves, g.row[r]));
            continue;
        }
        count_statistics(in, b, moments, g, moves);
        float* first = scene.first + base;
        float* second = scene.second + base;
        for (int r = 0; r < rows; r++) {
            const float rate = r < kLogScale  ? rates.mean
                               : r < kQuat    ? rates.log_scale
                               : r < kOpacity ? rates.quat
                               : r < kSh      ? rates.opacity
                               : r < kSh + 3  ? rates.sh0
                                              : rates.sh_rest;
            const int at = r * kLanes;
            adam_row(block + at, first + at, second + at, g.row[r], set(rate), rates, moves);
        }
    }
}

// How many Gaussians of the blocks drew a pixel, their opacities and their mean standard deviations:
// out[3 * block ...]. Needed before the update when a penalty is on.
inline void visible_sums(const UpdateInput& in, int64_t begin, int64_t end, float* out) {
    for (int64_t b = begin; b < end; b++) {
        uint32_t lanes = 0;
        for (int lane = 0; lane < kLanes; lane++) {
            const int64_t slot = b * kLanes + lane;
            const uint32_t first = in.projection->pair_begin[slot], count = in.projection->tile_count[slot];
            for (uint32_t k = 0; k < count; k++)
                lanes |= static_cast<uint32_t>(in.touched[first + k]) << lane;
        }
        const float* block = in.scene->values + b * in.scene->rows * kLanes;
        const M16 mask = mask_of(lanes);
        F16 scale = set(0.0f);
        for (int j = 0; j < 3; j++) scale = scale + exp(load(block + (kLogScale + j) * kLanes));
        out[3 * b] = sum(keep(mask, set(1.0f)));
        out[3 * b + 1] = sum(keep(mask, sigmoid(load(block + kOpacity * kLanes))));
        out[3 * b + 2] = sum(keep(mask, scale * set(1.0f / 3.0f)));
    }
}

}  // namespace setpiece::cpu::ISA
