#include "sift.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <new>
#include <numeric>
#include <vector>

#include "features.h"

namespace setpiece::features {

namespace {

constexpr float first_sigma = 1.6f;    // of copy 0 of every octave; Lowe, section 3.3
constexpr float least_sigma = 0.1f;    // of a blur
constexpr float blur_reach = 3.0f;     // deviations that a blur's window reaches
constexpr int smallest_octave = 24;    // pixels, shorter side
constexpr int margin = 128;            // floats around what rows hold
constexpr int all_rows = 0x7fffffff;

// Memory that is kept from picture to picture; it starts on a cache line.
class Workspace {
  public:
    void reset() { used_ = 0, block_ = 0; }

    float* take(int64_t floats) {
        floats = (floats + 15) / 16 * 16;
        while (block_ < blocks_.size() && used_ + floats > blocks_[block_].floats) ++block_, used_ = 0;
        if (block_ == blocks_.size()) {
            const int64_t size = std::max<int64_t>(floats, 1 << 20);
            blocks_.push_back({std::unique_ptr<float, Free>(static_cast<float*>(
                                   ::operator new(static_cast<size_t>(size) * sizeof(float), alignment))),
                               size});
            std::fill_n(blocks_.back().data.get(), size, 0.0f);  // what lies beside rows is read, if not used
            used_ = 0;
        }
        float* result = blocks_[block_].data.get() + used_;
        used_ += floats;
        return result;
    }

  private:
    static constexpr std::align_val_t alignment{64};
    struct Free {
        void operator()(float* p) const { ::operator delete(p, alignment); }
    };
    struct Block {
        std::unique_ptr<float, Free> data;
        int64_t floats;
    };
    std::vector<Block> blocks_;
    size_t block_ = 0;
    int64_t used_ = 0;
};

struct Taps {
    std::vector<float> weights;
    Blur blur() const { return {weights.data(), static_cast<int>(weights.size()) - 1}; }
};

Taps gaussian(double sigma) {
    const int radius = static_cast<int>(std::ceil(blur_reach * sigma));
    Taps taps;
    double sum = 0;
    for (int k = 0; k <= radius; ++k) {
        const double weight = std::exp(-k * k / (2 * sigma * sigma));
        sum += k ? 2 * weight : weight;
        taps.weights.push_back(static_cast<float>(weight));
    }
    for (float& weight : taps.weights) weight = static_cast<float>(weight / sum);
    return taps;
}

Level level_of(Workspace& workspace, int64_t stride, int height, int rows) {
    int kept = 1;
    while (kept < rows) kept *= 2;
    const bool all = kept >= height;
    const int64_t floats = stride * (all ? height : kept) + 2 * margin;
    return {workspace.take(floats) + margin, stride, all ? all_rows : kept - 1};
}

class SpotList {
  public:
    SpotList() { spots_ = {nullptr, 0, 0, grow}; }
    ~SpotList() { std::free(spots_.data); }
    SpotList(const SpotList&) = delete;
    SpotList& operator=(const SpotList&) = delete;
    Spots* get() { return &spots_; }
    Spot* begin() { return spots_.data; }
    Spot* end() { return spots_.data + spots_.count; }
    void cut(Spot* end) { spots_.count = end - spots_.data; }

  private:
    static void grow(Spots* spots) {
        const int64_t capacity = std::max<int64_t>(4096, 2 * spots->capacity);
        void* larger = std::realloc(spots->data, static_cast<size_t>(capacity) * sizeof(Spot));
        if (!larger) throw std::bad_alloc();
        spots->data = static_cast<Spot*>(larger);
        spots->capacity = capacity;
    }
    Spots spots_;
};

bool in_place_order(const Spot& a, const Spot& b) {
    if (a.octave != b.octave) return a.octave < b.octave;
    if (a.level != b.level) return a.level < b.level;
    if (a.row != b.row) return a.row < b.row;
    return a.column < b.column;
}

bool stronger(const Spot& a, const Spot& b) {
    return a.response != b.response ? a.response > b.response : in_place_order(a, b);
}

bool same_place(const Spot& a, const Spot& b) {
    return a.octave == b.octave && a.level == b.level && a.row == b.row && a.column == b.column;
}

// The strongest spots, strongest first, each once: two extrema may have moved to the same pixel.
void keep_strongest(SpotList& list, int64_t count, std::vector<Spot>* kept) {
    kept->assign(list.begin(), list.end());
    const int64_t some = std::min<int64_t>(static_cast<int64_t>(kept->size()), count + count / 4 + 64);
    std::partial_sort(kept->begin(), kept->begin() + some, kept->end(), stronger);
    kept->resize(static_cast<size_t>(some));
    kept->erase(std::unique(kept->begin(), kept->end(), same_place), kept->end());
    if (static_cast<int64_t>(kept->size()) > count) kept->resize(static_cast<size_t>(count));
}

// Drops the spots on the zeros of a mask of a picture that is searched at width and height.
void drop_masked(SpotList& list, const Picture& mask, int width, int height) {
    const double across = static_cast<double>(mask.width) / width;
    const double down = static_cast<double>(mask.height) / height;
    const auto masked = [&](const Spot& spot) {
        const double x = (std::ldexp(spot.x, spot.octave) + 0.5) * across;
        const double y = (std::ldexp(spot.y, spot.octave) + 0.5) * down;
        const int column = std::clamp(static_cast<int>(x), 0, mask.width - 1);
        const int row = std::clamp(static_cast<int>(y), 0, mask.height - 1);
        return mask.grey[row * mask.stride + column] == 0;
    };
    list.cut(std::remove_if(list.begin(), list.end(), masked));
}

}  // namespace

const Kernels& kernels_of(Isa isa) {
#if defined(SETPIECE_WIDE_KERNELS)
    if (isa == Isa::avx512) return avx512::kernels();
    if (isa == Isa::avx2) return avx2::kernels();
#endif
    (void)isa;
    return plain::kernels();
}

void find_features(const Picture& picture, const Picture* mask, const Settings& settings, Isa isa,
                   std::vector<Feature>* features, std::vector<uint8_t>* descriptors) {
    static thread_local Workspace workspace;
    const Kernels& kernels = kernels_of(isa);
    workspace.reset();
    features->clear();
    descriptors->clear();
    if (settings.count <= 0) return;

    std::vector<Taps> taps(levels);
    int rows_after = 0;
    for (int i = 1; i < levels; ++i) {
        const double before = first_sigma * std::exp2((i - 1) / double(scales));
        const double after = first_sigma * std::exp2(i / double(scales));
        taps[i] = gaussian(std::sqrt(after * after - before * before));
        rows_after += taps[i].blur().radius;
    }
    const double blurred = first_sigma * first_sigma - settings.blur * settings.blur;
    taps[0] = gaussian(std::sqrt(std::max<double>(blurred, least_sigma * least_sigma)));
    constexpr int spare_rows = 24;  // for the batches that rows are made in, and where extrema may move

    const AxisTable across(picture.width, settings.width), down(picture.height, settings.height);
    const Resample resample = {picture.grey, picture.stride, across.get(), down.get(),
                               workspace.take(picture.width + margin)};
    std::vector<Octave> octaves;
    octaves.reserve(most_octaves);
    SpotList found;
    int width = settings.width, height = settings.height;
    for (int number = 0; number < most_octaves && std::min(width, height) >= smallest_octave; ++number) {
        int64_t stride = (width + 63) / 64 * 64 + 16;  // whole blocks; 16 more keep rows off the same cache sets
        Octave octave{};
        octave.number = number;
        octave.width = width;
        octave.height = height;
        if (number == 0) {
            octave.picture = &resample;
            octave.first = taps[0].blur();
            octave.raw = level_of(workspace, stride, height, 2 * octave.first.radius + spare_rows);
        } else {
            octave.finer = &octaves.back().copies[scales];
        }
        int rows = rows_after;
        for (int i = 0; i < levels; ++i) {
            const bool kept = i >= 1 && i <= scales;  // directions, descriptors and the next octave need these
            const int next = i + 1 < levels ? taps[i + 1].blur().radius : 0;
            octave.copies[i] = level_of(workspace, stride, height, kept ? height : rows + next + spare_rows);
            octave.blurs[i] = taps[i].blur();
            rows -= next;
        }
        octave.scratch = workspace.take(scratch_floats(stride));
        octave.threshold = settings.contrast * 255 / scales;
        octave.edge = settings.edge;
        octave.sigma = first_sigma;
        octaves.push_back(octave);
        kernels.search(octaves.back(), found.get());
        width = (width + 1) / 2;
        height = (height + 1) / 2;
    }

    if (mask) drop_masked(found, *mask, settings.width, settings.height);
    std::vector<Spot> spots;
    keep_strongest(found, settings.count, &spots);
    std::vector<int> order(spots.size());  // by place, so that neighbours are read one after the other
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(), [&](int a, int b) { return in_place_order(spots[a], spots[b]); });
    struct Turns {
        float angles[2];
        int count;
        int64_t first;  // feature number
    };
    std::vector<Turns> turns(spots.size());
    const auto fetch_after = [&](size_t n, bool all) {
        if (n + 1 < order.size()) kernels.fetch(octaves[spots[order[n + 1]].octave], spots[order[n + 1]], all);
    };
    for (size_t n = 0; n < order.size(); ++n) {
        const int i = order[n];
        fetch_after(n, false);
        turns[i].count = kernels.orient(octaves[spots[i].octave], spots[i], turns[i].angles);
    }
    int64_t total = 0;
    for (Turns& t : turns) {
        t.first = total;
        t.count = static_cast<int>(std::min<int64_t>(t.count, settings.count - total));
        total += t.count;
    }
    features->resize(static_cast<size_t>(total));
    descriptors->resize(static_cast<size_t>(total) * descriptor_length);
    for (size_t n = 0; n < order.size(); ++n) {
        const int i = order[n];
        fetch_after(n, true);
        const Spot& spot = spots[i];
        const float pixels = std::ldexp(1.0f, spot.octave);
        for (int k = 0; k < turns[i].count; ++k) {
            const int64_t at = turns[i].first + k;
            kernels.describe(octaves[spot.octave], spot, turns[i].angles[k],
                             descriptors->data() + at * descriptor_length);
            (*features)[static_cast<size_t>(at)] = {spot.x * pixels + 0.5f, spot.y * pixels + 0.5f,
                                                    spot.sigma * pixels, turns[i].angles[k]};
        }
    }
}

void resize(const Picture& picture, int channels, int width, int height, Isa isa, uint8_t* out) {
    const AxisTable across(picture.width, width, channels), down(picture.height, height);
    const int values = width * channels;
    std::vector<float> scratch(static_cast<size_t>(picture.width) * channels + margin);
    std::vector<float> row(static_cast<size_t>(std::max(values, picture.width * channels)) + margin);
    const Resample resample = {picture.grey, picture.stride, across.get(), down.get(), scratch.data()};
    const Kernels& kernels = kernels_of(isa);
    for (int y = 0; y < height; ++y) {
        kernels.resample(resample, y, row.data());
        uint8_t* to = out + static_cast<int64_t>(y) * values;
        for (int x = 0; x < values; ++x) to[x] = static_cast<uint8_t>(row[static_cast<size_t>(x)] + 0.5f);
    }
}

}  // namespace setpiece::features
