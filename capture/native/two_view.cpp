#include "two_view.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "fit.h"

namespace setpiece::two_view {

namespace {

constexpr double flat_share = 0.8;  // of the matches that F holds: when H holds more, the scene counts as flat
constexpr double mostly_flat_share = 0.4;  // above this F may rest on one plane, and is sought again from H
constexpr int most_plane_trials = 40, most_parallax_trials = 200;
constexpr int polish_steps = 10;

// Numbers that look random, the same on every machine (splitmix64, Steele, Lea and Flood 2014).
class Random {
  public:
    explicit Random(uint64_t seed) : state_(seed) {}

    int below(int count) {
        state_ += 0x9e3779b97f4a7c15u;
        uint64_t z = state_;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        z ^= z >> 31;
        return static_cast<int>((z >> 32) * static_cast<uint64_t>(count) >> 32);
    }

  private:
    uint64_t state_;
};

// Draws samples from the first few of a list, then from ever more of it (PROSAC, section 2.2).
class Sampler {
  public:
    Sampler(int count, int size, int trials, Random& random)
        : count_(count), size_(size), reach_(std::min(size, count)), random_(random) {
        expected_ = trials;
        for (int i = 0; i < size; ++i) expected_ *= static_cast<double>(size - i) / (count - i);
    }

    void draw(int* places) {
        ++drawn_;
        if (drawn_ >= until_ && reach_ < count_) {
            const double next = expected_ * (reach_ + 1) / (reach_ + 1 - size_);
            until_ += std::max(1.0, std::ceil(next - expected_));
            expected_ = next;
            ++reach_;
        }
        const bool all = reach_ == count_;
        int filled = 0;
        if (!all) places[filled++] = reach_ - 1;
        const int from = all ? reach_ : reach_ - 1;
        while (filled < size_) {
            const int place = random_.below(from);
            if (std::find(places, places + filled, place) == places + filled) places[filled++] = place;
        }
    }

  private:
    int count_, size_, reach_;
    Random& random_;
    double expected_, drawn_ = 0, until_ = 1;
};

// The matches of a pair with both pictures centred, and the way back to pixels.
class Scaled {
  public:
    explicit Scaled(const Matched& matched) : count(matched.count), padded_((count + lanes - 1) / lanes * lanes) {
        const float* pixels[2] = {matched.first, matched.second};
        double farthest = 0;
        for (int side = 0; side < 2; ++side) {
            for (int axis = 0; axis < 2; ++axis) {
                double sum = 0;
                for (int i = 0; i < count; ++i) sum += pixels[side][2 * i + axis];
                centre_[side][axis] = sum / count;
                for (int i = 0; i < count; ++i) {
                    farthest = std::max(farthest, std::abs(pixels[side][2 * i + axis] - centre_[side][axis]));
                }
            }
        }
        per_pixel = farthest > 0 ? 1 / farthest : 1;
        values_.assign(static_cast<size_t>(5) * padded_, 0.0f);
        for (int row = 0; row < 4; ++row) {
            for (int i = 0; i < count; ++i) {
                const double pixel = pixels[row / 2][2 * i + row % 2] - centre_[row / 2][row % 2];
                values_[static_cast<size_t>(row) * padded_ + i] = static_cast<float>(pixel * per_pixel);
            }
        }
        std::fill_n(values_.begin() + static_cast<size_t>(4) * padded_, count, 1.0f);
        const float* v = values_.data();
        points = {v, v + padded_, v + 2 * padded_, v + 3 * padded_, v + 4 * padded_, padded_};
    }

    void sample(const int* places, int size, double (*at)[4]) const {
        for (int i = 0; i < size; ++i) {
            const int p = places[i];
            at[i][0] = points.x1[p];
            at[i][1] = points.y1[p];
            at[i][2] = points.x2[p];
            at[i][3] = points.y2[p];
        }
    }

    // F in pixels: T2' F T1, where T takes pixels to what the loops see.
    void fundamental_in_pixels(const double* model, double* out) const {
        double half[9];
        for (int i = 0; i < 3; ++i) shifted_row(model + 3 * i, centre_[0], half + 3 * i);
        for (int j = 0; j < 3; ++j) {
            const double column[3] = {half[j], half[3 + j], half[6 + j]};
            double moved[3];
            shifted_row(column, centre_[1], moved);
            for (int i = 0; i < 3; ++i) out[3 * i + j] = moved[i];
        }
        unit(out);
    }

    // H in pixels: T2^-1 H T1.
    void homography_in_pixels(const double* model, double* out) const {
        double half[9];
        for (int i = 0; i < 3; ++i) shifted_row(model + 3 * i, centre_[0], half + 3 * i);
        for (int j = 0; j < 3; ++j) {
            for (int i = 0; i < 2; ++i) out[3 * i + j] = half[3 * i + j] / per_pixel + centre_[1][i] * half[6 + j];
            out[6 + j] = half[6 + j];
        }
        unit(out);
    }

    Points points;
    int count;
    double per_pixel;

    int padded() const { return padded_; }

  private:
    void shifted_row(const double* row, const double* centre, double* out) const {
        out[0] = row[0] * per_pixel;
        out[1] = row[1] * per_pixel;
        out[2] = row[2] - out[0] * centre[0] - out[1] * centre[1];
    }

    static void unit(double* matrix) {
        double sum = 0;
        for (int i = 0; i < 9; ++i) sum += matrix[i] * matrix[i];
        for (int i = 0; i < 9; ++i) matrix[i] /= std::sqrt(sum);
    }

    int padded_;
    double centre_[2][2];
    std::vector<float> values_;
};

// A model, and how well it holds all matches.
struct Model {
    double matrix[9] = {};
    float cost;
};

// The search for one kind of model.
class Search {
  public:
    using Fit = void (*)(const double* sums, double* model);

    Search(const Scaled& scaled, const Loops& loops, Fit fit, double error_px)
        : best{{}, static_cast<float>(scaled.count)},
          points_(scaled.points),
          loops_(loops),
          fit_(fit),
          limit_(static_cast<float>(error_px * error_px * scaled.per_pixel * scaled.per_pixel)) {}

    // Takes the model over if it is better than the best so far.
    bool offer(const double* matrix) {
        float rounded[9];
        for (int i = 0; i < 9; ++i) rounded[i] = static_cast<float>(matrix[i]);
        const float cost = loops_.cost(points_, rounded, limit_, best.cost);
        if (!(cost < best.cost)) return false;
        std::memcpy(best.matrix, matrix, sizeof best.matrix);
        best.cost = cost;
        return true;
    }

    // Fits the best model to all that it holds, first with a wider limit, as long as that helps.
    void optimise(int steps) {
        Model from = best;
        for (const float wider : {4.0f, 1.0f}) {
            std::memcpy(from.matrix, best.matrix, sizeof from.matrix);
            for (int step = 0; step < steps; ++step) {
                float rounded[9];
                double sums[std::max(epipolar_sums, plane_sums)];
                for (int i = 0; i < 9; ++i) rounded[i] = static_cast<float>(from.matrix[i]);
                loops_.gather(points_, rounded, limit_ * wider, sums);
                fit_(sums, from.matrix);
                const float before = best.cost;
                if (!offer(from.matrix) || best.cost > before * (1 - enough_)) break;
            }
        }
    }

    int mark(uint8_t* inlier) const {
        float rounded[9];
        for (int i = 0; i < 9; ++i) rounded[i] = static_cast<float>(best.matrix[i]);
        return loops_.mark(points_, rounded, limit_, inlier);
    }

    Model best;

  private:
    static constexpr float enough_ = 1e-3f;  // relative gain of a step that ends the optimisation

    const Points& points_;
    const Loops& loops_;
    Fit fit_;
    float limit_;
};

// How many samples of `size` make one without outliers as likely as `confidence` wants.
double trials_for(double share, int size, double confidence) {
    const double clean = std::pow(share, size);
    if (clean < 1e-12) return 1e12;
    return clean > 1 - 1e-12 ? 1 : std::log(1 - confidence) / std::log(1 - clean);
}

// The share of random matches that lie within `error_px` of their epipolar lines: a strip across the picture.
double strip_of(const Matched& matched, double error_px) {
    double shorter = 1e300;
    for (int axis = 0; axis < 2; ++axis) {
        float low = matched.second[axis], high = low;
        for (int i = 1; i < matched.count; ++i) {
            low = std::min(low, matched.second[2 * i + axis]);
            high = std::max(high, matched.second[2 * i + axis]);
        }
        shorter = std::min(shorter, static_cast<double>(high) - low);
    }
    // Sampson's distance is about a root of two less than the distance in one picture
    return std::min(1.0, 2 * std::sqrt(2.0) * error_px / std::max(1.0, shorter));
}

// How many of `count` random matches would hardly ever lie in that strip under the best of all models tried: the a
// contrario reasoning of Moisan and Stival (2004), with the Chernoff bound of the Poisson distribution.
int by_chance(int count, double strip) {
    constexpr double unlikely = 16;  // -log of the probability: one in ten million
    const double expected = count * strip;
    int k = static_cast<int>(expected) + 1;
    while (k < count && k * std::log(k / expected) - (k - expected) < unlikely) ++k;
    return k;
}

}  // namespace

Verified verify(const Matched& matched, const Options& options, const Kernels& kernels, uint8_t* inlier) {
    constexpr int seven = 7, four = 4, two = 2;
    Verified result;
    std::fill(inlier, inlier + std::max(0, matched.count), uint8_t{0});
    if (matched.count < std::max(options.fewest, seven + 1)) return result;
    const Scaled scaled(matched);
    Random random(options.seed);
    std::vector<uint8_t> held(static_cast<size_t>(scaled.padded())), flat(held.size());

    Search epipolar(scaled, kernels.epipolar, fit_epipolar, options.error_px);
    Sampler sampler(scaled.count, seven, options.most_trials, random);
    double trials = options.most_trials;
    for (int trial = 0; trial < trials; ++trial) {
        int places[seven] = {};
        double at[seven][4], models[3][9];
        sampler.draw(places);
        scaled.sample(places, seven, at);
        bool better = false;
        for (int m = 0, found = epipolar_through(at, models); m < found; ++m) better |= epipolar.offer(models[m]);
        if (!better) continue;
        epipolar.optimise(2);
        const double share = static_cast<double>(epipolar.mark(held.data())) / scaled.count;
        trials = std::min<double>(options.most_trials, trials_for(share, seven, options.confidence));
    }
    epipolar.optimise(polish_steps);
    int general = epipolar.mark(held.data());
    const double strip = strip_of(matched, options.error_px);
    if (general < std::max(options.fewest, seven + by_chance(scaled.count, strip))) return result;

    std::vector<int> candidates;
    for (int i = 0; i < scaled.count; ++i) {
        if (held[static_cast<size_t>(i)]) candidates.push_back(i);
    }
    Search plane(scaled, kernels.plane, fit_plane, options.error_px);
    Sampler corners(general, four, most_plane_trials, random);
    trials = most_plane_trials;
    int level = 0;
    for (int trial = 0; trial < trials; ++trial) {
        int places[four] = {};
        double at[four][4], model[9];
        corners.draw(places);
        for (int& place : places) place = candidates[static_cast<size_t>(place)];
        scaled.sample(places, four, at);
        if (!plane_through(at, model) || !plane.offer(model)) continue;
        plane.optimise(2);
        level = plane.mark(flat.data());
        trials = std::min<double>(trials, trials_for(std::min(1.0, level / double(general)), four, options.confidence));
    }
    if (level > 0) {
        plane.optimise(polish_steps);
        level = plane.mark(flat.data());
        scaled.homography_in_pixels(plane.best.matrix, result.homography);
    }
    if (level > mostly_flat_share * general) {
        candidates.clear();
        for (int i = 0; i < scaled.count; ++i) {
            if (!flat[static_cast<size_t>(i)]) candidates.push_back(i);
        }
        const int outside = static_cast<int>(candidates.size());
        trials = outside >= two ? most_parallax_trials : 0;
        for (int trial = 0; trial < trials; ++trial) {
            double at[two][4], model[9];
            int places[two];
            places[0] = random.below(outside);
            places[1] = random.below(outside - 1);
            places[1] += places[1] >= places[0];
            for (int& place : places) place = candidates[static_cast<size_t>(place)];
            scaled.sample(places, two, at);
            if (!epipolar_from_plane(plane.best.matrix, at, model) || !epipolar.offer(model)) continue;
            epipolar.optimise(2);
            general = epipolar.mark(held.data());
            int others = 0;
            for (const int i : candidates) others += held[static_cast<size_t>(i)];
            trials = std::min<double>(trials, trials_for(others / double(outside), two, options.confidence));
        }
        epipolar.optimise(polish_steps);
        general = epipolar.mark(held.data());
    }
    scaled.fundamental_in_pixels(epipolar.best.matrix, result.fundamental);
    result.kind = level > flat_share * general ? Kind::flat : Kind::general;
    int beside = 0;  // the plane, and held by F; two of them determine F
    for (int i = 0; i < scaled.count; ++i) beside += held[static_cast<size_t>(i)] && !flat[static_cast<size_t>(i)];
    const bool by_luck = beside < two + by_chance(scaled.count - level, strip);
    const bool of_plane = result.kind == Kind::flat && (level >= general || by_luck);
    result.inliers = of_plane ? level : general;
    std::copy_n(of_plane ? flat.data() : held.data(), matched.count, inlier);
    return result;
}

}  // namespace setpiece::two_view
