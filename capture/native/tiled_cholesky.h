// Cholesky factorisation of a sparse symmetric matrix in square tiles: tiles that stay zero are left out.
#pragma once

#include <cstdint>
#include <vector>

#include "bundle_kernels.h"
#include "../../setpiece/native/crew.h"

namespace setpiece::bundle {

// Lower triangle in tiles of kTile x kTile, each stored by columns. Rows beyond `size` hold the identity.
class TiledCholesky {
public:
    // `used` (rows x rows, lower triangle) says which tiles of the matrix are not zero; fill-in is added.
    TiledCholesky(int64_t size, const std::vector<char>& used);

    static int64_t tiles(int64_t size) { return (size + kTile - 1) / kTile; }

    void clear();
    double& at(int64_t row, int64_t column) {  // row >= column
        double* tile = values_.data() + int64_t{slot_[(row / kTile) * rows_ + column / kTile]} * kTile * kTile;
        return tile[(column % kTile) * kTile + row % kTile];
    }

    // Replaces the matrix by its factor; false where it is not positive definite.
    bool factorise(const Kernels& kernels, Crew& crew);

    // Replaces `x` [size] by the solution; after `factorise`.
    void solve(double* x) const;

private:
    double* tile(int64_t i, int64_t j) {
        const int32_t slot = slot_[i * rows_ + j];
        return slot < 0 ? nullptr : values_.data() + int64_t{slot} * kTile * kTile;
    }
    const double* tile(int64_t i, int64_t j) const { return const_cast<TiledCholesky*>(this)->tile(i, j); }

    int64_t size_, rows_;
    std::vector<int32_t> slot_;   // [rows][rows], -1 for a tile that stays zero
    std::vector<double> values_;  // [slots][kTile][kTile]
};

}  // namespace setpiece::bundle
