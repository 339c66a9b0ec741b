#include "resample.h"

#include <algorithm>
#include <cmath>

namespace setpiece::features {

AxisTable::AxisTable(int source, int count) : count_(count), source_(source), taps_(1) {
    const double ratio = double(source) / count;
    padded_ = (count + 15) / 16 * 16;
    if (ratio > 1) taps_ = std::min(source, static_cast<int>(std::ceil(ratio)) + 1);
    if (ratio < 1) taps_ = std::min(source, 2);
    first_.assign(padded_, 0.0f);
    weights_.assign(static_cast<size_t>(taps_) * padded_, 0.0f);
    for (int i = 0; i < count; ++i) {
        double from = i * ratio, to = from + ratio;
        if (ratio < 1) {  // a pixel as wide as the source's, about the same middle, has the linear weights
            from = std::clamp((i + 0.5) * ratio - 0.5, 0.0, source - 1.0);
            to = from + 1;
        }
        const int start = std::min(static_cast<int>(from), source - taps_);
        first_[i] = static_cast<float>(start);
        for (int k = 0; k < taps_; ++k) {
            const double share = std::min(to, start + k + 1.0) - std::max(from, double(start + k));
            weights_[static_cast<size_t>(k) * padded_ + i] = static_cast<float>(std::max(0.0, share) / (to - from));
        }
    }
}

Axis AxisTable::get() const { return {count_, source_, taps_, padded_, first_.data(), weights_.data()}; }

}  // namespace setpiece::features
