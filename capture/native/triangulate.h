// Points from matched features and known cameras: matches are joined to tracks, and each track becomes one point
// or, where its features do not agree on one, several.
#pragma once

#include <cstdint>
#include <vector>

namespace setpiece::triangulation {

struct Cameras {
    int64_t count;
    const double* pose;      // [count][12] rows of [R t], camera from world
    const double* lens;      // [lenses][5] f, cx, cy, k1, k2 in pixels
    const int32_t* lens_of;  // [count]
};

struct Features {
    const int64_t* starts;  // [cameras + 1]
    const double* xy;       // [features][2] pixels
};

struct Options {
    double error_px;    // largest distance of a feature from where its point is seen
    double angle_deg;   // least of the widest angle between two rays to a point
    int fewest;         // features of a track, before what does not agree is left out
    int threads;
};

// Sorted by point, then by feature and so by camera.
struct Points {
    std::vector<double> at;         // [points][3]
    std::vector<int32_t> point;     // [observations]
    std::vector<int32_t> camera;    // [observations]
    std::vector<int32_t> feature;   // [observations] numbers over all cameras
};

// The tracks that `matches` [count][2] (features, numbered over all cameras) make: features of each, ascending,
// behind one another; `starts` has one more than there are tracks. Tracks with fewer than `fewest` are left out.
// A match that would give a track of some size two features of one camera is passed over: of those that contradict
// each other the first counts, and a few wrong matches cannot join everything.
struct Tracks {
    std::vector<int32_t> feature;
    std::vector<int64_t> starts;
};
Tracks join(const Features& features, int64_t cameras, const int32_t* matches, int64_t count, int fewest);

// The same for any number of threads.
Points triangulate(const Cameras& cameras, const Features& features, const Tracks& tracks, const Options& options);

// The point that most features of one track agree on, and these features; false where there is none.
bool triangulate_one(const Cameras& cameras, const Features& features, const std::vector<int32_t>& track,
                     const Options& options, double* point, std::vector<int32_t>* chosen);

// The error in pixels of each observation (1e6 behind a camera), and the widest angle in degrees between two
// rays to each point. Observations are sorted by point.
void measure(const Cameras& cameras, const double* points, int64_t point_count, const int32_t* point,
             const int32_t* camera, const double* xy, int64_t observations, double* error_px, double* angle_deg);

}  // namespace setpiece::triangulation
