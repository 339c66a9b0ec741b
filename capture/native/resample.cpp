#include "resample.h"

#include <algorithm>
#include <cmath>

namespace setpiece::features {

AxisTable::AxisTable(int source, int count, int channels)
    : count_(count * channels), source_(source * channels), taps_(1), channels_(channels) {
    const double ratio = double(source) / count;
    padded_ = (count_ + 15) / 16 * 16;
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
        for (int c = 0; c < channels; ++c) first_[i * channels + c] = static_cast<float>(start * channels + c);
        for (int k = 0; k < taps_; ++k) {
            const double share = std::min(to, start + k + 1.0) - std::max(from, double(start + k));
            float* weights = weights_.data() + static_cast<int64_t>(k) * padded_ + i * channels;
            for (int c = 0; c < channels; ++c) weights[c] = static_cast<float>(std::max(0.0, share) / (to - from));
        }
    }
}

Axis AxisTable::get() const { return {count_, source_, taps_, channels_, padded_, first_.data(), weights_.data()}; }

}  // namespace setpiece::features
