// Compiled once per instruction set. Only this file and the headers below may use wide instructions, and none
// of them uses an std:: template: the linker would be free to share such code with the rest of the module.
#include "resample_row.h"
#include "sift.h"
#include "sift_describe.h"
#include "sift_octave.h"

namespace setpiece::features::ISA {

const Kernels& kernels() {
    static const Kernels table = {resample_row, search_octave, fetch_spot, orient_spot, describe_spot};
    return table;
}

}  // namespace setpiece::features::ISA
