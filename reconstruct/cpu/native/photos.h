// Photos as planes of bytes, kept for the next time the same photo comes by.
//
// Nothing else of a photo is worth keeping: of the seven blurs that SSIM takes, one depends on the photo
// alone, and reading it back from memory costs as much as computing it.
#pragma once

#include <cstdint>
#include <list>
#include <unordered_map>

#include "../../../setpiece/native/crew.h"
#include "buffer.h"
#include "frame.h"

namespace setpiece::cpu {

class Photos {
public:
    explicit Photos(size_t most_bytes) : most_bytes_(most_bytes) {}

    // The photo `key` in planes of `stride` bytes a row, made from `image` [height][width][3] and `mask`
    // [height][width] (or null) unless it is there already at this size. Key 0 is never kept.
    const PhotoView& get(Crew& crew, int64_t key, int width, int height, int64_t stride, const uint8_t* image,
                         const uint8_t* mask);

private:
    struct Photo {
        int64_t key;
        int width, height;
        bool masked;
        size_t bytes;
        Buffer<uint8_t> planes, mask;
        PhotoView view;
    };

    size_t most_bytes_, bytes_ = 0;
    std::list<Photo> photos_;  // the last used first
    std::unordered_map<int64_t, std::list<Photo>::iterator> by_key_;
};

}  // namespace setpiece::cpu
