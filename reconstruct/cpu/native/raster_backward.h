// The derivative of raster_forward.h for one tile: the moments of dL/d(ln alpha) and of the blending weights.
//
// With weights w_i = alpha_i T_i, pixel gradient g, s_i = g . c_i and R_i = g . (colour behind splat i),
// R_{i-1} = R_i + alpha_i (s_i - R_i) and dL/d(ln alpha_i) = w_i (s_i - R_i): no division, and nothing is
// taken from a difference of long sums. Chunks are therefore visited back to front; within a chunk alphas
// are recomputed front to back from the transmittance that the forward pass kept.
#pragma once

#include "chunk.h"

namespace setpiece::cpu::ISA {

// Of one splat at the pixels of one block.
struct Share {
    float weight[16];  // w
    float d[16];       // dL/d(ln alpha); before, alpha where it is drawn
};

struct BackwardState {
    alignas(64) float behind[16][16];       // R
    alignas(64) float gradient[16][3][16];  // g
    alignas(64) float transmittance[16][16];
    alignas(64) float error[16][16], kept[16][16];
    alignas(64) Share shares[16][kChunk + 1];
};

// Weights and alphas of a batch.
inline void weigh_batch(const Chunk& chunk, uint32_t job, const F16 alpha[kBatch], BackwardState* state) {
    const uint32_t b = job % 16;
    const int32_t* list = chunk.list[b] + job / 16;
    F16 weight[kBatch];
    M16 drawn[kBatch];
    F16 t = load(state->transmittance[b]);
    blend(alpha, &t, weight, drawn);
    store(state->transmittance[b], t);
    for (int i = 0; i < kBatch; i++) {
        Share& share = state->shares[b][list[i]];
        store(share.weight, weight[i]);
        store(share.d, keep(drawn[i], alpha[i]));
    }
}

// Sums over the pixels of `blocks` for splat i of the chunk, about its mean; R moves in front of the splat.
// Blocks differ, so that only the next splat waits for this one's R.
template <bool kMasked>
inline F16 differentiate_splat(const Chunk& chunk, const Grid& grid, int i, uint32_t blocks,
                               BackwardState* state) {
    const F16 most = set(kAlphaMax), mean_x = set(chunk.x[i]), mean_y = set(chunk.y[i]);
    const F16 red = set(chunk.feature[0][i]), green = set(chunk.feature[1][i]);
    const F16 blue = set(chunk.feature[2][i]);
    F16 m[kMoments];
    for (int k = 0; k < kMoments; k++) m[k] = set(0.0f);
    const auto differentiate = [&](int b, const Share& s) {
        const F16 alpha = load(s.d), behind = load(state->behind[b]);
        const F16 own = fma(red, load(state->gradient[b][0]),
                            fma(green, load(state->gradient[b][1]), blue * load(state->gradient[b][2])));
        const F16 over = own - behind;
        store(state->behind[b], fma(alpha, over, behind));
        return keep(alpha < most, load(s.weight) * over);  // a clipped alpha stands still
    };
    const auto add_d = [&](int b, F16 d) {
        const F16 x = load(grid.x[b]) - mean_x, y = load(grid.y[b]) - mean_y;
        const F16 dx = d * x, dy = d * y;
        m[kD] = m[kD] + d;
        m[kDx] = m[kDx] + dx;
        m[kDy] = m[kDy] + dy;
        m[kDxx] = fma(dx, x, m[kDxx]);
        m[kDxy] = fma(dx, y, m[kDxy]);
        m[kDyy] = fma(dy, y, m[kDyy]);
    };
    const auto add_weight = [&](int b, F16 w) {
        m[kWeightRed] = fma(w, load(state->gradient[b][0]), m[kWeightRed]);
        m[kWeightGreen] = fma(w, load(state->gradient[b][1]), m[kWeightGreen]);
        m[kWeightBlue] = fma(w, load(state->gradient[b][2]), m[kWeightBlue]);
        m[kWeightError] = fma(w, load(state->error[b]), m[kWeightError]);
        if (kMasked) m[kWeightKept] = fma(w, load(state->kept[b]), m[kWeightKept]);
        m[kWeightAll] = m[kWeightAll] + w;
    };
#if defined(SETPIECE_AVX512)
    for (uint32_t rest = blocks; rest; rest &= rest - 1) {
        const int b = lowest_bit(rest);
        const Share& share = state->shares[b][i];
        add_d(b, differentiate(b, share));
        add_weight(b, load(share.weight));
    }
#else  // sixteen registers hold half of the sums
    for (uint32_t rest = blocks; rest; rest &= rest - 1) {
        const int b = lowest_bit(rest);
        Share& share = state->shares[b][i];
        store(share.d, differentiate(b, share));
    }
    for (uint32_t rest = blocks; rest; rest &= rest - 1)
        add_d(lowest_bit(rest), load(state->shares[lowest_bit(rest)][i].d));
    for (uint32_t rest = blocks; rest; rest &= rest - 1)
        add_weight(lowest_bit(rest), load(state->shares[lowest_bit(rest)][i].weight));
#endif
    if (!kMasked) m[kWeightKept] = m[kWeightAll];
    return sums12(m);
}

// From the splats that reach each block, as bits, [groups][16], to the blocks that each splat reaches.
inline void turn(const uint16_t (*reached)[16], int groups, int32_t blocks_of[kChunk]) {
    for (int g = 0; g < groups; g++) {
        F16 sum = set(0.0f);
        for (int b = 0; b < 16; b++)
            sum = sum + keep(mask_of(reached[g][b]), set(static_cast<float>(1 << b)));
        store_int(blocks_of + g * kLanes, sum);
    }
}

// Writes the moments of every entry of a tile to its pair, and whether any pixel drew it to `touched`.
template <bool kMasked>
inline void differentiate_tile(const View& view, const Projection& projection, const Tiles& tiles, int tile,
                               const Grid& grid, const Planes& planes, float* pair_moments,
                               uint8_t* touched) {
    const uint32_t begin = tiles.begin[tile], end = tiles.begin[tile + 1];
    if (begin == end) return;
    const int tx = tile % view.tiles_x, ty = tile / view.tiles_x;
    const float centre_x = static_cast<float>(tx * kTile + kTile / 2);
    const float centre_y = static_cast<float>(ty * kTile + kTile / 2);
    BackwardState state;
    Chunk chunk;
    close_chunk(&chunk);
    const int beside = tx + 1 < view.tiles_x ? kTile : 0;  // the next tile will want these
    for (int64_t y = 0; y < kTile; y++) {
        const int64_t offset = (ty * kTile + y) * view.stride + tx * kTile + beside;
        for (int c = 0; c < 3; c++) prefetch(planes.gradient + c * view.plane + offset);
        prefetch(planes.error + offset);
        if (kMasked) prefetch(planes.kept + offset);
    }
    const int64_t corner = static_cast<int64_t>(ty) * kTile * view.stride + tx * kTile;
    for (int b = 0; b < 16; b++) {
        const int64_t offset = corner + b / 4 * 4 * view.stride + b % 4 * 4;
        F16 behind = set(0.0f);
        for (int c = 0; c < 3; c++) {
            const F16 g = load_block(planes.gradient + c * view.plane + offset, view.stride);
            store(state.gradient[b][c], g);
            behind = fma(g, set(view.background[c]), behind);
        }
        store(state.behind[b], behind);
        store(state.error[b], load_block(planes.error + offset, view.stride));
        if (kMasked) store(state.kept[b], load_block(planes.kept + offset, view.stride));
    }
    const int chunks = static_cast<int>((end - begin + kChunk - 1) / kChunk);
    for (int nth = chunks - 1; nth >= 0; nth--) {
        const uint32_t at = begin + static_cast<uint32_t>(nth) * kChunk;
        const Entry* entries = tiles.entries + at;
        const int left = static_cast<int>(end - begin) - nth * kChunk, count = left < kChunk ? left : kChunk;
        const int groups = (count + kLanes - 1) / kLanes;
        const int64_t at_chunk = static_cast<int64_t>(tiles.chunk_begin[tile]) + nth;
        const uint16_t(*reached)[16] = tiles.reached + at_chunk * kGroups;
        // Ask for what the next chunk needs, of this tile or the one beside it, while this one is worked on.
        const bool last = nth == 0;
        if (!last || tile + 1 < view.tiles_x * view.tiles_y) {
            const uint32_t next_begin = tiles.begin[tile + last];
            const uint32_t next_end = last ? tiles.begin[tile + 2] : at;
            const uint32_t size = next_end - next_begin;
            const uint32_t next = next_end - (size ? (size - 1) % kChunk + 1 : 0);
            for (uint32_t i = next; i < next_end; i++) {
                prefetch(projection.records + static_cast<int64_t>(tiles.entries[i].slot) * kRecord);
            }
            const int64_t following = last ? int64_t{tiles.chunk_begin[tile + 2]} - 1 : at_chunk - 1;
            for (int b = 0; size && b < 16; b++) prefetch(tiles.transmittance + following * 256 + b * 16);
        }
        alignas(64) int32_t blocks_of[kChunk];
        turn(reached, groups, blocks_of);
        for (int g = 0; g < groups; g++) {
            load_group<3>(projection, entries + g * kLanes, count - g * kLanes, centre_x, centre_y, grid, g,
                          &chunk);
        }
        list_splats(reached, groups, 0xffff, &chunk);
        if (!chunk.job_count) continue;
        for (int i = 0; i < count; i++)
            prefetch_to_write(pair_moments + static_cast<int64_t>(entries[i].pair) * kGradient);
        const float* saved = tiles.transmittance + at_chunk * 256;
        for (int b = 0; b < 16; b++) store(state.transmittance[b], load(saved + b * 16));
        F16 exponent[kBatch], alpha[kBatch];
        exponents_of(chunk, grid, chunk.jobs[0], exponent);
        alphas_of(exponent, alpha);
        exponents_of(chunk, grid, chunk.jobs[1], exponent);
        for (int i = 0; i < chunk.job_count; i++) {
            weigh_batch(chunk, chunk.jobs[i], alpha, &state);
            alphas_of(exponent, alpha);
            exponents_of(chunk, grid, chunk.jobs[i + 2], exponent);
        }
        for (int i = count - 1; i >= 0; i--) {
            const auto blocks = static_cast<uint32_t>(blocks_of[i]);
            if (!blocks) continue;
            const uint32_t pair = entries[i].pair;
            float* m = pair_moments + static_cast<int64_t>(pair) * kGradient;
            store(m, differentiate_splat<kMasked>(chunk, grid, i, blocks, &state));
            touched[pair] = m[kWeightAll] > 0.0f;
        }
    }
}

}  // namespace setpiece::cpu::ISA
