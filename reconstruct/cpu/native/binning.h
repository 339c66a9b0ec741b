// From the lists of pairs (Gaussian, tile) in the order of the Gaussians to one list per tile, nearest first.
#pragma once

#include <vector>

#include "../../../setpiece/native/crew.h"
#include "buffer.h"
#include "frame.h"

namespace setpiece::cpu {

// The pairs that one piece of the projection found.
class PairList {
public:
    PairList();
    PairList(const PairList&) = delete;
    PairList& operator=(const PairList&) = delete;

    Pairs pairs;

private:
    static void grow(Pairs* pairs, size_t tiles, size_t visible);
    Buffer<uint32_t> tiles_, visible_;
};

class Binning {
public:
    // Sorts what `pieces` lists hold. Gaussians of equal depth keep the order of their slots. Adds to each
    // Gaussian's pair_begin the pairs of the pieces before its own.
    void sort(Crew& crew, const View& view, const Projection& projection, PairList* const* lists, int pieces);

    const Tiles& tiles() const { return tiles_; }
    size_t visible() const { return visible_; }
    size_t pairs() const { return pairs_; }
    int64_t block_pairs() const;  // after drawing
    size_t chunks() const { return chunk_begin_[static_cast<size_t>(tile_count_)]; }

private:
    struct Key {
        uint32_t depth, slot;
    };

    void join(Crew& crew, const Projection& projection, PairList* const* lists, int pieces);
    void sort_by_depth(Crew& crew);
    void scatter(Crew& crew, const Projection& projection);

    Tiles tiles_{};
    size_t visible_ = 0, pairs_ = 0;
    int64_t tile_count_ = 0;
    uint32_t nearest_ = 0, furthest_ = 0;
    std::vector<size_t> visible_begin_, pair_begin_;  // of the pieces
    std::vector<uint32_t> nearest_of_, furthest_of_;
    Buffer<Key> keys_, other_;
    Buffer<uint32_t> tile_of_pair_, begin_, chunk_begin_, counts_;
    Buffer<Entry> entries_;
    Buffer<uint16_t> reached_;
    Buffer<float> transmittance_;
};

}  // namespace setpiece::cpu
