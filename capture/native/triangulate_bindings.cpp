// Triangulation for Python.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/tuple.h>

#include <algorithm>
#include <stdexcept>
#include <tuple>
#include <vector>

#include "bindings.h"
#include "triangulate.h"

namespace nb = nanobind;
using namespace setpiece::triangulation;

namespace {

template <class T, int64_t... shape>
using Array = nb::ndarray<T, nb::shape<shape...>, nb::c_contig, nb::device::cpu>;
template <class T, int64_t... shape>
using Made = nb::ndarray<nb::numpy, T, nb::shape<shape...>>;

template <class T, int64_t... shape, class... Size>
Made<T, shape...> made(std::vector<T>&& values, Size... size) {
    auto* kept = new std::vector<T>(std::move(values));
    nb::capsule owner(kept, [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
    return Made<T, shape...>(kept->data(), {static_cast<size_t>(size)...}, owner);
}

Cameras cameras_of(const Array<const double, -1, 3, 4>& poses, const Array<const int32_t, -1>& lens_of,
                   const Array<const double, -1, 5>& lenses) {
    if (lens_of.shape(0) != poses.shape(0)) throw std::invalid_argument("each pose needs its lens");
    for (size_t i = 0; i < lens_of.shape(0); i++) {
        if (lens_of.data()[i] < 0 || static_cast<size_t>(lens_of.data()[i]) >= lenses.shape(0)) {
            throw std::invalid_argument("no such lens");
        }
    }
    return {static_cast<int64_t>(poses.shape(0)), poses.data(), lenses.data(), lens_of.data()};
}

auto triangulate_matches(Array<const double, -1, 3, 4> poses, Array<const int32_t, -1> lens_of,
                         Array<const double, -1, 5> lenses, Array<const int64_t, -1> starts,
                         Array<const double, -1, 2> xy, Array<const int32_t, -1, 2> matches, double error_px,
                         double angle_deg, int fewest, int threads) {
    const Cameras cameras = cameras_of(poses, lens_of, lenses);
    const auto features = static_cast<int64_t>(xy.shape(0));
    if (starts.shape(0) != poses.shape(0) + 1 || starts.data()[0] != 0 || starts.data()[poses.shape(0)] != features) {
        throw std::invalid_argument("starts must run from 0 to the number of features");
    }
    for (size_t i = 0; i < 2 * matches.shape(0); i++) {
        if (matches.data()[i] < 0 || matches.data()[i] >= features) throw std::invalid_argument("no such feature");
    }
    Points points;
    {
        const nb::gil_scoped_release unlocked;
        const Tracks tracks = join({starts.data(), xy.data()}, cameras.count, matches.data(),
                                   static_cast<int64_t>(matches.shape(0)), fewest);
        points = triangulate(cameras, {starts.data(), xy.data()}, tracks,
                             {error_px, angle_deg, fewest, std::max(1, threads)});
    }
    const size_t found = points.at.size() / 3, seen = points.point.size();
    return std::make_tuple(made<double, -1, 3>(std::move(points.at), found, 3),
                           made<int32_t, -1>(std::move(points.camera), seen),
                           made<int32_t, -1>(std::move(points.feature), seen),
                           made<int32_t, -1>(std::move(points.point), seen));
}

auto measure_points(Array<const double, -1, 3, 4> poses, Array<const int32_t, -1> lens_of,
                    Array<const double, -1, 5> lenses, Array<const double, -1, 3> points,
                    Array<const int32_t, -1> frame, Array<const int32_t, -1> point, Array<const double, -1, 2> xy) {
    const Cameras cameras = cameras_of(poses, lens_of, lenses);
    const auto count = static_cast<int64_t>(points.shape(0)), seen = static_cast<int64_t>(point.shape(0));
    if (frame.shape(0) != point.shape(0) || xy.shape(0) != point.shape(0)) {
        throw std::invalid_argument("arrays of observations differ in length");
    }
    for (int64_t o = 0; o < seen; o++) {
        const bool sorted = o == 0 || point.data()[o - 1] <= point.data()[o];
        if (!sorted || point.data()[o] < 0 || point.data()[o] >= count || frame.data()[o] < 0 ||
            frame.data()[o] >= cameras.count) {
            throw std::invalid_argument("observations must be sorted by point, of points and frames that are there");
        }
    }
    std::vector<double> error(seen), angle(count);
    {
        const nb::gil_scoped_release unlocked;
        measure(cameras, points.data(), count, point.data(), frame.data(), xy.data(), seen, error.data(), angle.data());
    }
    return std::make_tuple(made<double, -1>(std::move(error), seen), made<double, -1>(std::move(angle), count));
}

}  // namespace

void bind_triangulation(nb::module_& m) {
    m.def("triangulate", &triangulate_matches, nb::arg("poses"), nb::arg("lens_of"), nb::arg("lenses"),
          nb::arg("starts"), nb::arg("xy"), nb::arg("matches"), nb::arg("error_px"), nb::arg("angle_deg"),
          nb::arg("fewest"), nb::arg("threads"),
          "Points [P, 3] of the tracks that matches [M, 2] make, and the camera, feature and point of each "
          "observation, sorted by point and camera.");
    m.def("measure", &measure_points, nb::arg("poses"), nb::arg("lens_of"), nb::arg("lenses"), nb::arg("points"),
          nb::arg("frame"), nb::arg("point"), nb::arg("xy"),
          "The error in pixels of each observation, and the widest angle in degrees between rays to each point.");
}
