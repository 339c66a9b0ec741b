// Features for Python.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "bindings.h"
#include "features.h"

namespace nb = nanobind;
using namespace setpiece;

namespace {

using Grey = nb::ndarray<const uint8_t, nb::shape<-1, -1>, nb::c_contig, nb::device::cpu>;

template <class Value, class Out>
nb::ndarray<nb::numpy, Out, nb::ndim<2>> owned(std::vector<Value>&& values, size_t columns) {
    auto* kept = new std::vector<Value>(std::move(values));
    nb::capsule owner(kept, [](void* p) noexcept { delete static_cast<std::vector<Value>*>(p); });
    const size_t rows = kept->size() * sizeof(Value) / (columns * sizeof(Out));
    return {reinterpret_cast<Out*>(kept->data()), {rows, columns}, owner};
}

nb::object find(const Grey& grey, int count, float contrast, float blur, float edge, const std::string& isa) {
    Isa use = best_isa();
    if (!isa.empty() && (!parse_isa(isa.c_str(), &use) || use > best_isa())) {
        throw std::invalid_argument("this machine has no instruction set named " + isa);
    }
    std::vector<features::Feature> found;
    std::vector<uint8_t> descriptors;
    {
        nb::gil_scoped_release unlocked;
        const features::Picture picture = {grey.data(), static_cast<int>(grey.shape(1)),
                                           static_cast<int>(grey.shape(0)),
                                           static_cast<int64_t>(grey.shape(1))};
        features::find_features(picture, {count, contrast, blur, edge}, use, &found, &descriptors);
    }
    return nb::make_tuple(owned<features::Feature, float>(std::move(found), 4),
                          owned<uint8_t, uint8_t>(std::move(descriptors), 128));
}

}  // namespace

void bind_sift(nb::module_& m) {
    m.def("sift", &find, nb::arg("grey"), nb::arg("count"), nb::arg("contrast"), nb::arg("blur") = 0.5f, nb::arg("edge") = 10.0f,
          nb::arg("isa") = "",
          "The strongest SIFT features of a grey picture: x, y, scale in pixels from its corner and angle in "
          "radians, [N, 4] float32, and RootSIFT bytes, [N, 128]. Releases the GIL.");
}
