// Compiled once per instruction set. Only this file and the headers below may use wide instructions, and none
// of them uses an std:: template: the linker would be free to share such code with the rest of the module.
#include "kernels.h"

#include "loss.h"
#include "perturb_stage.h"
#include "project_stage.h"
#include "raster_backward.h"
#include "raster_forward.h"
#include "update_stage.h"

namespace setpiece::cpu::ISA {

namespace {

const Grid& grid() {
    static const Grid instance;
    return instance;
}

void project_range(const StepContext& s, int64_t begin, int64_t end, Pairs* pairs) {
    project_blocks(*s.view, *s.scene, begin, end, *s.projection, pairs);
}

void draw(const StepContext& s, int tile, int channels) {
    const float* background = s.view->background;
    const bool black = background[0] == 0.0f && background[1] == 0.0f && background[2] == 0.0f;
    if (channels == 3 && black) {
        draw_tile<3, false>(*s.view, *s.projection, *s.tiles, tile, grid(), *s.planes);
    } else if (channels == 3) {
        draw_tile<3, true>(*s.view, *s.projection, *s.tiles, tile, grid(), *s.planes);
    } else if (channels == 4) {
        draw_tile<4, true>(*s.view, *s.projection, *s.tiles, tile, grid(), *s.planes);
    } else {
        draw_tile<7, true>(*s.view, *s.projection, *s.tiles, tile, grid(), *s.planes);
    }
}

void differentiate_one(const StepContext& s, int tile) {
    if (s.photo->mask) {
        differentiate_tile<true>(*s.view, *s.projection, *s.tiles, tile, grid(), *s.planes, s.pair_moments,
                                 s.touched);
    } else {
        differentiate_tile<false>(*s.view, *s.projection, *s.tiles, tile, grid(), *s.planes, s.pair_moments,
                                  s.touched);
    }
}

void loss(const StepContext& s, int left, int width, int top, int bottom, float* sums, int64_t stride,
          void* workspace) {
    const LossStrip strip = {s.view, s.photo, s.planes, s.loss, left, width, top, bottom, sums, stride};
    loss_strip(strip, static_cast<LossRows*>(workspace));
}

UpdateInput update_input(const StepContext& s) {
    return {s.view, s.scene, s.projection, s.pair_moments, s.touched, s.rates, s.sums, s.gradients};
}

void sums_of_visible(const StepContext& s, int64_t begin, int64_t end, float* out) {
    visible_sums(update_input(s), begin, end, out);
}

void update(const StepContext& s, int64_t begin, int64_t end) { update_blocks(update_input(s), begin, end); }

}  // namespace

const Kernels& kernels() {
    static const Kernels table = {project_range,   draw,   differentiate_one, loss, sizeof(LossRows),
                                  sums_of_visible, update, perturb_blocks};
    return table;
}

}  // namespace setpiece::cpu::ISA
