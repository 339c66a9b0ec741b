// The loops over all matches of a pair, once per instruction set; all give the same numbers to the last bit
// where the compiler is kept from contracting.
#pragma once

#include <cstdint>

namespace setpiece::two_view {

constexpr int lanes = 16;  // matches are padded to a multiple of this

// Matches, each coordinate for itself, centred and scaled alike in both pictures.
struct Points {
    const float* x1;
    const float* y1;
    const float* x2;
    const float* y2;
    const float* real;  // 1, and 0 for padding
    int count;          // padded
};

// What a model is to the loops: F with the distance of Sampson (1982), or H with that of the second picture.
struct Loops {
    // The sum over the matches of min(squared distance / limit, 1); once it exceeds `worst` it may stop.
    float (*cost)(const Points& points, const float* model, float limit, float worst);
    // Marks matches within the limit with 1, the others with 0; returns how many.
    int (*mark)(const Points& points, const float* model, float limit, uint8_t* inlier);
    // Sums over the matches within the limit for the next least-squares fit (fit.h), weighted so that it
    // minimises distances, and less the nearer they are to the limit (Tukey's biweight).
    void (*gather)(const Points& points, const float* model, float limit, double* sums);
};

constexpr int epipolar_sums = 36, plane_sums = 24;

struct Kernels {
    Loops epipolar, plane;
};

// The kernels for "plain", "avx2" or "avx512"; the fastest for "". Null where this machine lacks them.
const Kernels* kernels_named(const char* isa);

}  // namespace setpiece::two_view
