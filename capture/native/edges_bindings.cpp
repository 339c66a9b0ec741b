// Straight edges for Python.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <vector>

#include "bindings.h"
#include "edges.h"

namespace nb = nanobind;
using setpiece::features::Edge;

void bind_edges(nb::module_& m) {
    using Grey = nb::ndarray<const uint8_t, nb::shape<-1, -1>, nb::c_contig, nb::device::cpu>;
    m.def(
        "straight_edges",
        [](const Grey& grey, float shortest) {
            auto* found = new std::vector<Edge>();
            nb::capsule owner(found, [](void* p) noexcept { delete static_cast<std::vector<Edge>*>(p); });
            {
                nb::gil_scoped_release unlocked;
                setpiece::features::find_edges({grey.data(), static_cast<int>(grey.shape(1)),
                                                static_cast<int>(grey.shape(0)),
                                                static_cast<int64_t>(grey.shape(1))},
                                               shortest, found);
            }
            return nb::ndarray<nb::numpy, float, nb::shape<-1, 4>>(found->data(), {found->size(), 4}, owner);
        },
        nb::arg("grey"), nb::arg("shortest"),
        "The straight edges of a grey picture that are at least `shortest` pixels long, [E, 4] x, y, x, y of their "
        "ends in pixels from its corner. Releases the GIL.");
}
