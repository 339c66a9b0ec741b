// The direction of a feature and the bytes that describe what lies around it.
#pragma once

#include "lanes.h"
#include "sift.h"

namespace setpiece::features::ISA {

constexpr float pi = 3.14159265358979f;

// The angle of (x, y), 0 to `turn`, to 1e-5 of a turn; 0 for (0, 0). A polynomial for atan on [0, 1] (Abramowitz
// and Stegun, 4.4.49), mirrored into the other octants.
inline F16 angle_of(F16 x, F16 y, float turn) {
    const F16 ax = abs(x), ay = abs(y);
    const F16 a = min(ax, ay) / max(max(ax, ay), set(1e-20f));
    const F16 q = a * a;
    F16 p = set(0.0208351f) * q - set(0.0851330f);
    p = p * q + set(0.1801410f);
    p = p * q - set(0.3302995f);
    p = (p * q + set(0.9998660f)) * a * set(turn / (2 * pi));
    p = select(ay > ax, set(turn / 4) - p, p);
    p = select(set(0.0f) > x, set(turn / 2) - p, p);
    return select(set(0.0f) > y, set(turn) - p, p);
}

constexpr int directions = 36;
constexpr int widest = 3 * lanes;  // pixels of the window across
constexpr float window = 1.5f;     // Lowe, section 5: the weight's deviation, in blurs
constexpr float reach = 3.0f;      // deviations
constexpr float second = 0.8f;     // of the highest peak

// The window of a direction, or of a descriptor turned by 45 degrees where `all`.
inline void fetch_spot(const Octave& o, const Spot& spot, bool all) {
#if defined(__GNUC__) || defined(__clang__)
    constexpr float corner = 3.0f * 2.75f * 1.42f;  // blurs to the corner of a descriptor's grid
    const Level& copy = o.copies[spot.level];
    const int radius = static_cast<int>((all ? corner : reach * window) * spot.sigma) + 1;
    const int cx = static_cast<int>(spot.x), cy = static_cast<int>(spot.y);
    const int top = cy > radius ? cy - radius : 0, bottom = cy + radius < o.height ? cy + radius : o.height - 1;
    const int left = cx > radius ? cx - radius : 0, right = cx + radius < o.width ? cx + radius : o.width - 1;
    for (int y = top; y <= bottom; ++y) {
        const float* row = copy.row(y);
        for (int x = left; x < right; x += lanes) __builtin_prefetch(row + x);
        __builtin_prefetch(row + right);
    }
#else
    (void)o, (void)spot, (void)all;
#endif
}

inline int orient_spot(const Octave& o, const Spot& spot, float* angles) {
    const Level& copy = o.copies[spot.level];
    int radius = static_cast<int>(reach * window * spot.sigma + 0.5f);
    if (radius > widest / 2 - 1) radius = widest / 2 - 1;
    const int cx = static_cast<int>(spot.x + 0.5f), cy = static_cast<int>(spot.y + 0.5f);
    const float deviation = window * spot.sigma, fall = -1 / (2 * deviation * deviation);
    float across[widest], down[widest];
    for (int i = 0; i < widest; ++i) {
        const float off = static_cast<float>(i - radius);
        down[i] = i <= 2 * radius ? std::exp(off * off * fall) : 0.0f;
        const int x = cx + i - radius;
        across[i] = x >= 1 && x < o.width - 1 ? down[i] : 0.0f;
    }
    float histogram[4][directions + 1] = {};
    for (int i = 0; i <= 2 * radius; ++i) {
        const int y = cy + i - radius;
        if (y < 1 || y >= o.height - 1) continue;
        const float* at = copy.row(y) + cx - radius;
        const float* above = copy.row(y - 1) + cx - radius;
        const float* below = copy.row(y + 1) + cx - radius;
        for (int j = 0; j <= 2 * radius; j += lanes) {
            const F16 gx = loadu(at + j + 1) - loadu(at + j - 1), gy = loadu(below + j) - loadu(above + j);
            float weight[lanes], bin[lanes];
            storeu(weight, sqrt(gx * gx + gy * gy) * (loadu(across + j) * set(down[i])));
            storeu(bin, floor(angle_of(gx, gy, directions) + set(0.5f)));
            const int count = 2 * radius + 1 - j < lanes ? 2 * radius + 1 - j : lanes;
            for (int k = 0; k < count; ++k) histogram[k % 4][static_cast<int>(bin[k])] += weight[k];
        }
    }
    float raw[directions], smooth[directions];
    for (int i = 0; i < directions; ++i) {
        raw[i] = (histogram[0][i] + histogram[1][i]) + (histogram[2][i] + histogram[3][i]);
    }
    for (int h = 0; h < 4; ++h) raw[0] += histogram[h][directions];
    float highest = 0;
    for (int i = 0; i < directions; ++i) {
        const auto bin = [&](int k) { return raw[(i + k + directions) % directions]; };
        smooth[i] = (bin(-2) + bin(2)) * (1 / 16.0f) + (bin(-1) + bin(1)) * (4 / 16.0f) + raw[i] * (6 / 16.0f);
        highest = smooth[i] > highest ? smooth[i] : highest;
    }
    float heights[2] = {0, 0};
    int count = 0;
    for (int i = 0; i < directions; ++i) {
        const float left = smooth[(i + directions - 1) % directions], right = smooth[(i + 1) % directions];
        const float here = smooth[i];
        if (!(here > left && here >= right && here >= second * highest)) continue;
        const float off = 0.5f * (left - right) / (left - 2 * here + right);
        const float angle = (static_cast<float>(i) + off) * (2 * pi / directions);
        const int place = here > heights[0] ? 0 : here > heights[1] ? 1 : 2;
        if (place == 0) {
            heights[1] = heights[0];
            angles[1] = angles[0];
        }
        if (place < 2) {
            heights[place] = here;
            angles[place] = angle;
            count = count < 2 ? count + 1 : 2;
        }
    }
    if (count == 0) {
        angles[0] = 0;
        count = 1;
    }
    return count;
}

// What the descriptor samples: a turned grid with four samples to a cell, half a cell wider than the four by four
// cells on each side because samples are shared between neighbouring cells (Lowe, section 6.1), and one sample
// more for differences.
constexpr int cells = 4;
constexpr int per_cell = 4;
constexpr int inner = (cells + 1) * per_cell;
constexpr int side = inner + 2;
constexpr int samples = side * side;
constexpr int padded = (samples + lanes - 1) / lanes * lanes;
constexpr int bins = 8;
constexpr float cell = 3.0f;         // in blurs
constexpr float brightest = 0.2f;    // Lowe, section 6.1: no entry above this part of the length
constexpr float byte_length = 512.0f;

struct Grid {
    float u[padded + side + lanes], v[padded + side + lanes];  // places, in samples
    float weight[padded + side + lanes];                       // 0 for those that serve differences only
    float rows[inner / 2][cells][2];  // how rows i and i + inner / 2 are shared between cells

    Grid() {
        for (int i = 0; i < padded + side + lanes; ++i) {
            const int row = i / side, column = i % side;
            u[i] = static_cast<float>(column) - 0.5f * (side - 1);
            v[i] = static_cast<float>(row) - 0.5f * (side - 1);
            const float off = (u[i] * u[i] + v[i] * v[i]) / (per_cell * per_cell);
            const bool used = row >= 1 && row <= inner && column >= 1 && column <= inner;
            weight[i] = used ? std::exp(-off / (0.5f * cells * cells)) : 0.0f;
        }
        for (int i = 0; i < inner; ++i) {
            for (int c = 0; c < cells; ++c) {
                const float place = (static_cast<float>(i) + 0.5f) / per_cell - 1;  // 0: the first cell's middle
                const float apart = std::fabs(place - static_cast<float>(c));
                rows[i % (inner / 2)][c][i / (inner / 2)] = apart < 1 ? 1 - apart : 0.0f;
            }
        }
    }
};

inline const Grid& grid() {
    static const Grid instance;
    return instance;
}

// Sixteen samples of a picture by linear interpolation; places in pixels from `base`.
inline F16 sample(const float* base, float stride, F16 x, F16 y) {
    const F16 left = floor(x), top = floor(y);
    const F16 fx = x - left, fy = y - top;
    const F16 at = top * set(stride) + left;
    const F16 a = gather(base, at), b = gather(base, at + set(1.0f));
    const F16 c = gather(base, at + set(stride)), d = gather(base, at + set(stride + 1));
    const F16 upper = a + fx * (b - a), lower = c + fx * (d - c);
    return upper + fy * (lower - upper);
}

inline float total(F16 x) {
    float v[lanes];
    storeu(v, x);
    for (int width = lanes / 2; width; width /= 2) {
        for (int i = 0; i < width; ++i) v[i] += v[i + width];
    }
    return v[0];
}

inline void describe_spot(const Octave& o, const Spot& spot, float angle, uint8_t* descriptor) {
    const Grid& g = grid();
    const Level& copy = o.copies[spot.level];
    const int cx = static_cast<int>(spot.x), cy = static_cast<int>(spot.y);
    const float* base = copy.row(cy) + cx;
    const float step = cell / per_cell * spot.sigma;
    const float cosine = step * std::cos(angle), sine = step * std::sin(angle);
    const float ox = spot.x - static_cast<float>(cx), oy = spot.y - static_cast<float>(cy);
    const F16 left = set(static_cast<float>(-cx)), right = set(static_cast<float>(o.width - 1 - cx) - 1e-3f);
    const F16 top = set(static_cast<float>(-cy)), bottom = set(static_cast<float>(o.height - 1 - cy) - 1e-3f);
    float picture[padded + side + lanes];
    for (int i = 0; i < padded; i += lanes) {
        const F16 u = loadu(g.u + i), v = loadu(g.v + i);
        const F16 x = set(ox) + (u * set(cosine) - v * set(sine));
        const F16 y = set(oy) + (u * set(sine) + v * set(cosine));
        storeu(picture + i, sample(base, static_cast<float>(copy.stride), min(max(x, left), right),
                                   min(max(y, top), bottom)));
    }
    for (int i = padded; i < padded + side + lanes; ++i) picture[i] = 0;
    float size[padded + side + lanes], turn[padded + side + lanes];
    for (int i = side; i < samples - side; i += lanes) {
        const F16 gx = loadu(picture + i + 1) - loadu(picture + i - 1);
        const F16 gy = loadu(picture + i + side) - loadu(picture + i - side);
        storeu(size + i, sqrt(gx * gx + gy * gy) * loadu(g.weight + i));
        storeu(turn + i, angle_of(gx, gy, bins));
    }
    // lanes 0 to 7 are the directions of one sample, lanes 8 to 15 those of the sample half a grid below
    const F16 ramp8 = loadu(ramp) - halves(0, bins), all = set(bins), one = set(1.0f), none = set(0.0f);
    F16 sums[cells][cells];
    for (int r = 0; r < cells; ++r) {
        for (int c = 0; c < cells; ++c) sums[r][c] = none;
    }
    for (int i = 0; i < inner / 2; ++i) {
        const int upper = (i + 1) * side + 1, lower = upper + inner / 2 * side;
        F16 row[cells] = {none, none, none, none};
        for (int group = 0; group <= cells; ++group) {
            for (int j = 0; j < per_cell; ++j) {
                const int at = group * per_cell + j;
                const F16 off = abs(halves(turn[upper + at], turn[lower + at]) - ramp8);
                const F16 near = max(none, one - min(off, all - off));
                const F16 value = near * halves(size[upper + at], size[lower + at]);
                const float part = (static_cast<float>(j) + 0.5f) / per_cell;
                if (group > 0) row[group - 1] = row[group - 1] + value * set(1 - part);
                if (group < cells) row[group] = row[group] + value * set(part);
            }
        }
        for (int r = 0; r < cells; ++r) {
            const F16 share = halves(g.rows[i][r][0], g.rows[i][r][1]);
            for (int c = 0; c < cells; ++c) sums[r][c] = sums[r][c] + share * row[c];
        }
    }
    float both[2 * descriptor_length];
    for (int k = 0; k < cells * cells; ++k) storeu(both + k * lanes, sums[k / cells][k % cells]);
    float values[descriptor_length];
    for (int k = 0; k < descriptor_length; ++k) values[k] = both[k / 8 * 16 + k % 8] + both[k / 8 * 16 + k % 8 + 8];
    F16 squares = none;
    for (int k = 0; k < descriptor_length; k += lanes) squares = squares + loadu(values + k) * loadu(values + k);
    const F16 limit = set(brightest * std::sqrt(total(squares)));
    F16 sum = none;
    for (int k = 0; k < descriptor_length; k += lanes) {
        const F16 cut = min(loadu(values + k), limit);
        storeu(values + k, cut);
        sum = sum + cut;
    }
    const float whole = total(sum);
    const F16 scale = set(whole > 1e-12f ? 1 / whole : 0.0f);
    for (int k = 0; k < descriptor_length; k += lanes) {
        const F16 root = sqrt(loadu(values + k) * scale) * set(byte_length) + set(0.5f);
        storeu(values + k, min(root, set(255.0f)));
    }
    for (int k = 0; k < descriptor_length; ++k) descriptor[k] = static_cast<uint8_t>(values[k]);
}

}  // namespace setpiece::features::ISA
