// Which of the kernels built for several instruction sets this machine runs.
#include "../../setpiece/native/isa.h"
#include "two_view_kernels.h"

namespace setpiece::two_view {

namespace plain {
extern const Kernels kernels;
}
#if defined(SETPIECE_WIDE_KERNELS)
namespace avx2 {
extern const Kernels kernels;
}
namespace avx512 {
extern const Kernels kernels;
}
#endif

const Kernels* kernels_named(const char* name) {
    Isa isa = best_isa();
    if (*name) {
        Isa asked = isa;
        if (!parse_isa(name, &asked) || asked > isa) return nullptr;
        isa = asked;
    }
#if defined(SETPIECE_WIDE_KERNELS)
    if (isa == Isa::avx512) return &avx512::kernels;
    if (isa == Isa::avx2) return &avx2::kernels;
#endif
    return &plain::kernels;
}

}  // namespace setpiece::two_view
