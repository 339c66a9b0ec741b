// Scale-invariant features (Lowe 2004, Distinctive image features from scale-invariant keypoints).
//
// A picture becomes octaves of ever more blurred copies, each octave half as large as the one before. Features
// are the extrema of the differences of neighbouring copies, in place and scale. Pixels are counted from pixel
// centres inside; the results are in the picture's pixels from its corner.
#pragma once

#include <cstdint>

#include "../../setpiece/native/isa.h"
#include "resample.h"

namespace setpiece::features {

constexpr int scales = 3;             // per octave; Lowe, section 3.2
constexpr int levels = scales + 3;    // blurred copies of an octave
constexpr int most_octaves = 12;
constexpr int border = 5;             // pixels at the edge of an octave where no feature is looked for
constexpr int descriptor_length = 128;

// A blurred copy; rows beyond the newest `wrap` + 1 are overwritten where not all are kept.
struct Level {
    float* data;
    int64_t stride;   // floats from row to row
    int wrap;         // all rows are kept where it is INT32_MAX, else a power of two less one

    float* row(int y) const { return data + (y & wrap) * stride; }
};

// One blur of an octave's chain.
struct Blur {
    const float* weights;  // [radius + 1], from the middle outwards
    int radius;
};

// An extremum, refined.
struct Spot {
    float x, y;         // in the octave's pixels, from the centre of the first
    float sigma;        // its blur, in the octave's pixels
    float response;     // absolute value of the difference there, in grey levels
    int octave, level;  // the blurred copy nearest in scale
    int column, row;    // the pixel it was found at
};

// Where extrema go. `grow` makes room for more.
struct Spots {
    Spot* data;
    int64_t count, capacity;
    void (*grow)(Spots* spots);
};

struct Octave {
    int number, width, height;
    const Resample* picture;  // for octave 0
    Level raw;                // its rows
    const Level* finer;       // for the others the copy of the octave before that is halved
    Level copies[levels];
    Blur first;               // from the picture to copy 0
    Blur blurs[levels];       // from copy i - 1 to copy i
    float* scratch;           // scratch_floats
    float threshold;          // least response, in grey levels
    float edge;               // largest ratio of the principal curvatures
    float sigma;              // of copy 0
};

struct Kernels {
    // Row `y` of a resampled picture.
    void (*resample)(const Resample& from, int y, float* out);
    // Fills the copies of an octave and adds its extrema to `spots`.
    void (*search)(const Octave& octave, Spots* spots);
    // Starts to bring what orient or describe will read of a spot into the cache.
    void (*fetch)(const Octave& octave, const Spot& spot, bool all);
    // The one or two strongest gradient directions around a spot, in radians; returns how many.
    int (*orient)(const Octave& octave, const Spot& spot, float* angles);
    // RootSIFT bytes of what lies around a spot.
    void (*describe)(const Octave& octave, const Spot& spot, float angle, uint8_t* descriptor);
};

namespace plain {
const Kernels& kernels();
}
#if defined(SETPIECE_WIDE_KERNELS)
namespace avx2 {
const Kernels& kernels();
}
namespace avx512 {
const Kernels& kernels();
}
#endif

constexpr int batch = 8;  // rows that are made at a time
inline int64_t scratch_floats(int64_t stride) { return batch * (stride + 128); }

}  // namespace setpiece::features
