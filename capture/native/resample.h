// A picture of bytes made larger or smaller, row by row, as floats: where smaller, each pixel is the mean of the
// area that it covers; where larger, it lies between the two nearest.
#pragma once

#include <cstdint>
#include <vector>

namespace setpiece::features {

// Where the values of one axis come from: value i is the sum over k of weights[k * padded + i] times source
// value first[i] + k * apart. Across a picture with several channels each pixel has as many values.
struct Axis {
    int count, source, taps, apart;
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
    AxisTable(int source, int count, int channels = 1);
    Axis get() const;

  private:
    int count_, source_, taps_, channels_, padded_;
    std::vector<float> first_, weights_;
};

}  // namespace setpiece::features
