// The first stage of an iteration: project every Gaussian and list the tiles that it reaches.
#pragma once

#include "projection.h"

namespace setpiece::cpu::ISA {

// Tiles reached by sixteen ellipses, one row of tiles at a time. The ellipse is where alpha is 1/255; a tile
// is reached if one of its pixel rows' spans, widened by a hair, meets the ellipse: exact but for rounding.
struct Ellipses {
    F16 x, y, b, c, reach;  // mean, covariance terms, squared Mahalanobis distance of the rim
    F16 tilt;               // dy of the rightmost point
    F16 det;

    // First and last tile column in tile row `ty`, last < first if none.
    void span(F16 ty, F16 last_column, F16* first, F16* last) const {
        const F16 slack = set(1e-3f), zero = set(0.0f), side = set(1.0f / kTile);
        const F16 top = fma(ty, set(kTile), set(0.5f) - slack) - y;
        const F16 bottom = top + set(kTile - 1.0f) + slack + slack;
        const F16 dy_right = clamp(tilt, top, bottom), dy_left = clamp(-tilt, top, bottom);
        const F16 inverse_c = set(1.0f) / c;
        // x(dy) = (b dy +- sqrt(det (reach c - dy^2))) / c
        const F16 root_right = fnma(dy_right, dy_right, reach * c),
                  root_left = fnma(dy_left, dy_left, reach * c);
        const F16 right = x + (b * dy_right + sqrt(det * max(root_right, zero))) * inverse_c + slack;
        const F16 left = x + (b * dy_left - sqrt(det * max(root_left, zero))) * inverse_c - slack;
        // The nearest dy to the mean must lie inside the ellipse's height.
        const F16 near_dy = clamp(zero, top, bottom);
        const M16 meets = near_dy * near_dy <= fma(reach, c, slack);
        *first = max(floor((left + set(0.5f)) * side), zero);
        *last = min(floor((right - set(0.5f)) * side), last_column);
        *first = select(meets, *first, set(1.0f));
        *last = select(meets, *last, set(0.0f));
    }
};

inline void list_tiles(const View& view, const Ellipses& e, F16 extent_y, uint32_t lanes, Pairs* pairs,
                       uint32_t* counts, uint32_t* begins) {
    const F16 side = set(1.0f / kTile), zero = set(0.0f);
    const F16 last_row = set(static_cast<float>(view.tiles_y - 1));
    const F16 last_column = set(static_cast<float>(view.tiles_x - 1));
    const F16 top = clamp(floor((e.y - extent_y) * side), zero, last_row);
    const F16 bottom = clamp(floor((e.y + extent_y) * side), zero, last_row);
    alignas(64) int32_t tops[16], bottoms[16];
    store_int(tops, top);
    store_int(bottoms, bottom);
    int most = 0;
    for (uint32_t rest = lanes; rest; rest &= rest - 1) {
        const int lane = lowest_bit(rest);
        const int rows = bottoms[lane] - tops[lane] + 1;
        most = rows > most ? rows : most;
    }
    alignas(64) int32_t first[16], last[16];
    // Count first: the lists of one Gaussian must be contiguous, yet rows are found for sixteen at once.
    uint32_t total = 0;
    for (int lane = 0; lane < 16; lane++) counts[lane] = 0;
    for (int row = 0; row < most; row++) {
        F16 f, l;
        e.span(top + set(static_cast<float>(row)), last_column, &f, &l);
        store_int(first, f);
        store_int(last, l);
        for (uint32_t rest = lanes; rest; rest &= rest - 1) {
            const int lane = lowest_bit(rest);
            if (tops[lane] + row > bottoms[lane] || last[lane] < first[lane]) continue;
            counts[lane] += static_cast<uint32_t>(last[lane] - first[lane] + 1);
        }
    }
    for (int lane = 0; lane < 16; lane++) {
        begins[lane] = static_cast<uint32_t>(pairs->tile_size + total);
        total += counts[lane];
    }
    if (pairs->tile_size + total > pairs->tile_capacity ||
        pairs->visible_size + 16 > pairs->visible_capacity) {
        pairs->reserve(pairs, total, 16);
    }
    uint32_t cursor[16];
    for (int lane = 0; lane < 16; lane++) cursor[lane] = begins[lane];
    for (int row = 0; row < most; row++) {
        F16 f, l;
        e.span(top + set(static_cast<float>(row)), last_column, &f, &l);
        store_int(first, f);
        store_int(last, l);
        for (uint32_t rest = lanes; rest; rest &= rest - 1) {
            const int lane = lowest_bit(rest);
            const int ty = tops[lane] + row;
            if (ty > bottoms[lane]) continue;
            for (int tx = first[lane]; tx <= last[lane]; tx++) {
                pairs->tiles[cursor[lane]++] = static_cast<uint32_t>(ty * view.tiles_x + tx);
            }
        }
    }
    pairs->tile_size += total;
}

// World normals: the shortest axis, turned towards the camera.
inline void normals_of(const View& view, const float* block, const Projected& p, F16* out) {
    F16 r[9];
    rotation_of(p.quat, r);
    const F16 s0 = load(block + kLogScale * kLanes), s1 = load(block + (kLogScale + 1) * kLanes);
    const F16 s2 = load(block + (kLogScale + 2) * kLanes);
    const M16 first = (s0 <= s1) & (s0 <= s2), second = s1 <= s2;
    F16 facing = set(0.0f);
    for (int i = 0; i < 3; i++) {
        out[i] = select(first, r[3 * i], select(second, r[3 * i + 1], r[3 * i + 2]));
        facing = fma(out[i], load(block + i * kLanes) - set(view.centre[i]), facing);
    }
    for (int i = 0; i < 3; i++) out[i] = select(facing > set(0.0f), -out[i], out[i]);
}

// Projects blocks [begin, end). Pair positions are counted from the start of this call's own list.
inline void project_blocks(const View& view, const Scene& scene, int64_t begin, int64_t end,
                           const Projection& out, Pairs* pairs) {
    const float k = 0.5f * kLog2E;
    const F16 zero = set(0.0f);
    for (int64_t b = begin; b < end; b++) {
        const float* block = scene.values + b * scene.rows * kLanes;
        uint32_t* counts = out.tile_count + b * kLanes;
        Projected p;
        project(view, block, &p);
        const F16 a = p.a0 + set(kBlurPx2), c = p.c0 + set(kBlurPx2);
        const F16 log2_opacity = log2(max(p.opacity, set(1e-30f)));
        const F16 reach = (log2_opacity + set(7.99435344f)) * set(1.0f / k);  // 2 ln(255 opacity)
        const F16 extent_x = sqrt(max(reach, zero) * a), extent_y = sqrt(max(reach, zero) * c);
        M16 seen = (p.z >= set(kNear)) & (p.opacity >= set(kAlphaMin)) & (p.det < set(1e36f)) &
                   (a < set(1e30f)) & (c < set(1e30f));
        seen =
            seen & (p.mean_x + extent_x > zero) & (p.mean_x - extent_x < set(static_cast<float>(view.width)));
        seen = seen & (p.mean_y + extent_y > zero) &
               (p.mean_y - extent_y < set(static_cast<float>(view.height)));
        uint32_t lanes = bits(seen);
        if (scene.count - b * kLanes < kLanes) lanes &= (1u << (scene.count - b * kLanes)) - 1;
        if (!lanes) {
            for (int lane = 0; lane < kLanes; lane++) counts[lane] = 0;
            continue;
        }
        F16 direction[3], basis[16], colour[3];
        look(view, block, direction, basis);
        colours(view, block, basis, colour);
        const F16 brightness = abs(colour[0]) + abs(colour[1]) + abs(colour[2]);
        lanes &= bits(brightness < set(kBrightest));  // false for NaN: such a Gaussian is not drawn
        const F16 inverse_c = set(1.0f) / c;
        const F16 right = sqrt(max(reach, zero) / a) * p.b;  // dy of the rightmost point
        const Ellipses e = {p.mean_x, p.mean_y, p.b, c, reach, right, p.det};
        list_tiles(view, e, extent_y, lanes, pairs, counts, out.pair_begin + b * kLanes);

        F16 r[16];
        const F16 l11 = sqrt(set(k) * c / p.det);
        r[kX] = p.mean_x;
        r[kY] = p.mean_y;
        r[kL11] = l11;
        r[kL12] = -(l11 * p.b * inverse_c);
        r[kL22] = sqrt(set(k) * inverse_c);
        r[kLog2Opacity] = log2_opacity;
        for (int i = 0; i < 3; i++) r[kRed + i] = max(colour[i], zero);
        r[kDepth] = p.z;
        if (view.normals) {
            normals_of(view, block, p, r + kNormal);
        } else {
            r[kNormal] = r[kNormal + 1] = r[kNormal + 2] = zero;
        }
        r[kSlopeY] = p.b / a;
        r[kSlopeX] = p.b * inverse_c;
        r[kReach] = reach * set(k);
        transpose(r);
        float* records = out.records + b * kLanes * kRecord;
        for (int lane = 0; lane < kLanes; lane++) {
            if (!counts[lane]) continue;
            store(records + lane * kRecord, r[lane]);
            pairs->visible[pairs->visible_size++] = static_cast<uint32_t>(b * kLanes + lane);
        }
    }
}

}  // namespace setpiece::cpu::ISA
