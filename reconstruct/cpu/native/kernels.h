// The compute kernels of one instruction set, as a table of functions.
#pragma once

#include "frame.h"

namespace setpiece::cpu {

struct StepContext {
    const View* view;
    const Scene* scene;
    const Projection* projection;
    const Tiles* tiles;
    const Planes* planes;
    float* pair_moments;  // [pairs][kGradient]
    uint8_t* touched;     // [pairs]
    const PhotoView* photo;
    const LossInput* loss;
    const Rates* rates;
    const Sums* sums;
    float* gradients;
};

struct Kernels {
    // Blocks [begin, end): records, tile counts and the list of pairs.
    void (*project)(const StepContext&, int64_t begin, int64_t end, Pairs*);
    // One tile; channels 3, 4 (and depth) or 7 (and normals).
    void (*draw)(const StepContext&, int tile, int channels);
    void (*differentiate)(const StepContext&, int tile);
    // Columns [left, left + width) of rows [top, bottom); sums[row * stride] holds kLossSums floats.
    void (*loss)(const StepContext&, int left, int width, int top, int bottom, float* sums, int64_t stride,
                 void* workspace);
    size_t loss_workspace;  // bytes, aligned to 64
    void (*visible_sums)(const StepContext&, int64_t begin, int64_t end, float* out);
    void (*update)(const StepContext&, int64_t begin, int64_t end);
    void (*perturb)(const Scene&, const uint32_t* rows, float strength, uint64_t seed, int64_t begin,
                    int64_t end);
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

}  // namespace setpiece::cpu
