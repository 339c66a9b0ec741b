// Incremental mapping: from matches of photo pairs to camera poses, photo by photo (Schönberger and Frahm 2016,
// section 2.2), on few matches per pair.
//
// A start is a pair with many matches that no turn on the spot explains. Where the focal length is not known,
// starts with several are grown a little, and the one on which most features agree goes on. Then the photo that
// sees most points is placed by them, its tracks become points, and from time to time everything is adjusted.
// Photos of one station (the views of a panorama) are placed together: their rays, in the station's axes, are one
// camera's that looks all around.
// A model that explains few of its photos' matches is not believed: other starts are tried, and none is kept
// where all are wrong.
#pragma once

#include <cstdint>
#include <vector>

#include "../../setpiece/native/isa.h"

namespace setpiece::mapping {

struct Photos {
    int64_t count;
    const int64_t* starts;       // [count + 1] of each photo's features
    const double* xy;            // [features][2] pixels
    const int32_t* lens_of;      // [count]
    int64_t lens_count;
    const double* lenses;        // [lenses][5] f, cx, cy, k1, k2 in pixels, as far as known
    const double* longer_side;   // [lenses] pixels
    const uint8_t* focal_known;  // [lenses]
    const int32_t* station;      // [count] ascending from 0 without gaps; photos of one station were taken together
    const double* turn;          // [lenses][9] rotation from the station's axes; null: each photo is a station
    const uint8_t* fixed;        // [lenses] nonzero: known exactly
};

struct Pairs {
    int64_t count;
    const int32_t* photos;    // [count][2]
    const int64_t* starts;    // [count + 1] of each pair's matches
    const int32_t* matches;   // [matches][2] features, numbered over all photos
    const int32_t* verified;  // [count] matches that the pair had before most were left out
};

struct Options {
    uint64_t seed;
    int threads;
    Isa isa;
};

// A model: photos that hang together, ascending, and their cameras.
struct Placed {
    std::vector<int32_t> photos;
    std::vector<double> poses;   // [photos][12] rows of [R t], camera from world
    std::vector<double> lenses;  // [lenses][5] of all lenses; those that no photo used are as they were
};

// The models, the one of most photos first. The same for any number of threads.
std::vector<Placed> map_photos(const Photos& photos, const Pairs& pairs, const Options& options);

}  // namespace setpiece::mapping
