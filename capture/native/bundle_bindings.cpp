// Bundle adjustment for Python.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/array.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>

#include <algorithm>
#include <array>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>

#include "bindings.h"
#include "bundle.h"

namespace nb = nanobind;
using namespace setpiece;

namespace {

template <class T, int64_t... shape>
using Array = nb::ndarray<T, nb::shape<shape...>, nb::c_contig, nb::device::cpu>;

Isa chosen(const std::string& name) {
    Isa isa = best_isa();
    if (name.empty()) return isa;
    if (!parse_isa(name.c_str(), &isa) || isa > best_isa()) {
        throw std::invalid_argument("this machine has no instruction set named " + name);
    }
    return isa;
}

std::tuple<double, double, int> adjust(Array<double, -1, 3, 4> poses, Array<const int32_t, -1> lens_of,
                                       Array<const bool, -1> held, Array<double, -1, 5> lenses,
                                       std::array<bool, 5> lens_free, Array<double, -1, 3> points,
                                       Array<const int32_t, -1> frame, Array<const int32_t, -1> point,
                                       Array<const double, -1, 2> xy, double loss_px, int iterations,
                                       double tolerance, int threads, const std::string& isa,
                                       std::optional<Array<const int32_t, -1>> station,
                                       std::optional<Array<const double, -1, 3, 3>> turns,
                                       std::optional<Array<const bool, -1>> fixed) {
    if (lens_of.shape(0) != poses.shape(0) || held.shape(0) != poses.shape(0) ||
        point.shape(0) != frame.shape(0) || xy.shape(0) != frame.shape(0)) {
        throw std::invalid_argument("arrays of a bundle adjustment differ in length");
    }
    if ((station && (station->shape(0) != poses.shape(0) || !turns)) ||
        (turns && turns->shape(0) != lenses.shape(0)) || (fixed && fixed->shape(0) != lenses.shape(0))) {
        throw std::invalid_argument("stations need turns of all lenses");
    }
    const bundle::Scene scene{static_cast<int64_t>(poses.shape(0)),
                              static_cast<int64_t>(lenses.shape(0)),
                              static_cast<int64_t>(points.shape(0)),
                              static_cast<int64_t>(frame.shape(0)),
                              poses.data(),
                              lenses.data(),
                              points.data(),
                              lens_of.data(),
                              reinterpret_cast<const uint8_t*>(held.data()),
                              frame.data(),
                              point.data(),
                              xy.data(),
                              station ? station->data() : nullptr,
                              turns ? turns->data() : nullptr,
                              fixed ? reinterpret_cast<const uint8_t*>(fixed->data()) : nullptr};
    bundle::Options options{{}, loss_px, iterations, tolerance, std::max(1, threads), chosen(isa)};
    std::copy(lens_free.begin(), lens_free.end(), options.lens_free);
    const nb::gil_scoped_release unlocked;
    const bundle::Summary summary = bundle::adjust(scene, options);
    return {summary.before, summary.after, summary.iterations};
}

}  // namespace

void bind_bundle(nb::module_& m) {
    m.def("adjust", &adjust, nb::arg("poses"), nb::arg("lens_of"), nb::arg("held"), nb::arg("lenses"),
          nb::arg("lens_free"), nb::arg("points"), nb::arg("frame"), nb::arg("point"), nb::arg("xy"),
          nb::arg("loss_px"), nb::arg("iterations"), nb::arg("tolerance"), nb::arg("threads"), nb::arg("isa") = "",
          nb::arg("station") = nb::none(), nb::arg("turns") = nb::none(), nb::arg("fixed") = nb::none(),
          "Adjusts poses, lenses and points in place; the cost before and after, and the steps tried.");
}
