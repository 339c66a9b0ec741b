// The derivative of raster_forward.h for one tile: the moments of dL/d(ln alpha) and of the blending weights.
//
// With weights w_i = alpha_i T_i, pixel gradient g, s_i = g . c_i and R_i = g . (colour behind splat i),
// R_{i-1} = R_i + alpha_i (s_i - R_i) and dL/d(ln alpha_i) = w_i (s_i - R_i): no division, and nothing is
// taken from a difference of long sums. Chunks are therefore visited back to front; within a chunk alphas
// are recomputed front to back from the transmittance that the forward pass kept.
#pragma once

#include "chunk.h"

namespace setpiece::cpu::ISA {

struct BackwardState {
    alignas(64) float behind[16][16];       // R
    alignas(64) float gradient[16][3][16];  // g
    alignas(64) float error[16][16], kept[16][16];
    alignas(64) float weight[16][kChunk][16];  // w of each splat of the chunk
    alignas(64) float d[16][kChunk][16];       // dL/d(ln alpha)
    alignas(64) float alpha[kChunk][16];       // of the block at hand, 0 where not drawn
    uint32_t clipped[kChunk];                  // lanes whose alpha was clipped
};

// Fills weight and d of block b for the splats `todo`, given the transmittance at the chunk's start.
inline void differentiate_block(const Chunk& chunk, uint64_t todo, const Grid& grid, int b, F16 t,
                                BackwardState* state) {
    const F16 x = load(grid.x[b]), y = load(grid.y[b]);
    const F16 limit = set(kTransmittanceMin), most = set(kAlphaMax), one = set(1.0f);
    for (uint64_t rest = todo; rest; rest &= rest - 1) {
        const int i = lowest_bit(rest);
        const F16 raw = alpha_at(chunk.splats[i], x, y);
        const F16 alpha = min(raw, most);
        const F16 next = t * (one - alpha);
        const M16 drawn = next > limit;
        store(state->alpha[i], keep(drawn, alpha));
        store(state->weight[b][i], keep(drawn, alpha * t));
        if (chunk.splats[i].clips != 0.0f) state->clipped[i] = bits(raw > most);
        t = next;
    }
    const F16 red = load(state->gradient[b][0]), green = load(state->gradient[b][1]);
    const F16 blue = load(state->gradient[b][2]);
    F16 behind = load(state->behind[b]);
    for (uint64_t rest = todo; rest;) {
        const int i = highest_bit(rest);
        rest ^= uint64_t{1} << i;
        const float* colour = chunk.splats[i].feature;
        const F16 own = fma(red, set(colour[0]), fma(green, set(colour[1]), blue * set(colour[2])));
        F16 d = load(state->weight[b][i]) * (own - behind);
        const F16 alpha = load(state->alpha[i]);
        behind = fma(one - alpha, behind, alpha * own);  // one operation long from splat to splat
        if (chunk.splats[i].clips != 0.0f) d = select(mask_of(state->clipped[i]), set(0.0f), d);
        store(state->d[b][i], d);
    }
    store(state->behind[b], behind);
}

// Sums over the pixels of the blocks in `mask` for splat i of the chunk, about the tile's centre.
inline F16 gather_moments(const BackwardState& state, const Grid& grid, uint32_t mask, int i) {
    F16 m[kMoments];
    for (int k = 0; k < kMoments; k++) m[k] = set(0.0f);
    for (uint32_t rest = mask; rest; rest &= rest - 1) {
        const int b = lowest_bit(rest);
        const F16 d = load(state.d[b][i]);
        m[kD] = m[kD] + d;
        m[kDx] = fma(d, load(grid.x[b]), m[kDx]);
        m[kDy] = fma(d, load(grid.y[b]), m[kDy]);
        m[kDxx] = fma(d, load(grid.xx[b]), m[kDxx]);
        m[kDxy] = fma(d, load(grid.xy[b]), m[kDxy]);
        m[kDyy] = fma(d, load(grid.yy[b]), m[kDyy]);
        const F16 w = load(state.weight[b][i]);
        m[kWeightRed] = fma(w, load(state.gradient[b][0]), m[kWeightRed]);
        m[kWeightGreen] = fma(w, load(state.gradient[b][1]), m[kWeightGreen]);
        m[kWeightBlue] = fma(w, load(state.gradient[b][2]), m[kWeightBlue]);
        m[kWeightError] = fma(w, load(state.error[b]), m[kWeightError]);
        m[kWeightKept] = fma(w, load(state.kept[b]), m[kWeightKept]);
        m[kWeightAll] = m[kWeightAll] + w;
    }
    return sums12(m);
}

// Stores moments taken about the tile's centre as moments about (x, y): shifted along x, then along y.
// Scalars are stored over the vector, as a vector load of fresh scalars would stall.
inline void store_shifted(F16 moments, float x, float y, float* out) {
    alignas(64) float m[16];
    store(m, moments);
    store(out, moments);
    const float dx = m[kDx] - x * m[kD], dy = m[kDy] - y * m[kD];
    out[kDx] = dx;
    out[kDy] = dy;
    out[kDxx] = m[kDxx] - x * (m[kDx] + dx);
    out[kDxy] = m[kDxy] - x * m[kDy] - y * dx;
    out[kDyy] = m[kDyy] - y * (m[kDy] + dy);
}

// Writes the moments of every entry of a tile to its pair, and whether any pixel drew it to `touched`.
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
        store(state.kept[b], load_block(planes.kept + offset, view.stride));
    }
    const int chunks = static_cast<int>((end - begin + kChunk - 1) / kChunk);
    for (int at_chunk = chunks - 1; at_chunk >= 0; at_chunk--) {
        const uint32_t at = begin + static_cast<uint32_t>(at_chunk) * kChunk;
        const int count = static_cast<int>(end - at < kChunk ? end - at : kChunk);
        const uint16_t* masks = tiles.block_masks + at;
        turn_masks(masks, count, chunk.splats_of);
        // Records lie in no order: ask for those of the chunk that comes next while this one is worked on.
        for (uint32_t i = at >= begin + kChunk ? at - kChunk : at; i < at; i++) {
            if (tiles.block_masks[i])
                prefetch(projection.records + static_cast<int64_t>(tiles.entries[i].slot) * kRecord);
        }
        uint32_t blocks = 0;
        for (int i = 0; i < count; i++) {
            blocks |= masks[i];
            if (!masks[i]) continue;
            prefetch_to_write(pair_moments + static_cast<int64_t>(tiles.entries[at + i].pair) * kGradient);
            const float* record =
                projection.records + static_cast<int64_t>(tiles.entries[at + i].slot) * kRecord;
            prepare(record, centre_x, centre_y, &chunk.splats[i]);
        }
        const float* saved =
            tiles.transmittance + (static_cast<int64_t>(tiles.chunk_begin[tile]) + at_chunk) * 256;
        for (; blocks; blocks &= blocks - 1) {
            const int b = lowest_bit(blocks);
            differentiate_block(chunk, chunk.splats_of[b], grid, b, load(saved + b * 16), &state);
        }
        for (int i = 0; i < count; i++) {
            if (!masks[i]) continue;
            const uint32_t pair = tiles.entries[at + i].pair;
            float* m = pair_moments + static_cast<int64_t>(pair) * kGradient;
            const F16 moments = gather_moments(state, grid, masks[i], i);
            store_shifted(moments, chunk.splats[i].x, chunk.splats[i].y, m);
            touched[pair] = m[kWeightAll] > 0.0f;
        }
    }
}

}  // namespace setpiece::cpu::ISA
