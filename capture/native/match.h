// Matching of SIFT descriptors: for each descriptor of one picture the two most similar of another, and the
// other way round the most similar, in one pass over all pairs.
//
// Descriptors are 128 bytes; the similarity is their integer dot product, so every kernel gives the same
// numbers. A similarity and the place it was found at share one 32-bit word, `similarity << 13 | (8191 - place)`,
// so that the largest word is the most similar, and of equals the first.
#pragma once

#include <cstdint>

namespace setpiece::matching {

constexpr int length = 128;          // bytes of a descriptor
constexpr int most = 8191;           // descriptors of a picture; places have 13 bits
constexpr uint32_t place_mask = 8191;

struct Job {
    const uint8_t* first;   // [rows][128]
    const uint8_t* second;  // [columns][128]
    int rows, columns;      // each at most `most`
    uint32_t* best;         // [rows] most similar column, packed
    uint32_t* next;         // [rows] second most similar column, packed
    uint32_t* back;         // [columns] most similar row, packed
};

enum class Kernel { plain = 0, avx2 = 1, vnni = 2 };

// The fastest kernel that this machine can run.
Kernel best_kernel();
const char* kernel_name(Kernel kernel);

// Fills best, next and back. Every similarity must be below 2^19.
void search(const Job& job, Kernel kernel);

}  // namespace setpiece::matching
