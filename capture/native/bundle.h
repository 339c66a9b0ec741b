// Bundle adjustment: poses, shared lenses and points together, by Levenberg-Marquardt with the points eliminated
// (Triggs et al. 1999; Agarwal et al. 2010) and a Cauchy loss. See bundle_kernels.h for the letters.
#pragma once

#include <cstdint>

#include "../../setpiece/native/isa.h"

namespace setpiece::bundle {

// What is adjusted, in place. Observations are sorted by point, then by frame; a frame sees a point once. Frames of
// one station move together: their poses differ by what their lenses are turned against the station's axes.
struct Scene {
    int64_t frames, lenses, points, observations;
    double* pose;            // [frames][12] rows of [R t], camera from world
    double* lens;            // [lenses][5] f, cx, cy, k1, k2 in pixels
    double* at;              // [points][3] world
    const int32_t* lens_of;  // [frames]
    const uint8_t* held;     // [frames] nonzero: the pose stays
    const int32_t* frame;    // [observations]
    const int32_t* point;    // [observations]
    const double* xy;        // [observations][2] pixels
    const int32_t* station;  // [frames] ascending from 0 without gaps; null: each frame for itself
    const double* turn;      // [lenses][9] rotation of the lens from its station's axes; null: none is turned
    const uint8_t* fixed;    // [lenses] nonzero: the lens stays; null: none does
};

struct Options {
    bool lens_free[5];       // which of f, cx, cy, k1, k2 are estimated
    double loss_px;          // scale of the Cauchy loss
    int iterations;          // at most
    double tolerance;        // relative decrease of the cost at which to stop
    int threads;
    Isa isa;
};

struct Summary {
    double before, after;  // cost: half the sum of loss^2 log(1 + error^2 / loss^2)
    int iterations;        // steps tried
};

// Moves the scene to less cost. The gauge is free: the damping holds what the photos cannot tell. The same for
// any number of threads. Throws std::invalid_argument where the observations are not as told above.
Summary adjust(const Scene& scene, const Options& options);

}  // namespace setpiece::bundle
