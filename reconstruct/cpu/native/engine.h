// One training engine: the population, and the order of the stages of an iteration.
#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "../../../setpiece/native/crew.h"
#include "../../../setpiece/native/isa.h"
#include "binning.h"
#include "kernels.h"
#include "photos.h"
#include "population.h"

namespace setpiece::cpu {

struct CameraInput {
    int width, height;
    double focal_x, focal_y, centre_x, centre_y;
    double cam_from_world[16];
};

struct BatchInput {
    CameraInput camera;
    const uint8_t* image;  // [height][width][3]
    const uint8_t* mask;   // [height][width] or null
    float exposure[12];
    float background[3];
    int sh_degree;
    bool antialias;
    float rates[6];  // means, log scales, quats, opacity logits, sh0, higher terms
    float ssim_weight, opacity_penalty, scale_penalty;
    int64_t key;
};

struct LossOutput {
    double total, l1, ssim;  // ssim is NaN when it was not computed
    double exposure_gradient[12];
};

// Milliseconds of the stages of the last step.
struct Timings {
    double project = 0, bin = 0, forward = 0, loss = 0, backward = 0, update = 0;
};

// The widest instruction set that this machine has and this build has kernels for.
Isa widest_isa();

class Engine {
public:
    Engine(int threads, Isa isa);

    Population population;

    // One iteration. With `gradients` (layout of the population's values), nothing is updated and they are
    // written there instead.
    LossOutput step(const BatchInput& batch, float* gradients);

    // The planes are valid until the next call.
    const Planes& render(const CameraInput& camera, const float* background, int sh_degree, bool antialias,
                         bool normals);
    const View& view() const { return view_; }

    void perturb(float strength, uint64_t seed);

    Crew& crew() { return crew_; }
    Isa isa() const { return isa_; }
    const Timings& timings() const { return timings_; }
    int64_t visible() const { return static_cast<int64_t>(binning_.visible()); }
    int64_t pairs() const { return static_cast<int64_t>(binning_.pairs()); }
    // Pairs of Gaussian and 4x4 block that the last picture was drawn from.
    int64_t block_pairs() const { return binning_.block_pairs(); }
    int64_t steps = 0;

private:
    class Clock;

    void look_through(const CameraInput& camera, const float* background, int sh_degree, bool antialias,
                      bool normals);
    void project_and_bin(StepContext* context);
    void measure(const BatchInput& batch, StepContext* context, LossOutput* out);
    void add_penalties(const BatchInput& batch, const StepContext& context, Rates* rates, LossOutput* out);

    Crew crew_;
    Isa isa_;
    const Kernels& kernels_;
    Timings timings_;
    View view_{};
    Planes planes_{};
    Projection projection_{};
    PhotoView photo_{};
    LossInput loss_input_{};
    Binning binning_;
    Photos photos_;
    std::vector<std::unique_ptr<PairList>> lists_;
    std::vector<PairList*> pieces_;
    Buffer<float> records_, plane_memory_, pair_moments_, loss_sums_, block_sums_;
    Buffer<uint32_t> tile_count_, pair_begin_;
    Buffer<uint8_t> touched_;
    std::vector<Buffer<uint8_t>> workspaces_;
};

}  // namespace setpiece::cpu
