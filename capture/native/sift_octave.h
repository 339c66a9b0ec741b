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
constexpr int batch = 8;          // rows made at a time
constexpr int most_moves = 5;     // of an extremum while it is refined; Lowe has no limit
constexpr int most_rows_off = 3;  // that it may move; the copies keep few rows

// The row outside a picture that stands for row `y` (mirrored at the edge pixel).
inline int mirrored(int y, int height) { return y < 0 ? -y : y >= height ? 2 * height - 2 - y : y; }

// Row `y` of a Gaussian blur of `from`; `middle` is a row with `block` floats before and behind.
inline void blur_row(const Level& from, int y, int width, int height, const Blur& blur, float* middle,
                     float* out) {
    const float* above[block];
    const float* below[block];
    for (int k = 0; k <= blur.radius; ++k) {
        above[k] = from.row(mirrored(y - k, height));
        below[k] = from.row(mirrored(y + k, height));
    }
    for (int x = 0; x < width; x += block) {
        F16 sum[4];
        for (int i = 0; i < 4; ++i) sum[i] = set(blur.weights[0]) * loadu(above[0] + x + i * lanes);
        for (int k = 1; k <= blur.radius; ++k) {
            const F16 weight = set(blur.weights[k]);
            for (int i = 0; i < 4; ++i) {
                sum[i] = sum[i] + weight * (loadu(above[k] + x + i * lanes) + loadu(below[k] + x + i * lanes));
            }
        }
        for (int i = 0; i < 4; ++i) storeu(middle + x + i * lanes, sum[i]);
    }
    for (int k = 1; k <= blur.radius; ++k) {
        middle[-k] = middle[k];
        middle[width - 1 + k] = middle[width - 1 - k];
    }
    for (int x = 0; x < width; x += block) {
        F16 sum[4];
        for (int i = 0; i < 4; ++i) sum[i] = set(blur.weights[0]) * loadu(middle + x + i * lanes);
        for (int k = 1; k <= blur.radius; ++k) {
            const F16 weight = set(blur.weights[k]);
            for (int i = 0; i < 4; ++i) {
                const float* at = middle + x + i * lanes;
                sum[i] = sum[i] + weight * (loadu(at - k) + loadu(at + k));
            }
        }
        for (int i = 0; i < 4; ++i) storeu(out + x + i * lanes, sum[i]);
    }
}

// Makes rows of the copies of an octave in order.
class Copies {
  public:
    explicit Copies(const Octave& octave) : octave_(octave), middle_(octave.scratch + block) {}

    // Makes the rows of copy `level` before row `until`.
    void make(int level, int until) {
        if (until > octave_.height) until = octave_.height;
        if (done_[level] >= until) return;
        const int width = octave_.width, height = octave_.height;
        if (level > 0) {
            const Blur& blur = octave_.blurs[level];
            make(level - 1, until + blur.radius);
            for (int y = done_[level]; y < until; ++y) {
                blur_row(octave_.copies[level - 1], y, width, height, blur, middle_, octave_.copies[level].row(y));
            }
        } else if (octave_.picture) {
            for (int y = done_[0]; y < until; ++y) {
                read(y + octave_.first.radius + 1);
                blur_row(octave_.raw, y, width, height, octave_.first, middle_, octave_.copies[0].row(y));
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
    float* middle_;
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

// Which of sixteen pixels are larger (`high`) or smaller (`low`) than some neighbours. Of two equal pixels the
// first in order of scale, row and column is the extremum.
struct Extrema {
    F16 here;
    M16 high, low;

    void before(const float* p) {
        const F16 other = loadu(p);
        high = high & (here > other);
        low = low & (other > here);
    }
    void after(const float* p) {
        const F16 other = loadu(p);
        high = high & (here >= other);
        low = low & (other >= here);
    }
    bool left() const { return any(high | low); }
};

inline void extrema_of_row(const Octave& o, int y, const float* const (*rows)[3], Spots* spots) {
    const F16 floor = set(0.5f * o.threshold);
    const F16 minus_floor = set(-0.5f * o.threshold);
    const int end = o.width - border;
    for (int level = 1; level <= scales; ++level) {
        const float* const* below = rows[level - 1];
        const float* const* same = rows[level];
        const float* const* over = rows[level + 1];
        for (int x = border; x < end; x += lanes) {
            Extrema e;
            e.here = loadu(same[1] + x);
            e.high = e.here > floor;
            e.low = minus_floor > e.here;
            if (!e.left()) continue;
            e.before(same[1] + x - 1);
            e.after(same[1] + x + 1);
            e.before(same[0] + x);
            e.after(same[2] + x);
            if (!e.left()) continue;
            e.before(below[1] + x);
            e.after(over[1] + x);
            e.before(same[0] + x - 1);
            e.before(same[0] + x + 1);
            e.after(same[2] + x - 1);
            e.after(same[2] + x + 1);
            if (!e.left()) continue;
            for (int u = -1; u <= 1; ++u) {
                e.before(below[0] + x + u);
                e.before(below[2] + x + u);
                e.after(over[0] + x + u);
                e.after(over[2] + x + u);
            }
            e.before(below[1] + x - 1);
            e.before(below[1] + x + 1);
            e.after(over[1] + x - 1);
            e.after(over[1] + x + 1);
            uint32_t found = bits(e.high | e.low);
            if (end - x < lanes) found &= (1u << (end - x)) - 1;
            for (int lane = 0; found; ++lane, found >>= 1) {
                if (!(found & 1)) continue;
                if (spots->count == spots->capacity) spots->grow(spots);
                if (refine(o, level, y, x + lane, spots->data + spots->count)) ++spots->count;
            }
        }
    }
}

inline void search_octave(const Octave& octave, Spots* spots) {
    Copies copies(octave);
    const int64_t stride = octave.copies[0].stride;
    float* differences = octave.scratch + 2 * block + stride;
    const auto difference_row = [=](int level, int y) {
        return differences + (level * difference_rows + y % difference_rows) * stride;
    };
    int made = border - 1;
    for (int y = border; y < octave.height - border; ++y) {
        copies.make(levels - 1, (y + most_rows_off + 2 + batch) / batch * batch);
        for (; made <= y + 1; ++made) {
            for (int level = 0; level < levels - 1; ++level) {
                const float* low = octave.copies[level].row(made);
                const float* high = octave.copies[level + 1].row(made);
                float* to = difference_row(level, made);
                for (int x = 0; x < octave.width; x += lanes) storeu(to + x, loadu(high + x) - loadu(low + x));
            }
        }
        const float* rows[levels - 1][3];
        for (int level = 0; level < levels - 1; ++level) {
            for (int v = 0; v < 3; ++v) rows[level][v] = difference_row(level, y - 1 + v);
        }
        extrema_of_row(octave, y, rows, spots);
    }
    copies.make(levels - 1, octave.height);
}

}  // namespace setpiece::features::ISA
