// Two-view verification: which matches of two pictures one motion of the camera explains.
//
// Letters: a match is a point (x1, y1) of the first and a point (x2, y2) of the second picture. The fundamental
// matrix F has (x2, y2, 1) F (x1, y1, 1)' = 0 for every match of a rigid scene; the homography H takes
// (x1, y1, 1) to (x2, y2, 1) where the scene is flat or the camera only turned. Matrices are row-major.
//
// RANSAC with an early stop of hopeless models, samples from the best matches first (PROSAC, Chum and Matas
// 2005) and local optimisation of each best model so far (LO-RANSAC, Chum, Matas and Kittler 2003), truncated
// squared residuals as cost (MSAC, Torr and Zisserman 2000).
#pragma once

#include <cstdint>

#include "two_view_kernels.h"

namespace setpiece::two_view {

struct Options {
    double error_px = 4;       // largest distance of an inlier from what the model says
    int fewest = 15;           // inliers of a pair
    int most_trials = 1000;    // samples drawn from a pair
    double confidence = 0.99;  // that a sample without outliers was among them
    uint64_t seed = 0;
};

enum class Kind : uint8_t {
    none = 0,      // nothing holds enough matches
    general = 1,   // F holds clearly more matches than H
    flat = 2,      // H holds nearly as many: a plane, or a camera that only turned
};

struct Verified {
    Kind kind = Kind::none;
    int inliers = 0;
    double fundamental[9] = {};
    double homography[9] = {};  // zeros where none was found
};

// Matches as pixels [count][2] of the two pictures, the most reliable first.
struct Matched {
    const float* first;
    const float* second;
    int count;
};

// Fills `inlier` [count] with 0 and 1. The result depends on its arguments alone.
Verified verify(const Matched& matched, const Options& options, const Kernels& kernels, uint8_t* inlier);

}  // namespace setpiece::two_view
