// Descriptor matching for Python.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include "bindings.h"
#include "match.h"

namespace nb = nanobind;
using namespace setpiece::matching;

namespace {

using Descriptors = nb::ndarray<const uint8_t, nb::shape<-1, length>, nb::c_contig, nb::device::cpu>;
using Matches = nb::ndarray<nb::numpy, uint32_t, nb::shape<-1, 2>>;

Kernel chosen(const std::string& name) {
    if (name.empty()) return best_kernel();
    for (const Kernel kernel : {Kernel::plain, Kernel::avx2, Kernel::vnni}) {
        if (name == kernel_name(kernel) && kernel <= best_kernel()) return kernel;
    }
    throw std::invalid_argument("this machine has no matching kernel named " + name);
}

Matches match(const Descriptors& first, const Descriptors& second, double ratio, const std::string& kernel) {
    const int rows = static_cast<int>(std::min<size_t>(first.shape(0), most));
    const int columns = static_cast<int>(std::min<size_t>(second.shape(0), most));
    const Kernel use = chosen(kernel);
    auto* found = new std::vector<uint32_t>();
    nb::capsule owner(found, [](void* p) noexcept { delete static_cast<std::vector<uint32_t>*>(p); });
    if (rows >= 2 && columns >= 2) {
        nb::gil_scoped_release unlocked;
        std::vector<uint32_t> best(rows), next(rows), back(columns);
        search({first.data(), second.data(), rows, columns, best.data(), next.data(), back.data()}, use);
        constexpr double full = 512.0 * 512.0;  // similarity of a descriptor with itself, up to rounding
        for (int i = 0; i < rows; ++i) {
            const uint32_t j = most - (best[i] & place_mask);
            if (most - (back[j] & place_mask) != static_cast<uint32_t>(i)) continue;
            const double near = std::max(0.0, full - (best[i] >> 13));
            const double far = std::max(0.0, full - (next[i] >> 13));
            if (near < ratio * ratio * far) {
                found->push_back(static_cast<uint32_t>(i));
                found->push_back(j);
            }
        }
    }
    return Matches(found->data(), {found->size() / 2, 2}, owner);
}

}  // namespace

void bind_matching(nb::module_& m) {
    m.def("match", &match, nb::arg("first"), nb::arg("second"), nb::arg("ratio"), nb::arg("kernel") = "",
          "Mutual nearest neighbours that pass the ratio test, [K, 2] uint32. Releases the GIL.");
    m.def("matching_kernel", [] { return std::string(kernel_name(best_kernel())); }, "The kernel in use.");
}
