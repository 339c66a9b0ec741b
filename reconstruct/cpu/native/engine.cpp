#include "engine.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>

namespace setpiece::cpu {

namespace {

constexpr size_t kPhotoBytes = size_t{512} << 20;
constexpr int kPlanes = 13;  // colour 3, alpha, depth, normals 3, gradient 3, error, kept

const Kernels& kernels_of(Isa isa) {
#ifdef SETPIECE_WIDE_KERNELS
    if (isa == Isa::avx512) return avx512::kernels();
    if (isa == Isa::avx2) return avx2::kernels();
#else
    (void)isa;
#endif
    return plain::kernels();
}

}  // namespace

// Adds the time since it was made, or last asked, to a figure.
class Engine::Clock {
public:
    void lap(double* milliseconds) {
        const auto now = std::chrono::steady_clock::now();
        *milliseconds = std::chrono::duration<double, std::milli>(now - last_).count();
        last_ = now;
    }

private:
    std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

Isa widest_isa() {
#ifdef SETPIECE_WIDE_KERNELS
    return best_isa();
#else
    return Isa::plain;
#endif
}

Engine::Engine(int threads, Isa isa)
    : crew_(threads),
      isa_(isa),
      kernels_(kernels_of(isa)),
      photos_(kPhotoBytes),
      workspaces_(static_cast<size_t>(threads)) {
    const size_t pieces = threads == 1 ? 1 : 4 * static_cast<size_t>(threads);
    for (size_t i = 0; i < pieces; i++) {
        lists_.push_back(std::make_unique<PairList>());
        pieces_.push_back(lists_.back().get());
    }
}

void Engine::look_through(const CameraInput& camera, const float* background, int sh_degree, bool antialias,
                          bool normals) {
    const int64_t old_stride = view_.stride, old_plane = view_.plane;
    const int old_width = view_.width, old_height = view_.height;
    View& v = view_;
    v.width = camera.width;
    v.height = camera.height;
    v.tiles_x = (v.width + kTile - 1) / kTile;
    v.tiles_y = (v.height + kTile - 1) / kTile;
    v.stride = static_cast<int64_t>(v.tiles_x) * kTile;
    v.plane = v.stride * v.tiles_y * kTile;
    v.fx = static_cast<float>(camera.focal_x);
    v.fy = static_cast<float>(camera.focal_y);
    v.cx = static_cast<float>(camera.centre_x);
    v.cy = static_cast<float>(camera.centre_y);
    const double* m = camera.cam_from_world;
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 3; j++) v.rotation[3 * i + j] = static_cast<float>(m[4 * i + j]);
        v.translation[i] = static_cast<float>(m[4 * i + 3]);
        v.centre[i] = static_cast<float>(-(m[i] * m[3] + m[4 + i] * m[7] + m[8 + i] * m[11]));
        v.background[i] = background[i];
    }
    v.sh_degree = sh_degree;
    v.antialias = antialias;
    v.normals = normals;

    plane_memory_.reserve(static_cast<size_t>(v.plane) * kPlanes);
    float* p = plane_memory_.data();
    planes_ = {p,
               p + 3 * v.plane,
               p + 4 * v.plane,
               p + 5 * v.plane,
               p + 8 * v.plane,
               p + 11 * v.plane,
               p + 12 * v.plane};
    if (v.stride != old_stride || v.plane != old_plane || v.width != old_width || v.height != old_height) {
        // Rows below the image belong to its last tiles but are written by no one.
        std::fill(planes_.gradient, planes_.gradient + 5 * v.plane, 0.0f);
    }
}

void Engine::project_and_bin(StepContext* context) {
    Clock clock;
    const Scene scene = *context->scene;
    const auto slots = static_cast<size_t>(scene.blocks * kLanes);
    records_.reserve(slots * kRecord);
    tile_count_.reserve(slots);
    pair_begin_.reserve(slots);
    projection_ = {records_.data(), tile_count_.data(), pair_begin_.data()};
    const auto pieces = static_cast<int64_t>(pieces_.size());
    crew_.each(pieces, 1, [&](int64_t piece, int64_t, int) {
        Pairs& pairs = pieces_[static_cast<size_t>(piece)]->pairs;
        pairs.tile_size = pairs.visible_size = 0;
        kernels_.project(*context, scene.blocks * piece / pieces, scene.blocks * (piece + 1) / pieces,
                         &pairs);
    });
    clock.lap(&timings_.project);
    binning_.sort(crew_, view_, projection_, pieces_.data(), static_cast<int>(pieces));
    clock.lap(&timings_.bin);
}

void Engine::measure(const BatchInput& batch, StepContext* context, LossOutput* out) {
    PhotoView& photo = photo_;  // the backward pass looks at it, too
    photo = photos_.get(crew_, batch.key, view_.width, view_.height, view_.stride, batch.image, batch.mask);
    const bool all_masked = photo.kept == 0;
    photo.kept = std::max<int64_t>(photo.kept, 1);
    std::copy(batch.exposure, batch.exposure + 12, loss_input_.exposure);
    loss_input_.ssim_weight = batch.ssim_weight;
    context->photo = &photo;
    context->loss = &loss_input_;

    const int strips = static_cast<int>((view_.stride + kStripWidth - 1) / kStripWidth);
    const int width = static_cast<int>((view_.stride / kTile + strips - 1) / strips) * kTile;
    // A band repeats the rows that its windows need, so bands are cut only to keep all threads busy.
    const int wanted = strips % crew_.threads() == 0 ? 1 : (2 * crew_.threads() + strips - 1) / strips;
    const int bands = std::max(1, std::min(wanted, view_.height / 64));
    const int64_t stride = static_cast<int64_t>(strips) * kLossSums;
    loss_sums_.reserve(static_cast<size_t>(stride * view_.height));
    for (auto& workspace : workspaces_) workspace.reserve(kernels_.loss_workspace);
    crew_.each(strips * bands, 1, [&](int64_t item, int64_t, int thread) {
        const int strip = static_cast<int>(item) % strips, band = static_cast<int>(item) / strips;
        const int left = strip * width;
        if (left >= view_.stride) return;
        kernels_.loss(*context, left, width, view_.height * band / bands, view_.height * (band + 1) / bands,
                      loss_sums_.data() + strip * kLossSums, stride,
                      workspaces_[static_cast<size_t>(thread)].data());
    });
    double sums[kLossSums] = {};
    for (int64_t row = 0; row < view_.height; row++) {
        for (int strip = 0; strip < strips && strip * width < view_.stride; strip++) {
            const float* part = loss_sums_.data() + row * stride + strip * kLossSums;
            for (int k = 0; k < kLossSums; k++) sums[k] += static_cast<double>(part[k]);
        }
    }
    const double values = 3.0 * static_cast<double>(photo.kept), w = static_cast<double>(batch.ssim_weight);
    out->l1 = sums[0] / values;
    out->ssim = w > 0 ? (all_masked ? 1.0 : sums[1] / values) : std::nan("");
    out->total = (1 - w) * out->l1 + (w > 0 ? w * (1 - out->ssim) : 0.0);
    std::copy(sums + 2, sums + kLossSums, out->exposure_gradient);
}

void Engine::add_penalties(const BatchInput& batch, const StepContext& context, Rates* rates,
                           LossOutput* out) {
    if (batch.opacity_penalty == 0.0f && batch.scale_penalty == 0.0f) return;
    const int64_t blocks = context.scene->blocks;
    block_sums_.reserve(static_cast<size_t>(3 * blocks));
    crew_.each(blocks, 256, [&](int64_t begin, int64_t end, int) {
        kernels_.visible_sums(context, begin, end, block_sums_.data());
    });
    double visible = 0, opacity = 0, scale = 0;
    for (size_t b = 0; b < static_cast<size_t>(blocks); b++) {
        visible += static_cast<double>(block_sums_[3 * b]);
        opacity += static_cast<double>(block_sums_[3 * b + 1]);
        scale += static_cast<double>(block_sums_[3 * b + 2]);
    }
    if (visible == 0) return;
    rates->opacity_penalty = batch.opacity_penalty / static_cast<float>(visible);
    rates->scale_penalty = batch.scale_penalty / static_cast<float>(visible);
    out->total += static_cast<double>(batch.opacity_penalty) * opacity / visible +
                  static_cast<double>(batch.scale_penalty) * scale / visible;
}

LossOutput Engine::step(const BatchInput& batch, float* gradients) {
    const FlushDenormals flush;
    look_through(batch.camera, batch.background, batch.sh_degree, batch.antialias, false);
    const Scene scene = population.scene();
    const Sums sums = population.sums();
    StepContext context{};
    context.view = &view_;
    context.scene = &scene;
    context.projection = &projection_;
    context.planes = &planes_;
    context.sums = &sums;
    context.gradients = gradients;
    project_and_bin(&context);
    context.tiles = &binning_.tiles();

    Clock clock;
    const int64_t tiles = static_cast<int64_t>(view_.tiles_x) * view_.tiles_y;
    crew_.each(tiles, 2, [&](int64_t begin, int64_t end, int) {
        for (int64_t tile = begin; tile < end; tile++) kernels_.draw(context, static_cast<int>(tile), 3);
    });
    clock.lap(&timings_.forward);

    LossOutput out{};
    measure(batch, &context, &out);
    clock.lap(&timings_.loss);

    pair_moments_.reserve(binning_.pairs() * kGradient);
    touched_.reserve(binning_.pairs());
    std::fill(touched_.data(), touched_.data() + binning_.pairs(), uint8_t{0});
    context.pair_moments = pair_moments_.data();
    context.touched = touched_.data();
    crew_.each(tiles, 2, [&](int64_t begin, int64_t end, int) {
        for (int64_t tile = begin; tile < end; tile++)
            kernels_.differentiate(context, static_cast<int>(tile));
    });
    clock.lap(&timings_.backward);

    Rates rates{batch.rates[0],
                batch.rates[1],
                batch.rates[2],
                batch.rates[3],
                batch.rates[4],
                batch.rates[5],
                0,
                0,
                0,
                0};
    add_penalties(batch, context, &rates, &out);
    if (!gradients) steps++;
    rates.bias1 = static_cast<float>(1.0 / (1.0 - std::pow(0.9, static_cast<double>(steps))));
    rates.bias2 = static_cast<float>(1.0 / (1.0 - std::pow(0.999, static_cast<double>(steps))));
    context.rates = &rates;
    crew_.each(scene.blocks, 64,
               [&](int64_t begin, int64_t end, int) { kernels_.update(context, begin, end); });
    clock.lap(&timings_.update);
    return out;
}

const Planes& Engine::render(const CameraInput& camera, const float* background, int sh_degree,
                             bool antialias, bool normals) {
    const FlushDenormals flush;
    look_through(camera, background, sh_degree, antialias, normals);
    const Scene scene = population.scene();
    StepContext context{};
    context.view = &view_;
    context.scene = &scene;
    context.projection = &projection_;
    context.planes = &planes_;
    project_and_bin(&context);
    context.tiles = &binning_.tiles();
    const int64_t tiles = static_cast<int64_t>(view_.tiles_x) * view_.tiles_y;
    crew_.each(tiles, 2, [&](int64_t begin, int64_t end, int) {
        for (int64_t tile = begin; tile < end; tile++)
            kernels_.draw(context, static_cast<int>(tile), normals ? 7 : 4);
    });
    return planes_;
}

void Engine::perturb(float strength, uint64_t seed) {
    const FlushDenormals flush;
    const Scene scene = population.scene();
    crew_.each(scene.blocks, 256, [&](int64_t begin, int64_t end, int) {
        kernels_.perturb(scene, population.order(), strength, seed, begin, end);
    });
}

}  // namespace setpiece::cpu
