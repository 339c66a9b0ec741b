#include "tiled_cholesky.h"

#include <algorithm>

namespace setpiece::bundle {

TiledCholesky::TiledCholesky(int64_t size, const std::vector<char>& used)
    : size_(size), rows_(tiles(size)), slot_(static_cast<size_t>(rows_ * rows_), -1) {
    std::vector<char> full = used;
    for (int64_t i = 0; i < rows_; i++) full[i * rows_ + i] = 1;
    for (int64_t k = 0; k < rows_; k++) {
        for (int64_t j = k + 1; j < rows_; j++) {
            if (!full[j * rows_ + k]) continue;
            for (int64_t i = j; i < rows_; i++) full[i * rows_ + j] |= full[i * rows_ + k];
        }
    }
    int32_t count = 0;
    for (int64_t i = 0; i < rows_; i++) {
        for (int64_t j = 0; j <= i; j++) {
            if (full[i * rows_ + j]) slot_[i * rows_ + j] = count++;
        }
    }
    values_.resize(static_cast<size_t>(count) * kTile * kTile);
}

void TiledCholesky::clear() {
    std::fill(values_.begin(), values_.end(), 0.0);
    for (int64_t row = size_; row < rows_ * kTile; row++) at(row, row) = 1;
}

bool TiledCholesky::factorise(const Kernels& kernels, Crew& crew) {
    std::vector<int64_t> below;
    for (int64_t k = 0; k < rows_; k++) {
        const double* diagonal = tile(k, k);
        if (!kernels.factorise(tile(k, k))) return false;
        below.clear();
        for (int64_t i = k + 1; i < rows_; i++) {
            if (tile(i, k)) below.push_back(i);
        }
        const int64_t count = static_cast<int64_t>(below.size());
        crew.each(count, 2, [&](int64_t begin, int64_t end, int) {
            for (int64_t n = begin; n < end; n++) kernels.solve_tile(diagonal, tile(below[n], k));
        });
        crew.each(count * (count + 1) / 2, 2, [&](int64_t begin, int64_t end, int) {
            int64_t i = 0;
            while ((i + 1) * (i + 2) / 2 <= begin) i++;
            int64_t j = begin - i * (i + 1) / 2;
            for (int64_t n = begin; n < end; n++) {
                kernels.update_tile(tile(below[i], k), tile(below[j], k), tile(below[i], below[j]));
                if (++j > i) {
                    i++;
                    j = 0;
                }
            }
        });
    }
    return true;
}

void TiledCholesky::solve(double* x) const {
    std::vector<double> b(static_cast<size_t>(rows_ * kTile), 0.0);
    std::copy(x, x + size_, b.begin());
    for (int64_t j = 0; j < rows_; j++) {
        double* own = b.data() + j * kTile;
        const double* diagonal = tile(j, j);
        for (int c = 0; c < kTile; c++) {
            own[c] /= diagonal[kTile * c + c];
            for (int r = c + 1; r < kTile; r++) own[r] -= diagonal[kTile * c + r] * own[c];
        }
        for (int64_t i = j + 1; i < rows_; i++) {
            const double* t = tile(i, j);
            if (!t) continue;
            double* to = b.data() + i * kTile;
            for (int c = 0; c < kTile; c++) {
                for (int r = 0; r < kTile; r++) to[r] -= t[kTile * c + r] * own[c];
            }
        }
    }
    for (int64_t j = rows_ - 1; j >= 0; j--) {
        double* own = b.data() + j * kTile;
        for (int64_t i = j + 1; i < rows_; i++) {
            const double* t = tile(i, j);
            if (!t) continue;
            const double* from = b.data() + i * kTile;
            for (int c = 0; c < kTile; c++) {
                double sum = 0;
                for (int r = 0; r < kTile; r++) sum += t[kTile * c + r] * from[r];
                own[c] -= sum;
            }
        }
        const double* diagonal = tile(j, j);
        for (int c = kTile - 1; c >= 0; c--) {
            double sum = own[c];
            for (int r = c + 1; r < kTile; r++) sum -= diagonal[kTile * c + r] * own[r];
            own[c] = sum / diagonal[kTile * c + c];
        }
    }
    std::copy(b.begin(), b.begin() + size_, x);
}

}  // namespace setpiece::bundle
