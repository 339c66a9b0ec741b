// The blurred copies of an octave and the extrema of their differences.
//
// Rows are made as they are needed, a few at a time through all copies, so that what a blur reads was written
// shortly before and is still in the cache.
#pragma once

#include "lanes.h"
#include "resample_row.h"
#include "sift.h"

namespace setpiece::features::ISA {

constexpr int block = 4 * lanes;  // pixels that are blurred at once; rows are padded to whole blocks
constexpr int strip = 4 * block;  // pixels across that are blurred downwards before those beside them
constexpr int most_moves = 5;     // of an extremum while it is refined; Lowe has no limit
constexpr int most_rows_off = 3;  // that it may move; the copies keep few rows

// The row outside a picture that stands for row `y` (mirrored at the edge pixel).
inline int mirrored(int y, int height) { return y < 0 ? -y : y >= height ? 2 * height - 2 - y : y; }

// Rows [top, bottom), at most a batch, of a Gaussian blur of `from`; `middle` holds as many rows, each with `block`
// floats before and behind.
inline void blur_rows(const Level& from, int top, int bottom, int width, int height, const Blur& blur, float* middle,
                      const Level& to) {
    const int64_t apart = to.stride + 2 * block;
    middle += block;
    for (int start = 0; start < width; start += strip) {
        const int end = start + strip < width ? start + strip : width;
        for (int y = top; y < bottom; ++y) {
            float* out = middle + (y - top) * apart;
            const float* above[block];
            const float* below[block];
            for (int k = 0; k <= blur.radius; ++k) {
                above[k] = from.row(mirrored(y - k, height));
                below[k] = from.row(mirrored(y + k, height));
            }
            for (int x = start; x < end; x += block) {
                F16 sum[4];
                for (int i = 0; i < 4; ++i) sum[i] = set(blur.weights[0]) * loadu(above[0] + x + i * lanes);
                for (int k = 1; k <= blur.radius; ++k) {
                    const F16 weight = set(blur.weights[k]);
                    for (int i = 0; i < 4; ++i) {
                        const int at = x + i * lanes;
                        sum[i] = sum[i] + weight * (loadu(above[k] + at) + loadu(below[k] + at));
                    }
                }
                for (int i = 0; i < 4; ++i) storeu(out + x + i * lanes, sum[i]);
            }
        }
    }
    for (int y = top; y < bottom; ++y) {
        float* row = middle + (y - top) * apart;
        float* out = to.row(y);
        for (int k = 1; k <= blur.radius; ++k) {
            row[-k] = row[k];
            row[width - 1 + k] = row[width - 1 - k];
        }
        for (int x = 0; x < width; x += block) {
            F16 sum[4];
            for (int i = 0; i < 4; ++i) sum[i] = set(blur.weights[0]) * loadu(row + x + i * lanes);
            for (int k = 1; k <= blur.radius; ++k) {
                const F16 weight = set(blur.weights[k]);
                for (int i = 0; i < 4; ++i) {
                    const float* at = row + x + i * lanes;
                    sum[i] = sum[i] + weight * (loadu(at - k) + loadu(at + k));
                }
            }
            for (int i = 0; i < 4; ++i) storeu(out + x + i * lanes, sum[i]);
        }
    }
}

// Makes rows of the copies of an octave in order.
class Copies {
  public:
    explicit Copies(const Octave& octave) : octave_(octave) {}

    // Makes the rows of copy `level` before row `until`.
    void make(int level, int until) {
        if (until > octave_.height) until = octave_.height;
        if (done_[level] >= until) return;
        const int width = octave_.width, height = octave_.height;
        if (level > 0) {
            const Blur& blur = octave_.blurs[level];
            make(level - 1, until + blur.radius);
            for (int y = done_[level]; y < until; y += batch) {
                const int end = y + batch < until ? y + batch : until;
                blur_rows(octave_.copies[level - 1], y, end, width, height, blur, octave_.scratch,
                          octave_.copies[level]);
            }
        } else if (octave_.picture) {
            for (int y = done_[0]; y < until; y += batch) {
                const int end = y + batch < until ? y + batch : until;
                read(end + octave_.first.radius);
                blur_rows(octave_.raw, y, end, width, height, octave_.first, octave_.scratch, octave_.copies[0]);
            }
        } else {
            for (int y = done_[0]; y < until; ++y) halve(octave_.finer->row(2 * y), octave_.copies[0].row(y));
        }
        done_[level] = until;
    }

  private:
    void read(int until) {
        if (until > octave_.height) until = octave_.height;
        for (; read_ < until; ++read_) resample_row(*octave_.picture, read_, octave_.raw.row(read_));
    }

    void halve(const float* from, float* to) const {
        for (int x = 0; x < octave_.width; ++x) to[x] = from[2 * x];
    }

    const Octave& octave_;
    int done_[levels] = {0, 0, 0, 0, 0, 0};
    int read_ = 0;
};

// The difference of copies `level` + 1 and `level`.
inline float difference(const Octave& o, int level, int y, int x) {
    return o.copies[level + 1].row(y)[x] - o.copies[level].row(y)[x];
}

// Moves an extremum to where a quadric through its neighbours has its own (Lowe, section 4). Returns whether it
// is one worth keeping.
inline bool refine(const Octave& o, int level, int y, int x, Spot* spot) {
    const int start = y;
    float dx = 0, dy = 0, ds = 0, response = 0;
    for (int move = 0;; ++move) {
        float d[3][3][3];
        for (int s = 0; s < 3; ++s) {
            for (int v = 0; v < 3; ++v) {
                const float* low = o.copies[level - 1 + s].row(y - 1 + v) + x - 1;
                const float* high = o.copies[level + s].row(y - 1 + v) + x - 1;
                for (int u = 0; u < 3; ++u) d[s][v][u] = high[u] - low[u];
            }
        }
        const float here = d[1][1][1];
        const float gx = (d[1][1][2] - d[1][1][0]) * 0.5f;
        const float gy = (d[1][2][1] - d[1][0][1]) * 0.5f;
        const float gs = (d[2][1][1] - d[0][1][1]) * 0.5f;
        const float xx = d[1][1][2] + d[1][1][0] - 2 * here;
        const float yy = d[1][2][1] + d[1][0][1] - 2 * here;
        const float ss = d[2][1][1] + d[0][1][1] - 2 * here;
        const float xy = (d[1][2][2] - d[1][2][0] - d[1][0][2] + d[1][0][0]) * 0.25f;
        const float xs = (d[2][1][2] - d[2][1][0] - d[0][1][2] + d[0][1][0]) * 0.25f;
        const float ys = (d[2][2][1] - d[2][0][1] - d[0][2][1] + d[0][0][1]) * 0.25f;
        // the inverse of the symmetric Hessian by its cofactors
        const float a = yy * ss - ys * ys, b = xs * ys - xy * ss, c = xy * ys - xs * yy;
        const float determinant = xx * a + xy * b + xs * c;
        if (determinant == 0) return false;
        const float scale = -1 / determinant;
        dx = scale * (a * gx + b * gy + c * gs);
        dy = scale * (b * gx + (xx * ss - xs * xs) * gy + (xy * xs - xx * ys) * gs);
        ds = scale * (c * gx + (xy * xs - xx * ys) * gy + (xx * yy - xy * xy) * gs);
        const bool inside = std::fabs(dx) < 0.5f && std::fabs(dy) < 0.5f && std::fabs(ds) < 0.5f;
        if (inside) {
            response = std::fabs(here + 0.5f * (gx * dx + gy * dy + gs * ds));
            const float trace = xx + yy, flat = xx * yy - xy * xy, ratio = o.edge + 1;
            if (response < o.threshold || trace * trace * o.edge >= ratio * ratio * flat) return false;
            break;
        }
        if (move == most_moves || !(std::fabs(dx) < 1e4f && std::fabs(dy) < 1e4f && std::fabs(ds) < 1e4f)) {
            return false;
        }
        x += static_cast<int>(std::floor(dx + 0.5f));
        y += static_cast<int>(std::floor(dy + 0.5f));
        level += static_cast<int>(std::floor(ds + 0.5f));
        if (level < 1 || level > scales || x < border || x >= o.width - border || y < border ||
            y >= o.height - border || y < start - most_rows_off || y > start + most_rows_off) {
            return false;
        }
    }
    const float sigma = o.sigma * std::exp2((static_cast<float>(level) + ds) / scales);
    *spot = {static_cast<float>(x) + dx, static_cast<float>(y) + dy, sigma, response, o.number, level, x, y};
    return true;
}

// Whether a pixel whose value no neighbour exceeds is the first of those that equal it, in order of scale, row and
// column: of a flat top only one pixel counts.
inline bool first_of_equals(const Octave& o, int level, int y, int x) {
    const float here = difference(o, level, y, x);
    for (int k = 0; k < 13; ++k) {
        if (difference(o, level + k / 9 - 1, y + k / 3 % 3 - 1, x + k % 3 - 1) == here) return false;
    }
    return true;
}

struct Range {
    F16 high, low;
};

inline Range both(const Range& a, const Range& b) { return {max(a.high, b.high), min(a.low, b.low)}; }

// Adds the extrema of the rows [top, bottom) to `spots`. The largest and the smallest of three by three pixels are
// kept while a column of sixteen is gone through downwards.
inline void extrema_of_rows(const Octave& o, int top, int bottom, Spots* spots) {
    constexpr int gaps = levels - 1;
    const F16 floor = set(0.5f * o.threshold), minus_floor = set(-0.5f * o.threshold);
    const int end = o.width - border;
    for (int x = border; x < end; x += lanes) {
        Range two[gaps], last[gaps];  // of the two rows before, and of the row before
        F16 middle[gaps];             // of the row before
        for (int y = top - 1; y <= bottom; ++y) {
            F16 before[3], after[3], here[gaps];
            Range window[gaps];
            for (int u = 0; u < 3; ++u) before[u] = loadu(o.copies[0].row(y) + x - 1 + u);
            for (int level = 0; level < gaps; ++level) {
                const float* row = o.copies[level + 1].row(y) + x - 1;
                F16 d[3];
                for (int u = 0; u < 3; ++u) {
                    after[u] = loadu(row + u);
                    d[u] = after[u] - before[u];
                    before[u] = after[u];
                }
                const Range now = {max(max(d[0], d[1]), d[2]), min(min(d[0], d[1]), d[2])};
                if (y > top) window[level] = both(two[level], now);
                if (y > top - 1) two[level] = both(last[level], now);
                last[level] = now;
                here[level] = middle[level];
                middle[level] = d[1];
            }
            if (y <= top) continue;
            M16 found[scales];
            for (int i = 0; i < scales; ++i) {
                const Range all = both(both(window[i], window[i + 1]), window[i + 2]);
                const F16 value = here[i + 1];
                found[i] = ((value >= all.high) & (value > floor)) | ((all.low >= value) & (minus_floor > value));
            }
            if (!any(found[0] | found[1] | found[2])) continue;
            for (int i = 0; i < scales; ++i) {
                uint32_t left = bits(found[i]);
                if (end - x < lanes) left &= (1u << (end - x)) - 1;
                for (int lane = 0; left; ++lane, left >>= 1) {
                    if (!(left & 1) || !first_of_equals(o, i + 1, y - 1, x + lane)) continue;
                    if (spots->count == spots->capacity) spots->grow(spots);
                    if (refine(o, i + 1, y - 1, x + lane, spots->data + spots->count)) ++spots->count;
                }
            }
        }
    }
}

inline void search_octave(const Octave& octave, Spots* spots) {
    Copies copies(octave);
    for (int y = border; y < octave.height - border; y += batch) {
        copies.make(levels - 1, y + batch + most_rows_off + 1);
        extrema_of_rows(octave, y, y + batch < octave.height - border ? y + batch : octave.height - border, spots);
    }
    copies.make(levels - 1, octave.height);
}

}  // namespace setpiece::features::ISA
