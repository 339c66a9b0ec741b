// The arithmetic of a bundle adjustment, compiled once per instruction set.
//
// Letters: pose (R, t) takes a world point X to the camera, P = R X + t; x = P0 / P2, y = P1 / P2,
// s = x^2 + y^2, d = 1 + k1 s + k2 s^2, pixel = f d (x, y) + (cx, cy). A pose moves by R <- exp(w) R, t <- t + v.
// Of an observation, Jc [2, 6] is the derivative of its pixel by (w, v), Jl [2, 5] by the lens and Jp [2, 3] by
// the point, r [2] its residual, all times the square root of the robust weight. Points are eliminated
// (Triggs et al. 1999, section 6.1): with V = sum Jp' Jp + damping = L L', Z = Jp L'^-1 and Y = Jc' Z, the
// reduced camera system is S = sum Jc' Jc - sum Y Y', its right side sum Jc' r - sum Y q with q = sum Z' r.
//
// Frames of one station share a pose (R, t) in the station's axes; a lens turned by T sees P = T (R X + t). T R and
// T t make the camera below, and Jc' = [T' (Jc w-part), T' (Jc v-part)], as a cross product turns with its factors.
//
// Rows of eight doubles: [w v r 0] of a pose and [f cx cy k1 k2 0 r 0] of a lens, so that one operation on rows
// serves the matrix and the right side. In blocks of S, places beyond the parameters hold what nobody reads.
#pragma once

#include <cstdint>

namespace setpiece::bundle {

constexpr int kPose = 6;      // parameters of a pose
constexpr int kLens = 5;      // f, cx, cy, k1, k2
constexpr int kRow = 8;       // doubles of a row
constexpr int kRight = 6;     // place of the right side in a row
constexpr int kPoseBlock = kPose * kRow, kLensBlock = kLens * kRow;
constexpr int kCamera = 32;   // doubles of a camera: pose, lens, turn, nothing
constexpr int kTurn = kPose * 2 + kLens;  // where the turn stands in it
constexpr int kTile = 48;     // side of a tile of the reduced system

// What the damping multiplies, kept away from 0 and infinity as in Ceres.
inline double clamped(double x) { return x < 1e-6 ? 1e-6 : x > 1e32 ? 1e32 : x; }

struct Arrays {
    const double* cameras;       // [N][32] rows of [R t], the lens f, cx, cy, k1, k2, and its turn by rows
    const double* next_cameras;  // after the step
    const int32_t* lens_of;      // [N]
    const int32_t* station;      // [N]
    const uint8_t* held;         // [N] poses that stay
    const uint8_t* fixed;        // [L] lenses that stay
    bool turned;                 // any lens is
    const double* points;        // [P][3]
    double* next_points;         // [P][3]
    const int32_t* starts;       // [P + 1] of each point's observations
    const int32_t* frame;        // [O] ascending within a point
    const int32_t* point;        // [O]
    const double* xy;            // [O][2] pixels
    const int64_t* pair_starts;  // [P + 1]
    const int32_t* pair_blocks;  // blocks of S for each point's pairs of stations: 00, 10, 11, 20, ...
    double lens_free[kLens];     // 1 free, 0 held
    double inverse_scale;        // 1 / scale^2 of the Cauchy loss
    double damping;
    int64_t lens_count;

    double* q;       // [P][3]
    double* factor;  // [P][6] L by rows
    double* scale;   // [P][3] diagonal that the damping multiplies

    const double* pose_step;  // [stations][8]
    const double* lens_step;  // [L][8]
};

// One part's share of S, over a range of points.
struct Sums {
    double* blocks;       // [B][6][8] station to station; those on the diagonal have the right side
    double* lens_blocks;  // [stations][L][5][8] lens to station
    double* lens_sums;    // [L][L][5][8] lens to lens; those on the diagonal have the right side
    double* pose_scale;   // [stations][8] diagonal that the damping multiplies
    double* lens_scale;   // [L][8]
};

struct Gain {
    double cost;       // half the robust sum
    double predicted;  // the points' share of the decrease that the linear model promises
};

struct Kernels {
    // Half the robust cost of the points [begin, end) as they are.
    double (*cost)(const Arrays&, int64_t begin, int64_t end);
    // Eliminates the points [begin, end): their q, L and scale, and their terms of S added to `sums`. `rows` is
    // scratch, [longest track + 8][8][8] doubles.
    void (*eliminate)(const Arrays&, int64_t begin, int64_t end, const Sums& sums, double* rows);
    // Moves the points [begin, end) by the step of the cameras, and the cost there.
    Gain (*substitute)(const Arrays&, int64_t begin, int64_t end);
    // Tiles [48][48] by columns: the Cholesky factor of a tile (false where it has none), X L'^-1, C - B A'.
    bool (*factorise)(double* tile);
    void (*solve_tile)(const double* factor, double* tile);
    void (*update_tile)(const double* a, const double* b, double* tile);
};

namespace plain {
const Kernels& kernels();
}
namespace avx2 {
const Kernels& kernels();
}
namespace avx512 {
const Kernels& kernels();
}

}  // namespace setpiece::bundle
