// Where cameras stand, from what they see: one camera from known points, or two from each other.
#pragma once

#include <cstdint>
#include <vector>

namespace setpiece::resection {

// Numbers that look random and are the same every time (splitmix64).
class Random {
public:
    explicit Random(uint64_t seed) : state_(seed) {}
    uint32_t below(uint32_t count) { return static_cast<uint32_t>((next() >> 32) * count >> 32); }

private:
    uint64_t next() {
        uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
    }
    uint64_t state_;
};

// A point of the world and where it is seen: on the image plane at depth 1, distortion removed.
struct Sighting {
    double at[3];
    double xy[2];
    const double* turn;  // [9] rotation of the image plane from the axes in which the pose is wanted; null: none
};

// The poses [12] (rows of [R t]) from which three points appear along three unit rays; their number, up to four.
int three_points(const double (*at)[3], const double (*ray)[3], double (*poses)[12]);

// The pose from which most points are seen within `error` (at depth 1), refined; the numbers of these points.
// Random sampling of three (Fischler and Bolles 1981). Few or none where the points do not agree.
std::vector<int> pose_from_points(const std::vector<Sighting>& sightings, double error, Random* random, double* pose);

// A pair of matched rays: on the image planes at depth 1, or of length 1 where cameras look all around.
struct Match {
    double first[3], second[3];
};

// The rotation [9] that brings the first rays closest to the second, and the median angle that is left (radians).
double turn_between(const std::vector<Match>& matches, double* rotation);

// The pose [12] of the second camera in the first's frame, with a translation of length 1; how many matches lie
// within `error` of it and in front of both. `around` says that the rays have length 1: distances are angles then.
int pose_between(const std::vector<Match>& matches, double error, double* pose, bool around = false);

}  // namespace setpiece::resection
