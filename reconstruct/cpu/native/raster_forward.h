// Forward compositing of one tile (Kerbl et al. 2023, algorithm 2), a 4x4 block of pixels per vector.
//
// A splat is drawn while the transmittance behind it stays above 1e-4. The running transmittance T never
// rises, so it needs no guard: once it falls to the limit every later splat finds it there too.
#pragma once

#include "chunk.h"

namespace setpiece::cpu::ISA {

// Channels: 3 = colour, 4 = and depth, 7 = and normals.
template <int kChannels>
struct TileState {
    alignas(64) float transmittance[16][16];  // running
    alignas(64) float visible[16][16];        // transmittance of what was drawn
    alignas(64) float sums[16][kChannels][16];
};

// Draws the splats `todo` of a chunk into block b. Returns the index of the splat after which every pixel
// is opaque, or kChunk.
template <int kChannels>
inline int draw_block(const Chunk& chunk, uint64_t todo, const Grid& grid, int b,
                      TileState<kChannels>* state) {
    const F16 x = load(grid.x[b]), y = load(grid.y[b]);
    const F16 limit = set(kTransmittanceMin), most = set(kAlphaMax), one = set(1.0f);
    F16 t = load(state->transmittance[b]), visible = load(state->visible[b]);
    F16 sums[kChannels];
    for (int c = 0; c < kChannels; c++) sums[c] = load(state->sums[b][c]);
    int stop = kChunk;
    for (; todo; todo &= todo - 1) {
        const int i = lowest_bit(todo);
        const Local& s = chunk.splats[i];
        const F16 alpha = min(alpha_at(s, x, y), most);
        const F16 next = t * (one - alpha);
        const M16 drawn = next > limit;
        const F16 weight = keep(drawn, alpha * t);
        visible = select(drawn, next, visible);
        t = next;
        for (int c = 0; c < kChannels; c++) sums[c] = fma(weight, set(s.feature[c]), sums[c]);
        if (!any(drawn)) {
            stop = i;
            break;
        }
    }
    store(state->transmittance[b], t);
    store(state->visible[b], visible);
    for (int c = 0; c < kChannels; c++) store(state->sums[b][c], sums[c]);
    return stop;
}

// Draws a tile. For the backward pass it leaves in `tiles` the blocks that evaluate each entry, and the
// transmittance at the start of every chunk.
template <int kChannels>
inline void draw_tile(const View& view, const Projection& projection, const Tiles& tiles, int tile,
                      const Grid& grid, const Planes& planes) {
    const int tx = tile % view.tiles_x, ty = tile / view.tiles_x;
    const float centre_x = static_cast<float>(tx * kTile + kTile / 2);
    const float centre_y = static_cast<float>(ty * kTile + kTile / 2);
    TileState<kChannels> state;
    Chunk chunk;
    uint32_t alive = 0;
    for (int b = 0; b < 16; b++) {
        const F16 inside = inside_image(view, grid, b, centre_x, centre_y);
        store(state.transmittance[b], inside);
        store(state.visible[b], inside);
        for (int c = 0; c < kChannels; c++) store(state.sums[b][c], set(0.0f));
        if (any(inside > set(0.0f))) alive |= 1u << b;
    }
    const uint32_t begin = tiles.begin[tile], end = tiles.begin[tile + 1];
    float* saved = tiles.transmittance + static_cast<int64_t>(tiles.chunk_begin[tile]) * 256;
    uint32_t at = begin;
    for (; at < end && alive; at += kChunk, saved += 256) {
        const int count = static_cast<int>(end - at < kChunk ? end - at : kChunk);
        for (int i = 0; i < count; i++) {
            const float* record =
                projection.records + static_cast<int64_t>(tiles.entries[at + i].slot) * kRecord;
            prepare(record, centre_x, centre_y, &chunk.splats[i]);
            chunk.masks[i] = static_cast<uint16_t>(reached_blocks(record, chunk.splats[i], grid) & alive);
        }
        // Records lie in no order: ask for those of the next chunk while this one is drawn.
        const uint32_t next = at + kChunk, after = end - at > 2 * kChunk ? next + kChunk : end;
        for (uint32_t i = next; i < after; i++) {
            prefetch(projection.records + static_cast<int64_t>(tiles.entries[i].slot) * kRecord);
        }
        turn_masks(chunk.masks, count, chunk.splats_of);
        for (uint32_t rest = alive; rest; rest &= rest - 1) {
            const int b = lowest_bit(rest);
            store(saved + b * 16, load(state.transmittance[b]));
            const uint64_t todo = chunk.splats_of[b];
            const int stop = draw_block<kChannels>(chunk, todo, grid, b, &state);
            if (stop == kChunk) continue;
            alive &= ~(1u << b);
            const uint64_t skipped = todo & ~((uint64_t{2} << stop) - 1);
            for (uint64_t late = skipped; late; late &= late - 1) {
                chunk.masks[lowest_bit(late)] &= static_cast<uint16_t>(~(1u << b));
            }
        }
        for (int i = 0; i < count; i++) tiles.block_masks[at + i] = chunk.masks[i];
    }
    for (; at < end; at++) tiles.block_masks[at] = 0;

    const int64_t corner = static_cast<int64_t>(ty) * kTile * view.stride + tx * kTile;
    for (int b = 0; b < 16; b++) {
        const int64_t offset = corner + b / 4 * 4 * view.stride + b % 4 * 4;
        const F16 behind = load(state.visible[b]), alpha = set(1.0f) - behind;
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
