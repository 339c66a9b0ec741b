// The exploration noise of 3DGS-MCMC (Kheradmand et al. 2024, eq. 9): each mean moves by a draw from its own
// Gaussian, the more transparent the further.
#pragma once

#include "projection.h"

namespace setpiece::cpu::ISA {

// The finaliser of SplitMix64 (Steele et al. 2014): a number for a counter, so that every Gaussian has its
// own draw whatever thread makes it.
inline uint64_t scramble(uint64_t x) {
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

// sin(2 pi x) for -0.5 <= x <= 0.5, to 6e-6: an odd polynomial, good enough for noise.
inline F16 sine_turns(F16 x) {
    const F16 folded = select(abs(x) > set(0.25f), select(x > set(0.0f), set(0.5f), set(-0.5f)) - x, x);
    const F16 s = folded * set(6.2831853f), q = s * s;
    F16 p = fma(set(2.7183114e-6f), q, set(-1.9839334e-4f));
    p = fma(p, q, set(8.3333293e-3f));
    p = fma(p, q, set(-0.16666667f));
    return fma(s * q, p, s);
}

// `rows` gives the caller's number of each slot: the draw belongs to it, not to where the Gaussian is kept.
inline void perturb_blocks(const Scene& scene, const uint32_t* rows, float strength, uint64_t seed,
                           int64_t begin, int64_t end) {
    const uint64_t stream = scramble(seed);
    for (int64_t b = begin; b < end; b++) {
        float* block = scene.values + b * scene.rows * kLanes;
        const F16 opacity = sigmoid(load(block + kOpacity * kLanes));
        F16 gate = set(strength) * sigmoid(set(100.0f) * (set(0.005f) - opacity));
        uint32_t lanes = bits(gate > set(strength * 1e-7f));  // opacity < 0.166: beyond it nothing would move
        if (scene.count - b * kLanes < kLanes) lanes &= (1u << (scene.count - b * kLanes)) - 1;
        if (!lanes) continue;
        alignas(64) float uniform[4][16] = {};
        for (uint32_t rest = lanes; rest; rest &= rest - 1) {
            const int lane = lowest_bit(rest);
            const uint64_t counter = stream + 2 * static_cast<uint64_t>(rows[b * kLanes + lane]);
            const uint64_t draws[2] = {scramble(counter), scramble(counter + 1)};
            for (int k = 0; k < 4; k++) {
                const uint32_t word = static_cast<uint32_t>(draws[k / 2] >> (32 * (k % 2)));
                uniform[k][lane] = (static_cast<float>(word >> 8) + 0.5f) * (1.0f / 16777216.0f);
            }
        }
        // Box and Muller 1958: two normal numbers from two uniform ones
        F16 normal[4];
        for (int k = 0; k < 4; k += 2) {
            const F16 length =
                sqrt(max(set(-2.0f / kLog2E) * log2(max(load(uniform[k]), set(1e-8f))), set(0.0f)));
            const F16 turn = load(uniform[k + 1]) - set(0.5f);
            const F16 quarter = turn + set(0.25f);
            normal[k] = length * sine_turns(turn);
            normal[k + 1] = length * sine_turns(select(quarter > set(0.5f), quarter - set(1.0f), quarter));
        }
        F16 quat[4], inverse_norm, r[9], local[3];
        unit_quaternion(block, quat, &inverse_norm);
        rotation_of(quat, r);
        for (int j = 0; j < 3; j++) local[j] = exp(load(block + (kLogScale + j) * kLanes)) * normal[j] * gate;
        for (int i = 0; i < 3; i++) {
            const F16 move = r[3 * i] * local[0] + r[3 * i + 1] * local[1] + r[3 * i + 2] * local[2];
            const M16 moves = mask_of(lanes) & (abs(move) < set(1e30f));
            store(block + i * kLanes, load(block + i * kLanes) + keep(moves, move));
        }
    }
}

}  // namespace setpiece::cpu::ISA
