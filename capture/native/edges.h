// Straight edges of a picture: regions whose gradients point the same way, as thin rectangles (Grompone von Gioi et
// al. 2012, LSD: a line segment detector), without that method's test of how likely chance makes one: only long ones
// are asked for.
#pragma once

#include <vector>

#include "features.h"

namespace setpiece::features {

struct Edge {
    float x0, y0, x1, y1;  // pixels from the picture's corner
};

// The edges that are at least `shortest` pixels long, in the order of their strongest pixel.
void find_edges(const Picture& picture, float shortest, std::vector<Edge>* edges);

}  // namespace setpiece::features
