// A tile's splats, kChunk at a time, made ready for the raster loops: sixteen splats to a vector, and for
// each 4x4 block of pixels the list of those that may light it.
#pragma once

#include "frame.h"
#include "simd.h"

namespace setpiece::cpu::ISA {

constexpr float kMinLog2Alpha = -7.99435344f;  // log2(1/255)
constexpr int kGroups = kChunk / kLanes;
constexpr int kRoom = kChunk + kLanes;  // with the splats that light nothing
constexpr int kFeatures = 7;            // red, green, blue, depth, normal
static_assert(kChunk % kLanes == 0, "chunks are made of whole groups");

// Splats are worked on kBatch at a time, so that several chains of dependent operations are under way.
#if defined(SETPIECE_AVX512)
constexpr int kBatch = 4;
#elif defined(SETPIECE_AVX2)
constexpr int kBatch = 2;
#else
constexpr int kBatch = 1;
#endif
static_assert(kLanes % kBatch == 0, "the splats after a list's end must fill its last batch");

// Splats about the tile's centre: u = l11 x + l12 y + k1, v = l22 y + k2, log2(alpha) = log2_opacity - u^2 -
// v^2. Written this way nothing large cancels. Splat kChunk lights nothing.
struct Chunk {
    alignas(64) float k1[kRoom], l11[kRoom], l12[kRoom], k2[kRoom], l22[kRoom], log2_opacity[kRoom];
    alignas(64) float x[kRoom], y[kRoom];  // mean about the tile's centre
    alignas(64) float feature[kFeatures][kRoom];
    alignas(64) int32_t list[16][kRoom];  // per block: its splats in order, then kChunk up to a whole batch
    int length[16];
    // The batches of all lists in rounds: the first batch of every block, then the second. Those of one block
    // are far apart, as none ends before the one before it. A job is 16 times its place plus the block.
    // Two more follow that are looked at, but not done.
    uint32_t jobs[kRoom / kBatch * 16 + 2];
    int job_count;
};

// x of the pixel centres of block b about the tile's centre, lane by lane; y likewise.
struct alignas(64) Grid {
    float x[16][16], y[16][16];
    float nothing[kRecord];  // the record of a splat that reaches no block

    Grid() : nothing{} {
        for (int b = 0; b < 16; b++) {
            for (int i = 0; i < 16; i++) {
                x[b][i] = static_cast<float>(b % 4 * 4 + i % 4) - 7.5f;
                y[b][i] = static_cast<float>(b / 4 * 4 + i / 4) - 7.5f;
            }
        }
        nothing[kLog2Opacity] = -1000.0f;
        nothing[kReach] = -1000.0f;
    }
};

// What decides which blocks a group of splats reaches.
struct Outlines {
    F16 x, y, l11, l12, l22, slope_x, slope_y, reach;
};

// Puts the splats of `count` entries at positions 16 g to 16 g + 15 of the chunk.
template <int kChannels>
inline Outlines load_group(const Projection& projection, const Entry* entries, int count, float centre_x,
                           float centre_y, const Grid& grid, int g, Chunk* chunk) {
    F16 r[16];
    for (int lane = 0; lane < kLanes; lane++) {
        const int64_t slot = lane < count ? static_cast<int64_t>(entries[lane].slot) : 0;
        r[lane] = load(lane < count ? projection.records + slot * kRecord : grid.nothing);
    }
    transpose(r);
    const F16 x = r[kX] - set(centre_x), y = r[kY] - set(centre_y);
    const int at = g * kLanes;
    store(chunk->x + at, x);
    store(chunk->y + at, y);
    store(chunk->l11 + at, r[kL11]);
    store(chunk->l12 + at, r[kL12]);
    store(chunk->l22 + at, r[kL22]);
    store(chunk->k1 + at, -fma(r[kL11], x, r[kL12] * y));
    store(chunk->k2 + at, -(r[kL22] * y));
    store(chunk->log2_opacity + at, r[kLog2Opacity]);
    for (int c = 0; c < kChannels; c++) store(chunk->feature[c] + at, r[kRed + c]);
    return {x, y, r[kL11], r[kL12], r[kL22], r[kSlopeX], r[kSlopeY], r[kReach]};
}

// Puts splats that light nothing behind the others, and where job 0 looks before there are lists.
inline void close_chunk(Chunk* chunk) {
    for (int i = 0; i < kBatch; i++) chunk->list[0][i] = kChunk;
    const F16 zero = set(0.0f);
    float* const rows[] = {chunk->k1,  chunk->l11, chunk->l12, chunk->k2,
                           chunk->l22, chunk->x,   chunk->y};
    for (float* row : rows) store(row + kChunk, zero);
    store(chunk->log2_opacity + kChunk, set(-1000.0f));
    for (int c = 0; c < kFeatures; c++) store(chunk->feature[c] + kChunk, zero);
}

// Which splats of a group reach each of the sixteen blocks, as bits: those whose ellipse of alpha = 1/255
// meets the block. The smallest Mahalanobis distance over a block's rectangle of pixel centres lies on the
// edge that faces the mean, or is 0 inside.
inline void reached_blocks(const Outlines& s, uint16_t reached[16]) {
    const F16 zero = set(0.0f), side = set(3.0f);
    const F16 reach = fma(s.reach, set(1.0001f), set(1e-4f));
    F16 left[4], right[4], nearest_y[4], u_across[4];
    for (int i = 0; i < 4; i++) {
        left[i] = set(static_cast<float>(4 * i) - 7.5f) - s.x;
        right[i] = left[i] + side;
        const F16 near_x = clamp(zero, left[i], right[i]);
        nearest_y[i] = near_x * s.slope_y;
        u_across[i] = s.l11 * near_x;
    }
    for (int j = 0; j < 4; j++) {
        const F16 top = set(static_cast<float>(4 * j) - 7.5f) - s.y, bottom = top + side;
        const F16 near_y = clamp(zero, top, bottom);
        const F16 nearest_x = near_y * s.slope_x, u_down = s.l12 * near_y, v_down = s.l22 * near_y;
        for (int i = 0; i < 4; i++) {
            const F16 y = clamp(nearest_y[i], top, bottom), x = clamp(nearest_x, left[i], right[i]);
            const F16 u1 = fma(s.l12, y, u_across[i]), v1 = s.l22 * y, u2 = fma(s.l11, x, u_down);
            const F16 distance = min(fma(u1, u1, v1 * v1), fma(u2, u2, v_down * v_down));
            reached[4 * j + i] = static_cast<uint16_t>(bits(distance <= reach));
        }
    }
}

// Fills the lists of the blocks in `alive` from the bits of every group, [groups][16], and cuts them into
// jobs: one loop over all jobs ends once, where loops over lists of no fixed length would end at every block.
inline void list_splats(const uint16_t (*reached)[16], int groups, uint32_t alive, Chunk* chunk) {
    alignas(64) float lengths[16];
    store(lengths, set(0.0f));
    for (; alive; alive &= alive - 1) {
        const int b = lowest_bit(alive);
        int32_t* list = chunk->list[b];
        int length = 0;
        for (int g = 0; g < groups; g++) length += store_places(list + length, reached[g][b], g * kLanes);
        chunk->length[b] = length;
        lengths[b] = static_cast<float>(length);
        for (int i = 0; i < kBatch; i++) list[length + i] = kChunk;
    }
    const F16 all = load(lengths);
    int jobs = 0;
    for (int place = 0;; place += kBatch) {
        const uint32_t longer = bits(all > set(static_cast<float>(place)));
        if (!longer) break;
        jobs += store_places(reinterpret_cast<int32_t*>(chunk->jobs) + jobs, longer, 16 * place);
    }
    chunk->jobs[jobs] = chunk->jobs[jobs + 1] = 0;
    chunk->job_count = jobs;
}

// The lanes of block b that lie inside the image: 1, else 0.
inline F16 inside_image(const View& view, const Grid& grid, int b, float centre_x, float centre_y) {
    const F16 x = load(grid.x[b]) + set(centre_x), y = load(grid.y[b]) + set(centre_y);
    const M16 inside = (x < set(static_cast<float>(view.width))) & (y < set(static_cast<float>(view.height)));
    return keep(inside, set(1.0f));
}

// A batch passes through three steps: exponents_of, alphas_of, and what is done with alpha. The loops take
// each step for another batch, so that what they ask of the processor is ready when it comes to it: the chain
// of one batch is longer than its window.

// log2(alpha) of a batch of splats at sixteen pixels.
inline void exponents_of(const Chunk& chunk, const Grid& grid, uint32_t job, F16 exponent[kBatch]) {
    const uint32_t b = job % 16;
    const int32_t* list = chunk.list[b] + job / 16;
    const F16 x = load(grid.x[b]), y = load(grid.y[b]);
    for (int i = 0; i < kBatch; i++) {
        const int at = list[i];
        const F16 u = fma(set(chunk.l11[at]), x, fma(set(chunk.l12[at]), y, set(chunk.k1[at])));
        const F16 v = fma(set(chunk.l22[at]), y, set(chunk.k2[at]));
        exponent[i] = fnma(u, u, fnma(v, v, set(chunk.log2_opacity[at])));
    }
}

// alpha, 0 below 1/255, clipped from above.
inline void alphas_of(const F16 exponent[kBatch], F16 alpha[kBatch]) {
    exp2_in_range<kBatch>(exponent, set(kMinLog2Alpha), alpha);
    for (int i = 0; i < kBatch; i++) alpha[i] = min(alpha[i], set(kAlphaMax));
}

// The weights of a batch, one splat after the other; `t` is the transmittance, before and then after. A splat
// is drawn where the transmittance behind it is above the limit. `t` never rises, so it needs no guard of its
// own: once it falls to the limit every later splat finds it there too.
inline void blend(const F16 alpha[kBatch], F16* t, F16 weight[kBatch], M16 drawn[kBatch]) {
    const F16 limit = set(kTransmittanceMin), one = set(1.0f);
    for (int i = 0; i < kBatch; i++) {
        const F16 next = *t * (one - alpha[i]);
        drawn[i] = next > limit;
        weight[i] = keep(drawn[i], alpha[i] * *t);
        *t = next;
    }
}

}  // namespace setpiece::cpu::ISA
