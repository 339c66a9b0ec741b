// The features of a picture.
#pragma once

#include <cstdint>
#include <vector>

#include "../../setpiece/native/isa.h"

namespace setpiece::features {

struct Picture {
    const uint8_t* grey;  // [height][stride]
    int width, height;
    int64_t stride;  // bytes from row to row
};

struct Settings {
    int width, height;  // pixels that the picture is searched at
    int count;       // strongest features kept
    float contrast;  // least contrast of a feature, of 1, summed over the scales of an octave
    float blur;      // deviation in pixels that the picture, as it is searched, is taken to have; Lowe, section 3.3: 0.5
    float edge;      // largest ratio of the principal curvatures; Lowe, section 4.1
};

struct Feature {
    float x, y;   // pixels from the corner of the picture as it is searched
    float scale;  // blur in such pixels
    float angle;  // radians, from x towards y
};

// The strongest features of a picture, strongest first, and 128 bytes of description of each. Where there is a
// mask, of any size, none lies on its zeros.
void find_features(const Picture& picture, const Picture* mask, const Settings& settings, Isa isa,
                   std::vector<Feature>* features, std::vector<uint8_t>* descriptors);

// The picture, of so many bytes to a pixel, at another size, [height][width][channels].
void resize(const Picture& picture, int channels, int width, int height, Isa isa, uint8_t* out);

// How much of the differences between neighbours a box blur of 9 pixels takes away, 0 to 1, along rows and along
// columns, the lower of both (Crété et al. 2007); 0 for a picture of one colour.
double sharpness(const Picture& picture);

}  // namespace setpiece::features
