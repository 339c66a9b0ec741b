// Two-view verification for Python.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "bindings.h"
#include "two_view.h"

namespace nb = nanobind;
using namespace setpiece::two_view;

namespace {

using Points2D = nb::ndarray<const float, nb::shape<-1, 2>, nb::c_contig, nb::device::cpu>;
using Pairs = nb::ndarray<const int64_t, nb::shape<-1, 2>, nb::c_contig, nb::device::cpu>;
using Starts = nb::ndarray<const int64_t, nb::shape<-1>, nb::c_contig, nb::device::cpu>;
using Rows = nb::ndarray<const uint32_t, nb::shape<-1, 2>, nb::c_contig, nb::device::cpu>;

template <class T>
nb::capsule owner_of(std::vector<T>* values) {
    return nb::capsule(values, [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
}

nb::tuple verify_pairs(const std::vector<Points2D>& points, const Pairs& pairs, const Starts& starts,
                       const Rows& matches, double error_px, int fewest, int most_trials, double confidence,
                       uint64_t seed, int threads, const std::string& isa) {
    const Kernels* kernels = kernels_named(isa.c_str());
    if (!kernels) throw std::invalid_argument("this machine has no kernels named " + isa);
    const int64_t count = static_cast<int64_t>(pairs.shape(0));
    if (static_cast<int64_t>(starts.shape(0)) != count + 1) {
        throw std::invalid_argument("one start per pair and the end");
    }
    for (int64_t p = 0; p < count; ++p) {
        const int64_t from = starts(p), to = starts(p + 1);
        if (from < 0 || to < from || to > static_cast<int64_t>(matches.shape(0))) {
            throw std::invalid_argument("bad starts");
        }
        for (int side = 0; side < 2; ++side) {
            const int64_t frame = pairs(p, side);
            if (frame < 0 || frame >= static_cast<int64_t>(points.size())) throw std::invalid_argument("no such frame");
            const size_t features = points[static_cast<size_t>(frame)].shape(0);
            for (int64_t m = from; m < to; ++m) {
                if (matches(m, side) >= features) throw std::invalid_argument("no such feature");
            }
        }
    }
    auto* kinds = new std::vector<uint8_t>(static_cast<size_t>(count));
    nb::capsule kinds_owner = owner_of(kinds);
    auto* models = new std::vector<double>(static_cast<size_t>(count) * 18);
    nb::capsule models_owner = owner_of(models);
    auto* inliers = new std::vector<uint8_t>(matches.shape(0));
    nb::capsule inliers_owner = owner_of(inliers);
    {
        nb::gil_scoped_release unlocked;
        std::atomic<int64_t> next{0};
        auto work = [&] {
            std::vector<float> pixels[2];
            for (int64_t p = next++; p < count; p = next++) {
                const int64_t from = starts(p), size = starts(p + 1) - from;
                for (int side = 0; side < 2; ++side) {
                    const float* at = points[static_cast<size_t>(pairs(p, side))].data();
                    pixels[side].resize(static_cast<size_t>(2 * size));
                    for (int64_t m = 0; m < size; ++m) {
                        std::memcpy(&pixels[side][static_cast<size_t>(2 * m)], at + 2 * matches(from + m, side), 8);
                    }
                }
                Options options{error_px, fewest, most_trials, confidence, seed};
                options.seed = seed * 0x2545f4914f6cdd1du + static_cast<uint64_t>(pairs(p, 0)) * 1000003u +
                               static_cast<uint64_t>(pairs(p, 1));
                const Verified found = verify({pixels[0].data(), pixels[1].data(), static_cast<int>(size)}, options,
                                              *kernels, inliers->data() + from);
                (*kinds)[static_cast<size_t>(p)] = static_cast<uint8_t>(found.kind);
                double* out = models->data() + 18 * p;
                std::copy_n(found.fundamental, 9, out);
                std::copy_n(found.homography, 9, out + 9);
            }
        };
        std::vector<std::thread> others;
        for (int64_t t = 1; t < std::min<int64_t>(threads, count); ++t) others.emplace_back(work);
        work();
        for (std::thread& other : others) other.join();
    }
    const size_t n = static_cast<size_t>(count);
    return nb::make_tuple(nb::ndarray<nb::numpy, uint8_t>(kinds->data(), {n}, kinds_owner),
                          nb::ndarray<nb::numpy, double>(models->data(), {n, 2, 3, 3}, models_owner),
                          nb::ndarray<nb::numpy, uint8_t>(inliers->data(), {inliers->size()}, inliers_owner));
}

}  // namespace

void bind_two_view(nb::module_& m) {
    m.def("verify_pairs", &verify_pairs, nb::arg("points"), nb::arg("pairs"), nb::arg("starts"), nb::arg("matches"),
          nb::kw_only(), nb::arg("error_px"), nb::arg("fewest"), nb::arg("most_trials"), nb::arg("confidence"),
          nb::arg("seed"), nb::arg("threads"), nb::arg("isa") = "",
          "For each pair 0 (no geometry), 1 (general) or 2 (flat), F and H [P, 2, 3, 3] in pixels, and for each\n"
          "match 1 where it is an inlier. Matches of a pair stand together, the most reliable first. Releases the\n"
          "GIL.");
}
