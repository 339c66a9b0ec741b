// One row of a resampled picture.
#pragma once

#include "lanes.h"
#include "resample.h"

namespace setpiece::features::ISA {

// Writes row `y`; `out` has room for the count in whole vectors.
inline void resample_row(const Resample& r, int y, float* out) {
    const int width = r.across.source, whole = width / lanes * lanes;
    const bool same = r.across.count == width;
    float* row = same ? out : r.scratch;
    const uint8_t* from = r.picture + static_cast<int64_t>(r.down.first[y]) * r.stride;
    for (int x = 0; x < whole; x += lanes) {
        F16 sum = set(r.down.weights[y]) * load_bytes(from + x);
        for (int k = 1; k < r.down.taps; ++k) {
            sum = sum + set(r.down.weights[k * r.down.padded + y]) * load_bytes(from + k * r.stride + x);
        }
        storeu(row + x, sum);
    }
    for (int x = whole; x < width; ++x) {
        float sum = r.down.weights[y] * from[x];
        for (int k = 1; k < r.down.taps; ++k) sum += r.down.weights[k * r.down.padded + y] * from[k * r.stride + x];
        row[x] = sum;
    }
    if (same) return;
    for (int x = 0; x < r.across.count; x += lanes) {
        const F16 first = loadu(r.across.first + x);
        F16 sum = loadu(r.across.weights + x) * gather(row, first);
        for (int k = 1; k < r.across.taps; ++k) {
            const F16 weight = loadu(r.across.weights + static_cast<int64_t>(k) * r.across.padded + x);
            sum = sum + weight * gather(row + k * r.across.apart, first);
        }
        storeu(out + x, sum);
    }
}

}  // namespace setpiece::features::ISA
