#include "binning.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

namespace setpiece::cpu {

PairList::PairList() : pairs{} {
    pairs.owner = this;
    pairs.reserve = grow;
}

void PairList::grow(Pairs* pairs, size_t tiles, size_t visible) {
    auto* self = static_cast<PairList*>(pairs->owner);
    if (pairs->tile_size + tiles > pairs->tile_capacity) {
        pairs->tile_capacity = std::max(pairs->tile_size + tiles, pairs->tile_capacity * 2 + 1024);
        self->tiles_.reserve(pairs->tile_capacity, pairs->tile_size);
        pairs->tiles = self->tiles_.data();
    }
    if (pairs->visible_size + visible > pairs->visible_capacity) {
        pairs->visible_capacity = std::max(pairs->visible_size + visible, pairs->visible_capacity * 2 + 1024);
        self->visible_.reserve(pairs->visible_capacity, pairs->visible_size);
        pairs->visible = self->visible_.data();
    }
}

void Binning::join(Crew& crew, const Projection& projection, PairList* const* lists, int pieces) {
    const auto count = static_cast<size_t>(pieces);
    std::vector<size_t>&visible_begin = visible_begin_, &pair_begin = pair_begin_;
    std::vector<uint32_t>&nearest = nearest_of_, &furthest = furthest_of_;
    visible_begin.assign(count + 1, 0);
    pair_begin.assign(count + 1, 0);
    nearest.assign(count, UINT32_MAX);
    furthest.assign(count, 0);
    for (int i = 0; i < pieces; i++) {
        const auto at = static_cast<size_t>(i);
        visible_begin[at + 1] = visible_begin[at] + lists[i]->pairs.visible_size;
        pair_begin[at + 1] = pair_begin[at] + lists[i]->pairs.tile_size;
    }
    visible_ = visible_begin.back();
    pairs_ = pair_begin.back();
    keys_.reserve(visible_);
    other_.reserve(visible_);
    tile_of_pair_.reserve(pairs_);
    crew.each(pieces, 1, [&](int64_t piece, int64_t, int) {
        const auto at = static_cast<size_t>(piece);
        const Pairs& list = lists[piece]->pairs;
        const auto shift = static_cast<uint32_t>(pair_begin[at]);
        uint32_t near_depth = UINT32_MAX, far_depth = 0;
        for (size_t i = 0; i < list.visible_size; i++) {
            const uint32_t slot = list.visible[i];
            projection.pair_begin[slot] += shift;
            uint32_t depth;  // positive floats sort like their bits
            std::memcpy(&depth, projection.records + static_cast<size_t>(slot) * kRecord + kDepth, 4);
            keys_[visible_begin[at] + i] = {depth, slot};
            near_depth = std::min(near_depth, depth);
            far_depth = std::max(far_depth, depth);
        }
        if (list.tile_size)
            std::memcpy(tile_of_pair_.data() + shift, list.tiles, list.tile_size * sizeof(uint32_t));
        nearest[at] = near_depth;
        furthest[at] = far_depth;
    });
    nearest_ = visible_ ? *std::min_element(nearest.begin(), nearest.end()) : 0;
    furthest_ = *std::max_element(furthest.begin(), furthest.end());
}

// A radix sort, stable, of as many digits as the spread of the depths needs.
void Binning::sort_by_depth(Crew& crew) {
    constexpr int kDigitBits = 11;
    int key_bits = 0;
    for (uint32_t spread = furthest_ - nearest_; spread; spread >>= 1) key_bits++;
    const int passes = (key_bits + kDigitBits - 1) / kDigitBits;
    if (passes == 0) return;
    const int digit_bits = (key_bits + passes - 1) / passes;
    const uint32_t buckets = 1u << digit_bits, mask = buckets - 1;
    const auto threads = static_cast<size_t>(crew.threads());
    counts_.reserve(threads * buckets);
    for (int pass = 0; pass < passes; pass++) {
        const int shift = pass * digit_bits;
        const Key* from = keys_.data();
        Key* to = other_.data();
        const auto digit = [&](const Key& key) { return ((key.depth - nearest_) >> shift) & mask; };
        crew.each(crew.threads(), 1, [&](int64_t part, int64_t, int) {
            const auto t = static_cast<size_t>(part);
            uint32_t* counts = counts_.data() + t * buckets;
            std::fill(counts, counts + buckets, 0u);
            for (size_t i = visible_ * t / threads; i < visible_ * (t + 1) / threads; i++)
                counts[digit(from[i])]++;
        });
        uint32_t total = 0;
        for (uint32_t bucket = 0; bucket < buckets; bucket++) {
            for (size_t t = 0; t < threads; t++) {
                uint32_t& count = counts_[t * buckets + bucket];
                const uint32_t here = count;
                count = total;
                total += here;
            }
        }
        crew.each(crew.threads(), 1, [&](int64_t part, int64_t, int) {
            const auto t = static_cast<size_t>(part);
            uint32_t* cursor = counts_.data() + t * buckets;
            for (size_t i = visible_ * t / threads; i < visible_ * (t + 1) / threads; i++)
                to[cursor[digit(from[i])]++] = from[i];
        });
        keys_.swap(other_);
    }
}

// A counting sort of the pairs by tile; walking the Gaussians by depth keeps each tile's list in that order.
void Binning::scatter(Crew& crew, const Projection& projection) {
    const auto threads = static_cast<size_t>(crew.threads());
    const auto tiles = static_cast<size_t>(tile_count_);
    counts_.reserve(threads * tiles);
    begin_.reserve(tiles + 1);
    chunk_begin_.reserve(tiles + 1);
    entries_.reserve(pairs_);
    crew.each(crew.threads(), 1, [&](int64_t part, int64_t, int) {
        const auto t = static_cast<size_t>(part);
        uint32_t* counts = counts_.data() + t * tiles;
        std::fill(counts, counts + tiles, 0u);
        for (size_t i = visible_ * t / threads; i < visible_ * (t + 1) / threads; i++) {
            const uint32_t slot = keys_[i].slot, first = projection.pair_begin[slot];
            for (uint32_t k = 0; k < projection.tile_count[slot]; k++) counts[tile_of_pair_[first + k]]++;
        }
    });
    uint32_t total = 0, chunks = 0;
    for (size_t tile = 0; tile < tiles; tile++) {
        begin_[tile] = total;
        chunk_begin_[tile] = chunks;
        for (size_t t = 0; t < threads; t++) {
            uint32_t& count = counts_[t * tiles + tile];
            const uint32_t here = count;
            count = total;
            total += here;
        }
        chunks += (total - begin_[tile] + kChunk - 1) / kChunk;
    }
    begin_[tiles] = total;
    chunk_begin_[tiles] = chunks;
    transmittance_.reserve(static_cast<size_t>(chunks) * 256);
    reached_.reserve(static_cast<size_t>(chunks) * kChunk);
    crew.each(crew.threads(), 1, [&](int64_t part, int64_t, int) {
        const auto t = static_cast<size_t>(part);
        uint32_t* cursor = counts_.data() + t * tiles;
        for (size_t i = visible_ * t / threads; i < visible_ * (t + 1) / threads; i++) {
            const uint32_t slot = keys_[i].slot, first = projection.pair_begin[slot];
            for (uint32_t k = 0; k < projection.tile_count[slot]; k++) {
                entries_[cursor[tile_of_pair_[first + k]]++] = {slot, first + k};
            }
        }
    });
    tiles_ = {begin_.data(), chunk_begin_.data(), entries_.data(),
              reinterpret_cast<uint16_t(*)[16]>(reached_.data()), transmittance_.data()};
}

int64_t Binning::block_pairs() const {
    int64_t total = 0;
    for (size_t i = 0; i < chunks() * kChunk; i++) {
        for (uint32_t rest = reached_[i]; rest; rest &= rest - 1) total++;
    }
    return total;
}

void Binning::sort(Crew& crew, const View& view, const Projection& projection, PairList* const* lists,
                   int pieces) {
    tile_count_ = static_cast<int64_t>(view.tiles_x) * view.tiles_y;
    join(crew, projection, lists, pieces);
    sort_by_depth(crew);
    scatter(crew, projection);
}

}  // namespace setpiece::cpu
