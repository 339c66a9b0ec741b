#include "bundle_kernels.h"

#include <cmath>

#include "simd_double.h"

namespace setpiece::bundle::ISA {

using namespace setpiece::ISA;

namespace {

constexpr int kLanes = 8;                // observations at a time
constexpr double kNearest = 1e-9;        // depth below which a point is behind the camera
constexpr double kBehindSquared = 1e12;  // squared error in pixels that stands for it

// Eight observations, one lane each.
struct Inputs {
    D8 pose[12], lens[kLens], x[3], xy[2];
};

struct Derivatives {
    D8 r[2], jc[2][kPose], jl[2][kLens], jp[2][3];
};

void gather(const Arrays& a, const double* cameras, const double* points, int64_t first, int64_t count,
            Inputs* out) {
    D8 rows[2][8];
    double single[6][kLanes];
    for (int l = 0; l < kLanes; l++) {
        const int64_t o = first + (l < count ? l : 0);
        const double* camera = cameras + kCamera * int64_t{a.frame[o]};
        const double* x = points + 3 * int64_t{a.point[o]};
        rows[0][l] = load(camera);
        rows[1][l] = load(camera + 8);
        single[0][l] = x[0];
        single[1][l] = x[1];
        single[2][l] = x[2];
        single[3][l] = a.xy[2 * o];
        single[4][l] = a.xy[2 * o + 1];
        single[5][l] = camera[16];
    }
    transpose(rows[0]);
    transpose(rows[1]);
    for (int k = 0; k < 8; k++) out->pose[k] = rows[0][k];
    for (int k = 0; k < 4; k++) out->pose[8 + k] = rows[1][k];
    for (int k = 0; k < 4; k++) out->lens[k] = rows[1][4 + k];
    for (int k = 0; k < 3; k++) out->x[k] = load(single[k]);
    out->xy[0] = load(single[3]);
    out->xy[1] = load(single[4]);
    out->lens[4] = load(single[5]);
}

// Squared errors, and with `out` the derivatives, weighted.
D8 evaluate(const Arrays& a, const Inputs& n, Derivatives* out) {
    const D8 one = set(1.0), nought = set(0.0);
    D8 turned[3];
    for (int k = 0; k < 3; k++) {
        turned[k] = fma(n.pose[4 * k], n.x[0], fma(n.pose[4 * k + 1], n.x[1], n.pose[4 * k + 2] * n.x[2]));
    }
    const D8 depth = turned[2] + n.pose[11];
    const D8 inverse = one / over(depth, set(kNearest), depth, one);
    const D8 x = (turned[0] + n.pose[3]) * inverse, y = (turned[1] + n.pose[7]) * inverse;
    const D8 s = fma(x, x, y * y), f = n.lens[0];
    const D8 d = fma(s, fma(s, n.lens[4], n.lens[3]), one), fd = f * d;
    const D8 u = fma(fd, x, n.lens[1] - n.xy[0]), v = fma(fd, y, n.lens[2] - n.xy[1]);
    const D8 squared = over(depth, set(kNearest), fma(u, u, v * v), set(kBehindSquared));
    if (!out) return squared;
    const D8 robust = sqrt(one / fma(squared, set(a.inverse_scale), one));  // IRLS, as rho'' < 0 in Ceres
    const D8 w = over(depth, set(kNearest), robust, nought), wf = w * f;
    out->r[0] = w * u;
    out->r[1] = w * v;
    const D8 e = fma(set(4.0) * n.lens[4], s, set(2.0) * n.lens[3]);
    const D8 xx = wf * fma(e * x, x, d), xy = wf * e * x * y, yy = wf * fma(e * y, y, d);
    const D8 by[2][2] = {{xx, xy}, {xy, yy}}, at[2] = {x, y};
    for (int side = 0; side < 2; side++) {
        const D8 j0 = by[side][0] * inverse, j1 = by[side][1] * inverse;
        const D8 j2 = nought - fma(j0, x, j1 * y);
        D8* jc = out->jc[side];
        jc[0] = fma(turned[1], j2, nought - turned[2] * j1);
        jc[1] = fma(turned[2], j0, nought - turned[0] * j2);
        jc[2] = fma(turned[0], j1, nought - turned[1] * j0);
        jc[3] = j0;
        jc[4] = j1;
        jc[5] = j2;
        for (int k = 0; k < 3; k++) {
            out->jp[side][k] = fma(j0, n.pose[k], fma(j1, n.pose[4 + k], j2 * n.pose[8 + k]));
        }
        const D8 radial = wf * s * at[side];
        out->jl[side][0] = set(a.lens_free[0]) * w * d * at[side];
        out->jl[side][1] = side ? nought : set(a.lens_free[1]) * w;
        out->jl[side][2] = side ? set(a.lens_free[2]) * w : nought;
        out->jl[side][3] = set(a.lens_free[3]) * radial;
        out->jl[side][4] = set(a.lens_free[4]) * radial * s;
    }
    return squared;
}

// The derivatives by the pose of the camera become those by the pose of its station.
void to_station(const Arrays& a, int64_t first, int64_t count, Derivatives* j) {
    if (!a.turned) return;
    D8 rows[2][8];
    for (int l = 0; l < kLanes; l++) {
        const double* turn = a.cameras + kCamera * int64_t{a.frame[first + (l < count ? l : 0)]} + kTurn;
        rows[0][l] = load(turn);
        rows[1][l] = load(turn + 1);
    }
    transpose(rows[0]);
    transpose(rows[1]);
    const D8 t[9] = {rows[0][0], rows[0][1], rows[0][2], rows[0][3], rows[0][4],
                     rows[0][5], rows[0][6], rows[0][7], rows[1][7]};
    for (int side = 0; side < 2; side++) {
        for (int part = 0; part < kPose; part += 3) {
            D8* jc = j->jc[side] + part;
            const D8 old[3] = {jc[0], jc[1], jc[2]};
            for (int k = 0; k < 3; k++) jc[k] = fma(t[k], old[0], fma(t[3 + k], old[1], t[6 + k] * old[2]));
        }
    }
}

double cost_at(const Arrays& a, const double* cameras, const double* points, int64_t begin, int64_t end) {
    double sum = 0;
    const int64_t last = a.starts[end];
    for (int64_t o = a.starts[begin]; o < last; o += kLanes) {
        const int64_t count = last - o < kLanes ? last - o : kLanes;
        Inputs inputs;
        gather(a, cameras, points, o, count, &inputs);
        double ratio[kLanes];
        store(ratio, fma(evaluate(a, inputs, nullptr), set(a.inverse_scale), set(1.0)));
        double product = 1;  // one logarithm for all: eight squared errors are far from overflow
        for (int l = 0; l < count; l++) product *= ratio[l];
        sum += std::log(product);
    }
    return 0.5 * sum / a.inverse_scale;
}

double cost(const Arrays& a, int64_t begin, int64_t end) { return cost_at(a, a.cameras, a.points, begin, end); }

// The factor L of V, by rows; V = [v00 v10 v11 v20 v21 v22].
void factor3(const double* v, double* l) {
    l[0] = std::sqrt(v[0]);
    l[1] = v[1] / l[0];
    l[2] = std::sqrt(v[2] - l[1] * l[1]);
    l[3] = v[3] / l[0];
    l[4] = (v[4] - l[3] * l[1]) / l[2];
    l[5] = std::sqrt(v[5] - l[3] * l[3] - l[4] * l[4]);
}

// block [rows][8] -= first' second, both three rows
template <int rows>
inline void subtract(double* block, const double* first, const double* second) {
    const D8 s0 = load(second), s1 = load(second + kRow), s2 = load(second + 2 * kRow);
    for (int r = 0; r < rows; r++) {
        D8 sum = load(block + kRow * r);
        sum = fnma(set(first[r]), s0, sum);
        sum = fnma(set(first[kRow + r]), s1, sum);
        sum = fnma(set(first[2 * kRow + r]), s2, sum);
        store(block + kRow * r, sum);
    }
}

// block [rows][8] += first' second, both two rows
template <int rows>
inline void add(double* block, const double* first, const double* second) {
    const D8 s0 = load(second), s1 = load(second + kRow);
    for (int r = 0; r < rows; r++) {
        D8 sum = load(block + kRow * r);
        sum = fma(set(first[r]), s0, sum);
        sum = fma(set(first[kRow + r]), s1, sum);
        store(block + kRow * r, sum);
    }
}

inline void add_squares(double* scale, const double* rows) {
    const D8 r0 = load(rows), r1 = load(rows + kRow);
    store(scale, fma(r0, r0, fma(r1, r1, load(scale))));
}

// Rows of an observation in the scratch: Jc 2, Jl 2, Y 3, and one of Jp and r, later Z.
constexpr int kJc = 0, kJl = 2 * kRow, kY = 4 * kRow, kZ = 7 * kRow, kRows = 8 * kRow;

void write_rows(const Arrays& a, int64_t first, int64_t count, double* rows) {
    Inputs inputs;
    Derivatives j;
    gather(a, a.cameras, a.points, first, count, &inputs);
    evaluate(a, inputs, &j);
    to_station(a, first, count, &j);
    const D8 nought = set(0.0);
    for (int side = 0; side < 2; side++) {
        D8 c[8] = {j.jc[side][0], j.jc[side][1], j.jc[side][2], j.jc[side][3],
                   j.jc[side][4], j.jc[side][5], j.r[side],     nought};
        D8 l[8] = {j.jl[side][0], j.jl[side][1], j.jl[side][2], j.jl[side][3],
                   j.jl[side][4], nought,        j.r[side],     nought};
        transpose(c);
        transpose(l);
        for (int n = 0; n < kLanes; n++) {
            store(rows + kRows * n + kJc + kRow * side, c[n]);
            store(rows + kRows * n + kJl + kRow * side, l[n]);
        }
    }
    D8 p[8] = {j.jp[0][0], j.jp[0][1], j.jp[0][2], j.jp[1][0], j.jp[1][1], j.jp[1][2], j.r[0], j.r[1]};
    transpose(p);
    for (int n = 0; n < kLanes; n++) store(rows + kRows * n + kZ, p[n]);
    for (int n = 0; n < count; n++) {
        if (!a.held[a.frame[first + n]]) continue;
        for (int side = 0; side < 2; side++) {
            for (int k = 0; k < kPose; k++) rows[kRows * n + kRow * side + k] = 0;
        }
    }
}

// The point's L, q and scale, and Y of its observations in the scratch.
void factor_point(const Arrays& a, int64_t p, int64_t count, double* rows) {
    double v[6] = {0, 0, 0, 0, 0, 0}, g[3] = {0, 0, 0};
    for (int64_t n = 0; n < count; n++) {
        const double* jp = rows + kRows * n + kZ;
        for (int side = 0; side < 2; side++) {
            const double j0 = jp[3 * side], j1 = jp[3 * side + 1], j2 = jp[3 * side + 2], r = jp[6 + side];
            v[0] += j0 * j0;
            v[1] += j1 * j0;
            v[2] += j1 * j1;
            v[3] += j2 * j0;
            v[4] += j2 * j1;
            v[5] += j2 * j2;
            g[0] += j0 * r;
            g[1] += j1 * r;
            g[2] += j2 * r;
        }
    }
    double* scale = a.scale + 3 * p;
    scale[0] = clamped(v[0]);
    scale[1] = clamped(v[2]);
    scale[2] = clamped(v[5]);
    v[0] += a.damping * scale[0];
    v[2] += a.damping * scale[1];
    v[5] += a.damping * scale[2];
    double *f = a.factor + 6 * p, *q = a.q + 3 * p;
    factor3(v, f);
    const double i0 = 1 / f[0], i1 = 1 / f[2], i2 = 1 / f[5];
    q[0] = g[0] * i0;
    q[1] = (g[1] - f[1] * q[0]) * i1;
    q[2] = (g[2] - f[3] * q[0] - f[4] * q[1]) * i2;
    for (int64_t n = 0; n < count; n++) {
        double* own = rows + kRows * n;
        for (int side = 0; side < 2; side++) {
            double* z = own + kZ + 3 * side;  // from Jp in place
            z[0] *= i0;
            z[1] = (z[1] - f[1] * z[0]) * i1;
            z[2] = (z[2] - f[3] * z[0] - f[4] * z[1]) * i2;
        }
        const D8 c0 = load(own + kJc), c1 = load(own + kJc + kRow);
        for (int k = 0; k < 3; k++) {
            store(own + kY + kRow * k, fma(set(own[kZ + k]), c0, set(own[kZ + 3 + k]) * c1));
            own[kY + kRow * k + kRight] = q[k];
        }
    }
}

// Y of a lens, over the point's observations by it, into `out` [3][8]. False where none are.
bool sum_lens(const Arrays& a, int64_t lens, int64_t first, int64_t count, const double* q, const double* rows,
              double* out) {
    D8 sum[3] = {set(0.0), set(0.0), set(0.0)};
    bool any = false;
    for (int64_t n = 0; n < count; n++) {
        if (a.lens_of[a.frame[first + n]] != lens) continue;
        any = true;
        const double* own = rows + kRows * n;
        const D8 l0 = load(own + kJl), l1 = load(own + kJl + kRow);
        for (int k = 0; k < 3; k++) sum[k] = fma(set(own[kZ + k]), l0, fma(set(own[kZ + 3 + k]), l1, sum[k]));
    }
    for (int k = 0; k < 3; k++) {
        store(out + kRow * k, sum[k]);
        out[kRow * k + kRight] = q[k];
    }
    return any;
}

// Adds Y of each station's observations up in its first one, which are then all that count in S.
void join_stations(const Arrays& a, int64_t first, int64_t count, const double* q, double* rows) {
    int64_t head = 0;
    for (int64_t n = 1; n < count; n++) {
        if (a.station[a.frame[first + n]] != a.station[a.frame[first + head]]) {
            head = n;
            continue;
        }
        for (int k = 0; k < 3; k++) {
            double* sum = rows + kRows * head + kY + kRow * k;
            store(sum, load(sum) + load(rows + kRows * n + kY + kRow * k));
            sum[kRight] = q[k];
        }
    }
}

void eliminate(const Arrays& a, int64_t begin, int64_t end, const Sums& sums, double* rows) {
    const int64_t lenses = a.lens_count;
    for (int64_t p = begin; p < end; p++) {
        const int64_t first = a.starts[p], count = a.starts[p + 1] - first;
        for (int64_t n = 0; n < count; n += kLanes) {
            write_rows(a, first + n, count - n < kLanes ? count - n : kLanes, rows + kRows * n);
        }
        factor_point(a, p, count, rows);
        if (a.turned) join_stations(a, first, count, a.q + 3 * p, rows);
        const auto station = [&](int64_t n) { return int64_t{a.station[a.frame[first + n]]}; };
        const auto leads = [&](int64_t n) { return !a.turned || n == 0 || station(n) != station(n - 1); };
        for (int64_t l = 0; l < lenses; l++) {
            double y[2][3 * kRow];
            if (a.fixed[l] || !sum_lens(a, l, first, count, a.q + 3 * p, rows, y[0])) continue;
            for (int64_t n = 0; n < count; n++) {
                if (!leads(n)) continue;
                double* block = sums.lens_blocks + (station(n) * lenses + l) * kLensBlock;
                subtract<kLens>(block, y[0], rows + kRows * n + kY);
            }
            for (int64_t m = 0; m < l; m++) {
                if (a.fixed[m] || !sum_lens(a, m, first, count, a.q + 3 * p, rows, y[1])) continue;
                subtract<kLens>(sums.lens_sums + (l * lenses + m) * kLensBlock, y[0], y[1]);
            }
            subtract<kLens>(sums.lens_sums + (l * lenses + l) * kLensBlock, y[0], y[0]);
        }
        const int32_t* block = a.pair_blocks + a.pair_starts[p];
        for (int64_t n = 0; n < count; n++) {
            const double* own = rows + kRows * n;
            if (leads(n)) {
                for (int64_t m = 0; m <= n; m++) {
                    if (!leads(m)) continue;
                    subtract<kPose>(sums.blocks + int64_t{*block++} * kPoseBlock, own + kY, rows + kRows * m + kY);
                }
            }
            const int64_t lens = a.lens_of[a.frame[first + n]];
            add<kPose>(sums.blocks + int64_t{block[-1]} * kPoseBlock, own + kJc, own + kJc);
            add_squares(sums.pose_scale + kRow * station(n), own + kJc);
            if (a.fixed[lens]) continue;
            add<kLens>(sums.lens_blocks + (station(n) * lenses + lens) * kLensBlock, own + kJl, own + kJc);
            add<kLens>(sums.lens_sums + (lens * lenses + lens) * kLensBlock, own + kJl, own + kJl);
            add_squares(sums.lens_scale + kRow * lens, own + kJl);
        }
    }
}

// What the cameras' step adds to the residuals of eight observations.
void push(const Arrays& a, int64_t first, int64_t count, const Derivatives& j, D8* r) {
    D8 pose[8], lens[8];
    for (int l = 0; l < kLanes; l++) {
        const int64_t frame = a.frame[first + (l < count ? l : 0)];
        pose[l] = load(a.pose_step + kRow * int64_t{a.station[frame]});
        lens[l] = load(a.lens_step + kRow * int64_t{a.lens_of[frame]});
    }
    transpose(pose);
    transpose(lens);
    for (int side = 0; side < 2; side++) {
        r[side] = j.r[side];
        for (int k = 0; k < kPose; k++) r[side] = fma(j.jc[side][k], pose[k], r[side]);
        for (int k = 0; k < kLens; k++) r[side] = fma(j.jl[side][k], lens[k], r[side]);
    }
}

Gain substitute(const Arrays& a, int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; p++) {
        for (int k = 0; k < 3; k++) a.next_points[3 * p + k] = 0;
    }
    const int64_t last = a.starts[end];
    for (int64_t o = a.starts[begin]; o < last; o += kLanes) {  // sums of Jp' (r + Jc w + Jl l) of each point
        const int64_t count = last - o < kLanes ? last - o : kLanes;
        Inputs inputs;
        Derivatives j;
        gather(a, a.cameras, a.points, o, count, &inputs);
        evaluate(a, inputs, &j);
        to_station(a, o, count, &j);
        D8 r[2];
        push(a, o, count, j, r);
        double pull[3][kLanes];
        for (int k = 0; k < 3; k++) store(pull[k], fma(j.jp[0][k], r[0], j.jp[1][k] * r[1]));
        for (int l = 0; l < count; l++) {
            double* sum = a.next_points + 3 * int64_t{a.point[o + l]};
            for (int k = 0; k < 3; k++) sum[k] += pull[k][l];
        }
    }
    double predicted = 0;
    for (int64_t p = begin; p < end; p++) {
        const double *f = a.factor + 6 * p, *scale = a.scale + 3 * p, *q = a.q + 3 * p;
        double* x = a.next_points + 3 * p;
        const double u0 = x[0] / f[0], u1 = (x[1] - f[1] * u0) / f[2], u2 = (x[2] - f[3] * u0 - f[4] * u1) / f[5];
        const double d2 = -u2 / f[5], d1 = (-u1 - f[4] * d2) / f[2], d0 = (-u0 - f[1] * d1 - f[3] * d2) / f[0];
        x[0] = a.points[3 * p] + d0;
        x[1] = a.points[3 * p + 1] + d1;
        x[2] = a.points[3 * p + 2] + d2;
        predicted += 0.5 * (q[0] * q[0] + q[1] * q[1] + q[2] * q[2] +
                            a.damping * (scale[0] * d0 * d0 + scale[1] * d1 * d1 + scale[2] * d2 * d2));
    }
    return {cost_at(a, a.next_cameras, a.next_points, begin, end), predicted};
}

bool factorise(double* tile) {
    for (int c = 0; c < kTile; c++) {
        double* column = tile + kTile * c;
        const int from = c / kRow * kRow;
        for (int k = 0; k < c; k++) {
            const double* before = tile + kTile * k;
            const D8 by = set(before[c]);
            for (int r = from; r < kTile; r += kRow) store(column + r, fnma(by, load(before + r), load(column + r)));
        }
        if (!(column[c] > 0)) return false;
        const D8 inverse = set(1 / std::sqrt(column[c]));
        for (int r = from; r < kTile; r += kRow) store(column + r, inverse * load(column + r));
        for (int r = 0; r < c; r++) column[r] = 0;
    }
    return true;
}

void solve_tile(const double* factor, double* tile) {
    for (int c = 0; c < kTile; c++) {
        D8 sum[kTile / kRow];
        for (int r = 0; r < kTile / kRow; r++) sum[r] = load(tile + kTile * c + kRow * r);
        for (int k = 0; k < c; k++) {
            const D8 by = set(factor[kTile * k + c]);
            for (int r = 0; r < kTile / kRow; r++) sum[r] = fnma(by, load(tile + kTile * k + kRow * r), sum[r]);
        }
        const D8 inverse = set(1 / factor[kTile * c + c]);
        for (int r = 0; r < kTile / kRow; r++) store(tile + kTile * c + kRow * r, inverse * sum[r]);
    }
}

void update_tile(const double* a, const double* b, double* tile) {
    constexpr int kColumns = 6, kRegisters = 2;
    for (int r = 0; r < kTile; r += kRegisters * kRow) {
        for (int c = 0; c < kTile; c += kColumns) {
            D8 sum[kColumns][kRegisters];
            for (int i = 0; i < kColumns; i++) {
                for (int n = 0; n < kRegisters; n++) sum[i][n] = load(tile + kTile * (c + i) + r + kRow * n);
            }
            for (int k = 0; k < kTile; k++) {
                const D8 first = load(a + kTile * k + r), second = load(a + kTile * k + r + kRow);
                for (int i = 0; i < kColumns; i++) {
                    const D8 by = set(b[kTile * k + c + i]);
                    sum[i][0] = fnma(by, first, sum[i][0]);
                    sum[i][1] = fnma(by, second, sum[i][1]);
                }
            }
            for (int i = 0; i < kColumns; i++) {
                for (int n = 0; n < kRegisters; n++) store(tile + kTile * (c + i) + r + kRow * n, sum[i][n]);
            }
        }
    }
}

}  // namespace

const Kernels& kernels() {
    static constexpr Kernels all{cost, eliminate, substitute, factorise, solve_tile, update_tile};
    return all;
}

}  // namespace setpiece::bundle::ISA
