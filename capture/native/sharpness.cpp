#include <algorithm>
#include <cstdlib>
#include <vector>

#include "features.h"

namespace setpiece::features {

namespace {

constexpr int half = 4;  // of the box, without its middle

struct Differences {
    int64_t before = 0, lost = 0;  // of neighbours, and by how much blurring lessens them, 9 times

    double share() const { return before ? static_cast<double>(lost) / (9.0 * static_cast<double>(before)) : 0; }
};

// Neighbours `a` and `b` and the pixels that the box leaves and enters between them.
void add(const uint8_t* a, const uint8_t* b, const uint8_t* leaving, const uint8_t* entering, int count,
         Differences* sum) {
    int before = 0, lost = 0;
    for (int i = 0; i < count; ++i) {
        const int d = std::abs(static_cast<int>(b[i]) - static_cast<int>(a[i]));
        const int blurred = std::abs(static_cast<int>(entering[i]) - static_cast<int>(leaving[i]));
        before += d;
        lost += std::max(9 * d - blurred, 0);
    }
    sum->before += before;
    sum->lost += lost;
}

int mirrored(int i, int count) {
    if (count == 1) return 0;
    while (i < 0 || i >= count) i = i < 0 ? -i : 2 * count - 2 - i;
    return i;
}

}  // namespace

double sharpness(const Picture& picture) {
    const int width = picture.width, height = picture.height;
    Differences across, down;
    std::vector<uint8_t> row(static_cast<size_t>(width) + 2 * half + 1);
    const auto row_of = [&](int y) { return picture.grey + mirrored(y, height) * picture.stride; };
    for (int y = 0; y < height; ++y) {
        for (int x = -half; x < width + half; ++x) row[static_cast<size_t>(x + half)] = row_of(y)[mirrored(x, width)];
        const uint8_t* first = row.data() + half;
        add(first, first + 1, first - half, first + half + 1, width - 1, &across);
        if (y + 1 < height) add(row_of(y), row_of(y + 1), row_of(y - half), row_of(y + half + 1), width, &down);
    }
    return std::min(across.share(), down.share());
}

}  // namespace setpiece::features
