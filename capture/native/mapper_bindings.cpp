// Incremental mapping for Python.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <tuple>
#include <vector>

#include "bindings.h"
#include "mapper.h"
#include "resection.h"

namespace nb = nanobind;
using namespace setpiece;

namespace {

template <class T, int64_t... shape>
using Array = nb::ndarray<T, nb::shape<shape...>, nb::c_contig, nb::device::cpu>;
template <class T, int64_t... shape>
using Made = nb::ndarray<nb::numpy, T, nb::shape<shape...>>;
using Model = std::tuple<Made<int32_t, -1>, Made<double, -1, 3, 4>, Made<double, -1, 5>>;

template <class T>
nb::capsule keep(std::vector<T>* values) {
    return nb::capsule(values, [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
}

void check(bool good, const char* what) {
    if (!good) throw std::invalid_argument(what);
}

std::vector<Model> map_photos(Array<const int64_t, -1> starts, Array<const double, -1, 2> xy,
                              Array<const int32_t, -1> lens_of, Array<const double, -1, 5> lenses,
                              Array<const double, -1> longer_side, Array<const bool, -1> focal_known,
                              Array<const int32_t, -1, 2> pairs, Array<const int64_t, -1> pair_starts,
                              Array<const int32_t, -1, 2> matches, Array<const int32_t, -1> verified, uint64_t seed,
                              int threads, Array<const int32_t, -1> station,
                              std::optional<Array<const double, -1, 3, 3>> turns, Array<const bool, -1> fixed) {
    const auto photos = static_cast<int64_t>(lens_of.shape(0)), count = static_cast<int64_t>(pairs.shape(0));
    const auto features = static_cast<int64_t>(xy.shape(0)), found = static_cast<int64_t>(matches.shape(0));
    check(static_cast<int64_t>(starts.shape(0)) == photos + 1 && starts.data()[0] == 0 &&
              starts.data()[photos] == features && std::is_sorted(starts.data(), starts.data() + photos + 1),
          "starts must run from 0 to the number of features");
    check(static_cast<int64_t>(pair_starts.shape(0)) == count + 1 && pair_starts.data()[0] == 0 &&
              pair_starts.data()[count] == found && verified.shape(0) == pairs.shape(0) &&
              std::is_sorted(pair_starts.data(), pair_starts.data() + count + 1),
          "pair_starts must run from 0 to the number of matches");
    check(fixed.shape(0) == lenses.shape(0) && (!turns || turns->shape(0) == lenses.shape(0)), "each lens needs all");
    check(station.shape(0) == lens_of.shape(0), "each photo needs a station");
    for (int64_t i = 0, last = -1; i < photos; last = station.data()[i++]) {
        const int64_t here = station.data()[i];
        check(here == last + 1 || (turns && i > 0 && here == last), "stations must ascend from 0 without gaps");
    }
    check(longer_side.shape(0) == lenses.shape(0) && focal_known.shape(0) == lenses.shape(0), "each lens needs all");
    for (int64_t i = 0; i < photos; i++) {
        check(lens_of.data()[i] >= 0 && lens_of.data()[i] < static_cast<int64_t>(lenses.shape(0)), "no such lens");
    }
    for (int64_t i = 0; i < 2 * count; i++) check(pairs.data()[i] >= 0 && pairs.data()[i] < photos, "no such photo");
    for (int64_t i = 0; i < 2 * found; i++) {
        check(matches.data()[i] >= 0 && matches.data()[i] < features, "no such feature");
    }
    std::vector<mapping::Placed> models;
    {
        const nb::gil_scoped_release unlocked;
        models = mapping::map_photos({photos, starts.data(), xy.data(), lens_of.data(),
                                      static_cast<int64_t>(lenses.shape(0)), lenses.data(), longer_side.data(),
                                      reinterpret_cast<const uint8_t*>(focal_known.data()), station.data(),
                                      turns ? turns->data() : nullptr,
                                      reinterpret_cast<const uint8_t*>(fixed.data())},
                                     {count, pairs.data(), pair_starts.data(), matches.data(), verified.data()},
                                     {seed, std::max(1, threads), best_isa()});
    }
    std::vector<Model> out;
    for (mapping::Placed& model : models) {
        auto* numbers = new std::vector<int32_t>(std::move(model.photos));
        auto* poses = new std::vector<double>(std::move(model.poses));
        auto* optics = new std::vector<double>(std::move(model.lenses));
        const size_t size = numbers->size(), lens_count = optics->size() / 5;
        out.emplace_back(Made<int32_t, -1>(numbers->data(), {size}, keep(numbers)),
                         Made<double, -1, 3, 4>(poses->data(), {size, 3, 4}, keep(poses)),
                         Made<double, -1, 5>(optics->data(), {lens_count, 5}, keep(optics)));
    }
    return out;
}

// For the tests: the poses from which three points appear along three rays.
std::vector<std::vector<double>> three_points(Array<const double, 3, 3> at, Array<const double, 3, 3> rays) {
    double poses[4][12];
    const int count = resection::three_points(reinterpret_cast<const double(*)[3]>(at.data()),
                                              reinterpret_cast<const double(*)[3]>(rays.data()), poses);
    std::vector<std::vector<double>> out;
    for (int n = 0; n < count; n++) out.emplace_back(poses[n], poses[n] + 12);
    return out;
}

std::tuple<int, std::vector<double>> pose_between(Array<const double, -1, 4> matches, double error) {
    std::vector<resection::Match> pairs(matches.shape(0));
    for (size_t n = 0; n < pairs.size(); n++) {
        const double* m = matches.data() + 4 * n;
        pairs[n] = {{m[0], m[1], 1}, {m[2], m[3], 1}};
    }
    std::vector<double> pose(12);
    const int front = resection::pose_between(pairs, error, pose.data());
    return {front, pose};
}

}  // namespace

void bind_mapping(nb::module_& m) {
    m.def("map_photos", &map_photos, nb::arg("starts"), nb::arg("xy"), nb::arg("lens_of"), nb::arg("lenses"),
          nb::arg("longer_side"), nb::arg("focal_known"), nb::arg("pairs"), nb::arg("pair_starts"),
          nb::arg("matches"), nb::arg("verified"), nb::arg("seed"), nb::arg("threads"), nb::arg("station"),
          nb::arg("turns").none(), nb::arg("fixed"),
          "Models, the one of most photos first: its photos, their poses [N, 3, 4] and all lenses [L, 5].");
    m.def("three_points", &three_points, nb::arg("at"), nb::arg("rays"),
          "The poses (rows of [R t]) from which points [3, 3] appear along unit rays [3, 3].");
    m.def("pose_between", &pose_between, nb::arg("matches"), nb::arg("error"),
          "How many matches [M, 4] on planes at depth 1 fit the pose of the second camera, and that pose.");
}
