// The parameters of all Gaussians with their Adam moments and statistics, sixteen to a block.
//
// Callers number Gaussians by row; here each lives in a slot. Slots follow a Morton curve through space, so
// that the Gaussians of a block are seen together, or not, and neighbours in a tile share cache lines.
#pragma once

#include <cstdint>
#include <vector>

#include "../../../setpiece/native/crew.h"
#include "buffer.h"
#include "frame.h"

namespace setpiece::cpu {

struct EditInput {
    int64_t count;
    const int64_t* parents;
    const float* offsets;           // [count][3] standard deviations along the parent's axes
    const float* log_scale_change;  // [count]
    const float* opacity_logits;    // [count]
    const bool* fresh;              // [count]
};

class Population {
public:
    // Takes over `count` Gaussians with `columns` values each (order of frame.h's Row), with zero moments and
    // sums. The slots follow `order` (row of each slot) if given.
    void load(Crew& crew, int64_t count, int columns, const float* values, const uint32_t* order);
    void load_moments(Crew& crew, const float* first, const float* second);
    void load_sums(const float* sums, const int32_t* seen);  // [4][count] gradient, error, weight, max_radius

    void edit(Crew& crew, const EditInput& edit);

    // Copies to the caller's order.
    void get(Crew& crew, const float* from, int column, int columns, float* out) const;
    void get_sum(const float* from, float* out) const;
    void get_seen(int32_t* out) const;

    int64_t count() const { return count_; }
    int columns() const { return columns_; }
    const uint32_t* order() const { return row_of_slot_.data(); }
    Scene scene() { return {values_.data(), first_.data(), second_.data(), count_, blocks_, columns_}; }
    Sums sums();

private:
    void resize(int64_t count, int columns);
    void arrange(const std::vector<float>& means);
    void put(Crew& crew, const float* values, Buffer<float>* to);

    int64_t count_ = 0, blocks_ = 0;
    int columns_ = kSh + 3;
    Buffer<float> values_, first_, second_, sums_;
    Buffer<int32_t> seen_;
    Buffer<uint32_t> row_of_slot_, slot_of_row_;
};

}  // namespace setpiece::cpu
