#include "edges.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace setpiece::features {

namespace {

constexpr float tolerance = 0.92388f;  // cosine of 22.5 degrees, how far a gradient may point from its region's
constexpr float strict = 0.98079f;     // cosine of 11.25 degrees, for regions that are not straight
constexpr float weakest = 8.0f;       // grey levels per pixel; rounding alone turns one of 5.2 by more than 22.5 degrees
constexpr double thickest = 1.0;       // pixels; root mean square distance of a region's pixels from its axis
constexpr int buckets = 512;

// Gradients between each two by two pixels.
struct Slopes {
    int width, height;
    std::vector<float> x, y;   // of length one
    std::vector<float> size;   // grey levels per pixel; 0 where too weak
    std::vector<int> order;    // strong ones first
};

Slopes slopes_of(const Picture& picture) {
    Slopes s{picture.width - 1, picture.height - 1, {}, {}, {}, {}};
    const size_t count = static_cast<size_t>(s.width) * static_cast<size_t>(s.height);
    s.x.resize(count);
    s.y.resize(count);
    s.size.resize(count);
    for (int y = 0; y < s.height; ++y) {
        const uint8_t* upper = picture.grey + y * picture.stride;
        const uint8_t* lower = upper + picture.stride;
        float* px = s.x.data() + static_cast<int64_t>(y) * s.width;
        float* py = s.y.data() + static_cast<int64_t>(y) * s.width;
        float* size = s.size.data() + static_cast<int64_t>(y) * s.width;
        for (int x = 0; x < s.width; ++x) {
            const int falling = lower[x + 1] - upper[x], rising = upper[x + 1] - lower[x];
            const float gx = 0.5f * static_cast<float>(falling + rising);
            const float gy = 0.5f * static_cast<float>(falling - rising);
            const float length = std::sqrt(gx * gx + gy * gy);
            const float inverse = 1 / std::max(length, 1e-6f);
            px[x] = gx * inverse;
            py[x] = gy * inverse;
            size[x] = length > weakest ? length : 0;
        }
    }
    int starts[buckets + 1] = {};
    const auto bucket = [&](float size) { return std::max(0, buckets - 1 - static_cast<int>(size)); };
    for (const float size : s.size) {
        if (size > 0) ++starts[bucket(size) + 1];
    }
    for (int i = 0; i < buckets; ++i) starts[i + 1] += starts[i];
    s.order.resize(static_cast<size_t>(starts[buckets]));
    for (size_t i = 0; i < count; ++i) {
        if (s.size[i] > 0) s.order[static_cast<size_t>(starts[bucket(s.size[i])]++)] = static_cast<int>(i);
    }
    return s;
}

// The pixels joined to `seed` whose gradients point the way of the others; they are marked as used.
void grow(const Slopes& s, int seed, float least, std::vector<uint8_t>* used, std::vector<int>* region) {
    region->assign(1, seed);
    (*used)[static_cast<size_t>(seed)] = 1;
    float dx = s.x[static_cast<size_t>(seed)], dy = s.y[static_cast<size_t>(seed)];
    float needed = least;  // times the length of (dx, dy)
    for (size_t next = 0; next < region->size(); ++next) {
        const int x = (*region)[next] % s.width, y = (*region)[next] / s.width;
        const int left = std::max(x - 1, 0), right = std::min(x + 1, s.width - 1);
        for (int v = std::max(y - 1, 0); v <= std::min(y + 1, s.height - 1); ++v) {
            for (int u = left; u <= right; ++u) {
                const size_t at = static_cast<size_t>(v) * static_cast<size_t>(s.width) + static_cast<size_t>(u);
                if ((*used)[at] || s.x[at] * dx + s.y[at] * dy < needed) continue;
                (*used)[at] = 1;
                region->push_back(static_cast<int>(at));
                dx += s.x[at];
                dy += s.y[at];
                needed = least * std::sqrt(dx * dx + dy * dy);
            }
        }
    }
}

struct Fit {
    Edge middle;
    double length, thickness;
};

// The axis of least inertia of a region, weighted by gradient.
Fit axis_of(const Slopes& s, const std::vector<int>& region) {
    double total = 0, mx = 0, my = 0, xx = 0, xy = 0, yy = 0;
    for (const int i : region) {
        const double weight = s.size[static_cast<size_t>(i)];
        total += weight;
        mx += weight * (i % s.width);
        my += weight * (i / s.width);
    }
    mx /= total;
    my /= total;
    for (const int i : region) {
        const double weight = s.size[static_cast<size_t>(i)], x = i % s.width - mx, y = i / s.width - my;
        xx += weight * x * x;
        xy += weight * x * y;
        yy += weight * y * y;
    }
    const double angle = 0.5 * std::atan2(2 * xy, xx - yy), ax = std::cos(angle), ay = std::sin(angle);
    double low = 0, high = 0;
    for (const int i : region) {
        const double along = (i % s.width - mx) * ax + (i / s.width - my) * ay;
        low = std::min(low, along);
        high = std::max(high, along);
    }
    const auto place = [](double v) { return static_cast<float>(v + 1); };  // a slope lies between its pixels
    const double across = xx * ay * ay - 2 * xy * ax * ay + yy * ax * ax;
    return {{place(mx + low * ax), place(my + low * ay), place(mx + high * ax), place(my + high * ay)},
            high - low,
            std::sqrt(std::max(0.0, across / total))};
}

}  // namespace

void find_edges(const Picture& picture, float shortest, std::vector<Edge>* edges) {
    edges->clear();
    if (picture.width < 2 || picture.height < 2) return;
    const Slopes slopes = slopes_of(picture);
    std::vector<uint8_t> used(slopes.size.size());  // or too weak
    for (size_t i = 0; i < used.size(); ++i) used[i] = slopes.size[i] == 0;
    std::vector<int> region, narrow;
    for (const int seed : slopes.order) {
        if (used[static_cast<size_t>(seed)]) continue;
        grow(slopes, seed, tolerance, &used, &region);
        if (static_cast<float>(region.size()) < shortest) continue;
        Fit found = axis_of(slopes, region);
        if (found.length < shortest) continue;
        if (found.thickness > thickest) {
            for (const int i : region) used[static_cast<size_t>(i)] = 0;
            grow(slopes, seed, strict, &used, &narrow);
            found = axis_of(slopes, narrow);
            if (found.length < shortest || found.thickness > thickest) {
                for (const int i : region) used[static_cast<size_t>(i)] = 1;  // or each would be tried again
                continue;
            }
        }
        edges->push_back(found.middle);
    }
}

}  // namespace setpiece::features
