// Features for Python.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "bindings.h"
#include "features.h"

namespace nb = nanobind;
using namespace setpiece;

namespace {

using Grey = nb::ndarray<const uint8_t, nb::shape<-1, -1>, nb::c_contig, nb::device::cpu>;
using Rgb = nb::ndarray<const uint8_t, nb::shape<-1, -1, 3>, nb::c_contig, nb::device::cpu>;

template <class Value, class Out>
nb::ndarray<nb::numpy, Out, nb::ndim<2>> owned(std::vector<Value>&& values, size_t columns) {
    auto* kept = new std::vector<Value>(std::move(values));
    nb::capsule owner(kept, [](void* p) noexcept { delete static_cast<std::vector<Value>*>(p); });
    const size_t rows = kept->size() * sizeof(Value) / (columns * sizeof(Out));
    return {reinterpret_cast<Out*>(kept->data()), {rows, columns}, owner};
}

Isa chosen(const std::string& isa) {
    Isa use = best_isa();
    if (!isa.empty() && (!parse_isa(isa.c_str(), &use) || use > best_isa())) {
        throw std::invalid_argument("this machine has no instruction set named " + isa);
    }
    return use;
}

features::Picture picture_of(const Grey& grey) {
    return {grey.data(), static_cast<int>(grey.shape(1)), static_cast<int>(grey.shape(0)),
            static_cast<int64_t>(grey.shape(1))};
}

void check_size(const Grey& grey, int width, int height) {
    if (width < 1 || height < 1 || grey.shape(0) < 1 || grey.shape(1) < 1) {
        throw std::invalid_argument("a picture needs at least one pixel");
    }
}

nb::object find(const Grey& grey, int width, int height, int count, float contrast, float blur, float edge,
                const std::string& isa, const std::optional<Grey>& mask) {
    const Isa use = chosen(isa);
    check_size(grey, width, height);
    if (mask) check_size(*mask, width, height);
    const features::Picture kept = mask ? picture_of(*mask) : features::Picture{};
    std::vector<features::Feature> found;
    std::vector<uint8_t> descriptors;
    {
        nb::gil_scoped_release unlocked;
        features::find_features(picture_of(grey), mask ? &kept : nullptr,
                                {width, height, count, contrast, blur, edge}, use, &found, &descriptors);
    }
    return nb::make_tuple(owned<features::Feature, float>(std::move(found), 4),
                          owned<uint8_t, uint8_t>(std::move(descriptors), 128));
}

nb::object resized(const Grey& grey, int width, int height, const std::string& isa) {
    const Isa use = chosen(isa);
    check_size(grey, width, height);
    std::vector<uint8_t> result(static_cast<size_t>(width) * static_cast<size_t>(height));
    {
        nb::gil_scoped_release unlocked;
        features::resize(picture_of(grey), 1, width, height, use, result.data());
    }
    return nb::cast(owned<uint8_t, uint8_t>(std::move(result), static_cast<size_t>(width)));
}

nb::object resized_rgb(const Rgb& rgb, int width, int height) {
    if (width < 1 || height < 1 || rgb.shape(0) < 1 || rgb.shape(1) < 1) {
        throw std::invalid_argument("a picture needs at least one pixel");
    }
    auto* result = new std::vector<uint8_t>(static_cast<size_t>(width) * static_cast<size_t>(height) * 3);
    nb::capsule owner(result, [](void* p) noexcept { delete static_cast<std::vector<uint8_t>*>(p); });
    {
        nb::gil_scoped_release unlocked;
        const int columns = static_cast<int>(rgb.shape(1)), rows = static_cast<int>(rgb.shape(0));
        const features::Picture picture = {rgb.data(), columns, rows, int64_t{3} * columns};
        features::resize(picture, 3, width, height, best_isa(), result->data());
    }
    const size_t shape[] = {static_cast<size_t>(height), static_cast<size_t>(width), 3};
    return nb::cast(nb::ndarray<nb::numpy, uint8_t, nb::ndim<3>>(result->data(), 3, shape, owner));
}

double sharpness(const Grey& grey) {
    check_size(grey, 1, 1);
    nb::gil_scoped_release unlocked;
    return features::sharpness(picture_of(grey));
}

}  // namespace

void bind_sift(nb::module_& m) {
    m.def("sift", &find, nb::arg("grey"), nb::arg("width"), nb::arg("height"), nb::arg("count"),
          nb::arg("contrast"), nb::arg("blur") = 0.5f, nb::arg("edge") = 10.0f, nb::arg("isa") = "",
          nb::arg("mask") = nb::none(),
          "The strongest SIFT features of a grey picture brought to width and height: x, y, scale in pixels "
          "from its corner and angle in radians, [N, 4] float32, and RootSIFT bytes, [N, 128]. None lies on the "
          "zeros of the mask, which may be of any size. Releases the GIL.");
    m.def("resize", &resized, nb::arg("grey"), nb::arg("width"), nb::arg("height"), nb::arg("isa") = "",
          "A grey picture at another size: means of areas where smaller, linear where larger. Releases the GIL.");
    m.def("resize_rgb", &resized_rgb, nb::arg("rgb"), nb::arg("width"), nb::arg("height"),
          "The same for a picture of three channels, [H, W, 3].");
    m.def("sharpness", &sharpness, nb::arg("grey"), "See setpiece.capture.sharpness. Releases the GIL.");
}
