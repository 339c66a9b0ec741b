// Forward compositing of one tile (Kerbl et al. 2023, algorithm 2), a 4x4 block of pixels per vector.
#pragma once

#include "chunk.h"

namespace setpiece::cpu::ISA {

// Channels: 3 = colour, 4 = and depth, 7 = and normals.
template <int kChannels>
struct TileState {
    alignas(64) float transmittance[16][16];  // running
    alignas(64) float covered[16][16];        // sum of the weights of what was drawn
    alignas(64) float sums[16][kChannels][16];
};

// Draws a batch whose alphas are known. Returns whether a pixel is not opaque yet.
template <int kChannels, bool kCovers>
inline bool draw_batch(const Chunk& chunk, uint32_t job, const F16 alpha[kBatch],
                       TileState<kChannels>* state) {
    const uint32_t b = job % 16;
    const int32_t* list = chunk.list[b] + job / 16;
    F16 weight[kBatch];
    M16 drawn[kBatch];
    F16 t = load(state->transmittance[b]);
    blend(alpha, &t, weight, drawn);
    store(state->transmittance[b], t);
    if (kCovers) {
        F16 covered = load(state->covered[b]);
        for (int i = 0; i < kBatch; i++) covered = covered + weight[i];
        store(state->covered[b], covered);
    }
    for (int c = 0; c < kChannels; c++) {
        F16 sum = load(state->sums[b][c]);
        for (int i = 0; i < kBatch; i++) sum = fma(weight[i], set(chunk.feature[c][list[i]]), sum);
        store(state->sums[b][c], sum);
    }
    return any(drawn[kBatch - 1]);
}

// Takes the splats of a list from place `from` on out of the bits of their block.
inline void forget_rest(const Chunk& chunk, int b, int from, uint16_t (*reached)[16]) {
    for (int k = from; k < chunk.length[b]; k++) {
        const int at = chunk.list[b][k];
        reached[at / kLanes][b] &= static_cast<uint16_t>(~(1u << at % kLanes));
    }
}

// Draws a tile. For the backward pass it leaves in `tiles` the blocks that evaluate each entry, and the
// transmittance at the start of every chunk. kCovers may be false where the background is black and alpha is
// not asked for.
template <int kChannels, bool kCovers>
inline void draw_tile(const View& view, const Projection& projection, const Tiles& tiles, int tile,
                      const Grid& grid, const Planes& planes) {
    const int tx = tile % view.tiles_x, ty = tile / view.tiles_x;
    const float centre_x = static_cast<float>(tx * kTile + kTile / 2);
    const float centre_y = static_cast<float>(ty * kTile + kTile / 2);
    TileState<kChannels> state;
    Chunk chunk;
    close_chunk(&chunk);
    uint32_t alive = 0;
    for (int b = 0; b < 16; b++) {
        const F16 inside = inside_image(view, grid, b, centre_x, centre_y);
        store(state.transmittance[b], inside);
        store(state.covered[b], set(0.0f));
        for (int c = 0; c < kChannels; c++) store(state.sums[b][c], set(0.0f));
        if (any(inside > set(0.0f))) alive |= 1u << b;
    }
    const uint32_t begin = tiles.begin[tile], end = tiles.begin[tile + 1];
    const uint32_t all = tiles.begin[view.tiles_x * view.tiles_y];
    for (int64_t y = 0; y < kTile; y++) {
        const int64_t offset = (ty * kTile + y) * view.stride + tx * kTile;
        for (int c = 0; c < 3; c++) prefetch_to_write(planes.colour + c * view.plane + offset);
    }
    int64_t at_chunk = tiles.chunk_begin[tile];
    uint32_t at = begin;
    for (; at < end && alive; at += kChunk, at_chunk++) {
        const int count = static_cast<int>(end - at < kChunk ? end - at : kChunk);
        const int groups = (count + kLanes - 1) / kLanes;
        uint16_t(*reached)[16] = tiles.reached + at_chunk * kGroups;
        for (int g = 0; g < groups; g++) {
            const Outlines outlines =
                load_group<kChannels>(projection, tiles.entries + at + g * kLanes, count - g * kLanes,
                                      centre_x, centre_y, grid, g, &chunk);
            reached_blocks(outlines, reached[g]);
        }
        for (int g = groups; g < kGroups; g++) {
            for (int b = 0; b < 16; b++) reached[g][b] = 0;
        }
        // Records lie in no order: ask for those of the next chunk, or tile, while this one is drawn.
        const uint32_t next = at + static_cast<uint32_t>(count);
        const uint32_t after = next + kChunk < all ? next + kChunk : all;
        for (uint32_t i = next; i < after; i++) {
            prefetch(projection.records + static_cast<int64_t>(tiles.entries[i].slot) * kRecord);
        }
        for (int b = 0; b < 16; b++)
            prefetch_to_write(tiles.transmittance + (at_chunk + 1) * 256 + b * 16);
        list_splats(reached, groups, alive, &chunk);
        float* saved = tiles.transmittance + at_chunk * 256;
        for (int b = 0; b < 16; b++) store(saved + b * 16, load(state.transmittance[b]));
        const uint32_t before = alive;
        int opaque_from[16];  // place in the block's list
        for (int b = 0; b < 16; b++) opaque_from[b] = kChunk;
        F16 exponent[kBatch], alpha[kBatch];
        exponents_of(chunk, grid, chunk.jobs[0], exponent);
        alphas_of(exponent, alpha);
        exponents_of(chunk, grid, chunk.jobs[1], exponent);
        for (int i = 0; i < chunk.job_count; i++) {
            const uint32_t b = chunk.jobs[i] % 16;
            const int place = static_cast<int>(chunk.jobs[i] / 16);
            if (opaque_from[b] > place) {
                const bool clear = draw_batch<kChannels, kCovers>(chunk, chunk.jobs[i], alpha, &state);
                opaque_from[b] = clear ? kChunk : place + kBatch;
            }
            alphas_of(exponent, alpha);
            exponents_of(chunk, grid, chunk.jobs[i + 2], exponent);
        }
        for (int b = 0; b < 16; b++) {
            if (!(before >> b & 1)) {
                for (int g = 0; g < groups; g++) reached[g][b] = 0;
            } else if (opaque_from[b] != kChunk) {
                alive &= ~(1u << b);
                forget_rest(chunk, b, opaque_from[b], reached);
            }
        }
    }
    for (; at < end; at += kChunk, at_chunk++) {
        for (int g = 0; g < kGroups; g++) {
            for (int b = 0; b < 16; b++) tiles.reached[at_chunk * kGroups + g][b] = 0;
        }
    }

    const int64_t corner = static_cast<int64_t>(ty) * kTile * view.stride + tx * kTile;
    for (int b = 0; b < 16; b++) {
        const int64_t offset = corner + b / 4 * 4 * view.stride + b % 4 * 4;
        const F16 alpha = load(state.covered[b]), behind = set(1.0f) - alpha;
        for (int c = 0; c < 3; c++) {
            store_block(planes.colour + c * view.plane + offset, view.stride,
                        fma(behind, set(view.background[c]), load(state.sums[b][c])));
        }
        if constexpr (kChannels >= 4) {
            store_block(planes.alpha + offset, view.stride, alpha);
            store_block(planes.depth + offset, view.stride, load(state.sums[b][3]) / max(alpha, set(1e-10f)));
        }
        if constexpr (kChannels >= 7) {
            F16 n[3], square = set(1e-20f);
            for (int c = 0; c < 3; c++) {
                n[c] = load(state.sums[b][4 + c]);
                square = fma(n[c], n[c], square);
            }
            for (int c = 0; c < 3; c++) {
                store_block(planes.normals + c * view.plane + offset, view.stride, n[c] / sqrt(square));
            }
        }
    }
}

}  // namespace setpiece::cpu::ISA
