// A picture of bytes made larger or smaller, row by row, as floats: where smaller, each pixel is the mean of the
// area that it covers; where larger, it lies between the two nearest.
#pragma once

#include <cstdint>
#include <vector>

namespace setpiece::features {

// Where the pixels of one axis come from: pixel i is the sum over k of weights[k * padded + i] times source
// pixel first[i] + k.
struct Axis {
    int count, source, taps;
    int padded;            // count, in whole vectors
    const float* first;    // [padded] whole numbers
    const float* weights;  // [taps][padded]
};

struct Resample {
    const uint8_t* picture;  // [down.source][stride]
    int64_t stride;
    Axis across, down;
    float* scratch;  // [across.source + 32]
};

// The memory behind an Axis.
class AxisTable {
  public:
    AxisTable(int source, int count);
    Axis get() const;

  private:
    int count_, source_, taps_, padded_;
    std::vector<float> first_, weights_;
};

}  // namespace setpiece::features
