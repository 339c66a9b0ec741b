// The Python module setpiece.capture._native.
#include "bindings.h"

NB_MODULE(_native, m) {
    m.doc() = "The loops of pose estimation.";
    bind_matching(m);
    bind_bundle(m);
    bind_triangulation(m);
    bind_edges(m);
    bind_sift(m);
    bind_two_view(m);
    bind_mapping(m);
}
