#include "photos.h"

#include <cstring>
#include <vector>

namespace setpiece::cpu {

namespace {

void split_row(const uint8_t* image, const uint8_t* mask, int width, int64_t plane, uint8_t* out,
               uint8_t* out_mask, int64_t stride, int64_t* kept) {
    int64_t count = 0;
    for (int x = 0; x < width; x++) {
        const bool counts = !mask || mask[x] != 0;
        for (int c = 0; c < 3; c++) out[c * plane + x] = counts ? image[3 * x + c] : uint8_t{0};
        if (out_mask) out_mask[x] = counts ? uint8_t{255} : uint8_t{0};
        count += counts;
    }
    for (int64_t x = width; x < stride; x++) {
        for (int c = 0; c < 3; c++) out[c * plane + x] = 0;
        if (out_mask) out_mask[x] = 0;
    }
    *kept = count;
}

}  // namespace

const PhotoView& Photos::get(Crew& crew, int64_t key, int width, int height, int64_t stride,
                             const uint8_t* image, const uint8_t* mask) {
    const int64_t plane = stride * height;
    const size_t bytes = static_cast<size_t>(plane) * (mask ? 4 : 3);
    const auto known = by_key_.find(key);
    if (known != by_key_.end()) {
        photos_.splice(photos_.begin(), photos_, known->second);
        const Photo& photo = photos_.front();
        const bool fits = photo.width == width && photo.height == height && photo.masked == (mask != nullptr);
        if (key != 0 && fits) return photo.view;
        bytes_ -= photo.bytes;
    } else {
        photos_.emplace_front();
        by_key_[key] = photos_.begin();
    }
    bytes_ += bytes;
    while (photos_.size() > 1 && bytes_ > most_bytes_) {
        bytes_ -= photos_.back().bytes;
        by_key_.erase(photos_.back().key);
        photos_.pop_back();
    }
    Photo& photo = photos_.front();  // its room is used again if it held another photo
    photo.key = key;
    photo.width = width;
    photo.height = height;
    photo.masked = mask != nullptr;
    photo.bytes = bytes;
    photo.planes.reserve(static_cast<size_t>(plane) * 3);
    if (mask) photo.mask.reserve(static_cast<size_t>(plane));
    std::vector<int64_t> kept(static_cast<size_t>(height));
    crew.each(height, 16, [&](int64_t begin, int64_t end, int) {
        for (int64_t y = begin; y < end; y++) {
            split_row(image + y * width * 3, mask ? mask + y * width : nullptr, width, plane,
                      photo.planes.data() + y * stride, mask ? photo.mask.data() + y * stride : nullptr,
                      stride, &kept[static_cast<size_t>(y)]);
        }
    });
    int64_t total = 0;
    for (const int64_t row : kept) total += row;
    photo.view = {photo.planes.data(), mask ? photo.mask.data() : nullptr, stride, plane, total};
    return photo.view;
}

}  // namespace setpiece::cpu
