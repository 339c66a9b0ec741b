#include "population.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace setpiece::cpu {

namespace {

uint64_t spread_bits(uint64_t x) {  // 21 bits, two zeros between each
    x &= 0x1fffff;
    x = (x | x << 32) & 0x1f00000000ffffu;
    x = (x | x << 16) & 0x1f0000ff0000ffu;
    x = (x | x << 8) & 0x100f00f00f00f00fu;
    x = (x | x << 4) & 0x10c30c30c30c30c3u;
    return (x | x << 2) & 0x1249249249249249u;
}

// Rows along a Morton curve (Morton 1966) through the box of the finite means; others come first.
std::vector<uint32_t> morton_order(const std::vector<float>& means) {
    const size_t count = means.size() / 3;
    float low[3] = {INFINITY, INFINITY, INFINITY}, high[3] = {-INFINITY, -INFINITY, -INFINITY};
    for (size_t i = 0; i < means.size(); i++) {
        if (!std::isfinite(means[i])) continue;
        low[i % 3] = std::min(low[i % 3], means[i]);
        high[i % 3] = std::max(high[i % 3], means[i]);
    }
    std::vector<std::pair<uint64_t, uint32_t>> keys(count);
    for (size_t row = 0; row < count; row++) {
        uint64_t code = 0;
        for (size_t axis = 0; axis < 3; axis++) {
            const double extent = static_cast<double>(high[axis]) - static_cast<double>(low[axis]);
            const double at =
                (static_cast<double>(means[3 * row + axis]) - static_cast<double>(low[axis])) / extent;
            const double cell = at >= 0 && at <= 1 ? at * 2097151.0 : 0.0;  // false for NaN
            code |= spread_bits(static_cast<uint64_t>(cell)) << axis;
        }
        keys[row] = {code, static_cast<uint32_t>(row)};
    }
    std::sort(keys.begin(), keys.end());
    std::vector<uint32_t> order(count);
    for (size_t slot = 0; slot < count; slot++) order[slot] = keys[slot].second;
    return order;
}

// world_from_local of a quaternion wxyz of any length, row by row
void rotation_of(const float* q, float* r) {
    const float norm = std::sqrt(q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + q[3] * q[3]);
    const float w = q[0] / norm, x = q[1] / norm, y = q[2] / norm, z = q[3] / norm;
    const float matrix[9] = {1 - 2 * (y * y + z * z), 2 * (x * y - w * z),     2 * (x * z + w * y),
                             2 * (x * y + w * z),     1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
                             2 * (x * z - w * y),     2 * (y * z + w * x),     1 - 2 * (x * x + y * y)};
    std::copy(matrix, matrix + 9, r);
}

}  // namespace

void Population::resize(int64_t count, int columns) {
    count_ = count;
    columns_ = columns;
    blocks_ = (count + kLanes - 1) / kLanes;
    const auto slots = static_cast<size_t>(blocks_ * kLanes);
    row_of_slot_.reserve(slots);
    slot_of_row_.reserve(static_cast<size_t>(count));
    sums_.reserve(slots * 4);
    seen_.reserve(slots);
    std::fill(sums_.data(), sums_.data() + slots * 4, 0.0f);
    std::fill(seen_.data(), seen_.data() + slots, 0);
}

void Population::arrange(const std::vector<float>& means) {
    const std::vector<uint32_t> order = morton_order(means);
    std::copy(order.begin(), order.end(), row_of_slot_.data());
    std::fill(row_of_slot_.data() + count_, row_of_slot_.data() + blocks_ * kLanes, 0u);
    for (size_t slot = 0; slot < order.size(); slot++)
        slot_of_row_[order[slot]] = static_cast<uint32_t>(slot);
}

void Population::put(Crew& crew, const float* values, Buffer<float>* to) {
    to->reserve(static_cast<size_t>(blocks_ * columns_ * kLanes));
    crew.each(blocks_, 64, [&](int64_t begin, int64_t end, int) {
        for (int64_t slot = begin * kLanes; slot < end * kLanes; slot++) {
            float* out = to->data() + slot / kLanes * columns_ * kLanes + slot % kLanes;
            const float* row =
                values + static_cast<int64_t>(row_of_slot_[static_cast<size_t>(slot)]) * columns_;
            for (int c = 0; c < columns_; c++) out[c * kLanes] = slot < count_ ? row[c] : 0.0f;
        }
    });
}

void Population::load(Crew& crew, int64_t count, int columns, const float* values, const uint32_t* order) {
    resize(count, columns);
    std::vector<float> means(static_cast<size_t>(count) * 3);
    for (size_t row = 0; row < static_cast<size_t>(count); row++) {
        for (size_t axis = 0; axis < 3; axis++)
            means[3 * row + axis] = values[row * static_cast<size_t>(columns) + axis];
    }
    if (order) {
        std::fill(row_of_slot_.data(), row_of_slot_.data() + blocks_ * kLanes, 0u);
        for (size_t slot = 0; slot < static_cast<size_t>(count); slot++) {
            row_of_slot_[slot] = order[slot];
            slot_of_row_[order[slot]] = static_cast<uint32_t>(slot);
        }
    } else {
        arrange(means);
    }
    put(crew, values, &values_);
    const auto floats = static_cast<size_t>(blocks_ * columns_ * kLanes);
    for (Buffer<float>* moments : {&first_, &second_}) {
        moments->reserve(floats);
        std::fill(moments->data(), moments->data() + floats, 0.0f);
    }
}

void Population::load_moments(Crew& crew, const float* first, const float* second) {
    put(crew, first, &first_);
    put(crew, second, &second_);
}

void Population::load_sums(const float* sums, const int32_t* seen) {
    for (int64_t slot = 0; slot < count_; slot++) {
        const int64_t row = row_of_slot_[static_cast<size_t>(slot)];
        for (int64_t k = 0; k < 4; k++) {
            sums_[static_cast<size_t>(k * blocks_ * kLanes + slot)] = sums[k * count_ + row];
        }
        seen_[static_cast<size_t>(slot)] = seen[row];
    }
}

Sums Population::sums() {
    const int64_t slots = blocks_ * kLanes;
    float* s = sums_.data();
    return {s, s + slots, s + 2 * slots, s + 3 * slots, seen_.data()};
}

void Population::get(Crew& crew, const float* from, int column, int columns, float* out) const {
    crew.each(blocks_, 64, [&](int64_t begin, int64_t end, int) {
        for (int64_t slot = begin * kLanes; slot < end * kLanes && slot < count_; slot++) {
            const float* values = from + (slot / kLanes * columns_ + column) * kLanes + slot % kLanes;
            float* row = out + static_cast<int64_t>(row_of_slot_[static_cast<size_t>(slot)]) * columns;
            for (int c = 0; c < columns; c++) row[c] = values[c * kLanes];
        }
    });
}

void Population::get_sum(const float* from, float* out) const {
    for (size_t slot = 0; slot < static_cast<size_t>(count_); slot++) out[row_of_slot_[slot]] = from[slot];
}

void Population::get_seen(int32_t* out) const {
    for (size_t slot = 0; slot < static_cast<size_t>(count_); slot++) out[row_of_slot_[slot]] = seen_[slot];
}

void Population::edit(Crew& crew, const EditInput& edit) {
    const auto fresh_count = static_cast<size_t>(edit.count);
    std::vector<uint32_t> parent_slot(fresh_count);
    std::vector<float> means(fresh_count * 3);
    const int columns = columns_;
    const auto old_value = [&](size_t slot, int column) {
        return values_[(slot / kLanes * static_cast<size_t>(columns) + static_cast<size_t>(column)) * kLanes +
                       slot % kLanes];
    };
    for (size_t i = 0; i < fresh_count; i++)
        parent_slot[i] = slot_of_row_[static_cast<size_t>(edit.parents[i])];
    crew.each(edit.count, 1024, [&](int64_t begin, int64_t end, int) {
        for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); i++) {
            const size_t slot = parent_slot[i];
            float q[4], r[9], local[3];
            for (int k = 0; k < 4; k++) q[k] = old_value(slot, kQuat + k);
            rotation_of(q, r);
            bool moves = false;
            for (size_t k = 0; k < 3; k++) {
                const float offset = edit.offsets[3 * i + k];
                moves = moves || offset != 0.0f;
                local[k] = offset * std::exp(old_value(slot, kLogScale + static_cast<int>(k)));
            }
            for (size_t k = 0; k < 3; k++) {
                const float move = r[3 * k] * local[0] + r[3 * k + 1] * local[1] + r[3 * k + 2] * local[2];
                means[3 * i + k] = old_value(slot, kMean + static_cast<int>(k)) + (moves ? move : 0.0f);
            }
        }
    });
    resize(edit.count, columns);
    arrange(means);
    Buffer<float> values, first, second;
    const auto floats = static_cast<size_t>(blocks_ * columns * kLanes);
    for (Buffer<float>* buffer : {&values, &first, &second}) buffer->reserve(floats);
    crew.each(blocks_, 64, [&](int64_t begin, int64_t end, int) {
        for (int64_t slot = begin * kLanes; slot < end * kLanes; slot++) {
            const int64_t at = slot / kLanes * columns * kLanes + slot % kLanes;
            const bool exists = slot < count_;
            const size_t row = exists ? row_of_slot_[static_cast<size_t>(slot)] : 0;
            const size_t from = exists ? parent_slot[row] : 0;
            const bool inherits = exists && !edit.fresh[row];
            for (int c = 0; c < columns; c++) {
                const auto to = static_cast<size_t>(at + c * kLanes);
                const size_t source =
                    (from / kLanes * static_cast<size_t>(columns) + static_cast<size_t>(c)) * kLanes +
                    from % kLanes;
                float value = exists ? values_[source] : 0.0f;
                if (exists && c < kMean + 3) value = means[3 * row + static_cast<size_t>(c)];
                if (exists && c >= kLogScale && c < kLogScale + 3) value += edit.log_scale_change[row];
                if (exists && c == kOpacity) value = edit.opacity_logits[row];
                values[to] = value;
                first[to] = inherits ? first_[source] : 0.0f;
                second[to] = inherits ? second_[source] : 0.0f;
            }
        }
    });
    values_.swap(values);
    first_.swap(first);
    second_.swap(second);
}

}  // namespace setpiece::cpu
