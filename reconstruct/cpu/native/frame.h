// What the parts of one iteration pass to each other: plain structures of numbers and pointers.
//
// Nothing here has a function that the linker could share between instruction sets.
#pragma once

#include <cstddef>
#include <cstdint>

namespace setpiece::cpu {

constexpr int kLanes = 16;            // Gaussians per block of parameters, pixels per 4x4 block
constexpr int kTile = 16;             // pixels along the side of a tile
constexpr int kChunk = 64;            // splats of a tile that are worked on together
constexpr int kRecord = 16;           // floats per projected Gaussian
constexpr int kMoments = 12;          // sums that the backward pass forms per Gaussian and tile
constexpr int kGradient = 16;         // floats reserved for them, one cache line
constexpr float kBlurPx2 = 0.3f;      // added to the 2D covariance (Kerbl et al. 2023, reference code)
constexpr float kFieldMargin = 0.3f;  // of half the field of view, beyond each edge, for the Jacobian
constexpr float kNear = 0.01f;
constexpr float kAlphaMax = 0.999f;
constexpr float kAlphaMin = 1.0f / 255.0f;
constexpr float kTransmittanceMin = 1e-4f;
constexpr float kBrightest = 1e4f;  // where white is 1: beyond it a colour is nonsense and is not drawn

// Rows of a block of parameters: row r of block b is 16 floats at ((b * rows) + r) * 16.
enum Row { kMean = 0, kLogScale = 3, kQuat = 6, kOpacity = 10, kSh = 11 };

// Fields of a record. With k = log2(e) / 2 and dx, dy from the mean,
// log2(alpha) = log2_opacity - (l11 dx + l12 dy)^2 - (l22 dy)^2.
enum Field {
    kX = 0,
    kY,
    kL11,
    kL12,
    kL22,
    kLog2Opacity,
    kRed,
    kGreen,
    kBlue,
    kDepth,
    kNormal,       // three fields, filled for rendering only
    kSlopeY = 13,  // d(best dy)/d(dx): along this line the ellipse is nearest for a given dx
    kSlopeX,       // d(best dx)/d(dy)
    kReach         // where (l11 dx + l12 dy)^2 + (l22 dy)^2 makes alpha 1/255
};

// Moments over the pixels of a tile of d = dL/d(ln alpha) and of the blending weight w; dx, dy from the mean.
enum Moment {
    kD = 0,
    kDx,
    kDy,
    kDxx,
    kDxy,
    kDyy,
    kWeightRed,
    kWeightGreen,
    kWeightBlue,
    kWeightError,
    kWeightKept,
    kWeightAll
};

struct View {
    int width, height, tiles_x, tiles_y;
    int64_t stride;  // floats per row of a plane: the width rounded up to whole tiles
    int64_t plane;   // floats per plane
    float fx, fy, cx, cy;
    float rotation[9];     // cam_from_world, row by row
    float translation[3];  // camera frame
    float centre[3];       // of the camera, world frame
    float background[3];
    int sh_degree;  // terms above it are not evaluated
    bool antialias;
    bool normals;
};

struct Scene {
    float* values;  // [blocks][rows][16]
    float* first;   // Adam's first moments, same layout
    float* second;  // Adam's second moments, same layout
    int64_t count, blocks;
    int rows;
};

// What projection leaves for each Gaussian.
struct Projection {
    float* records;        // [blocks * 16][kRecord], valid where tile_count > 0
    uint32_t* tile_count;  // [blocks * 16] tiles that the Gaussian reaches
    uint32_t* pair_begin;  // [blocks * 16] where its pairs begin
};

// A list of the tiles reached by the Gaussians of one thread's share, and who they are.
struct Pairs {
    uint32_t* tiles;
    size_t tile_size, tile_capacity;
    uint32_t* visible;  // slots of the Gaussians
    size_t visible_size, visible_capacity;
    void* owner;
    void (*reserve)(Pairs*, size_t tiles, size_t visible);  // makes room for that many more
};

struct Entry {
    uint32_t slot, pair;
};

struct Tiles {
    const uint32_t* begin;        // [tiles + 1] into entries
    const uint32_t* chunk_begin;  // [tiles + 1] into chunks
    const Entry* entries;         // by tile, then by depth
    uint16_t (*reached)[16];      // [chunks][kChunk / 16][16]: by 4x4 block, which of 16 splats it evaluates
    float* transmittance;         // [chunks][256] at the start of each chunk, block by block
};

struct Planes {
    float* colour;    // [3] planes, background included
    float* alpha;     // plane, or null
    float* depth;     // plane, or null
    float* normals;   // [3] planes, or null
    float* gradient;  // [3] planes dL/d(colour)
    float* error;     // plane: mean absolute colour error of kept pixels
    float* kept;      // plane: 1 for pixels that count, 0 for masked ones and beyond the edge
};

struct PhotoView {
    const uint8_t* planes;  // [3][height][stride] of the photo, 0 where masked
    const uint8_t* mask;    // [height][stride] 255 or 0, or null
    int64_t stride, plane;
    int64_t kept;  // pixels not masked
};

struct LossInput {
    float exposure[12];
    float ssim_weight;
};

// Sums over one row of one strip: l1, ssim, then 12 of the exposure's gradient.
constexpr int kLossSums = 14;
constexpr int kStripWidth = 240;

struct Rates {
    float mean, log_scale, quat, opacity, sh0, sh_rest;
    float bias1, bias2;                    // 1 / (1 - beta^t)
    float opacity_penalty, scale_penalty;  // already divided by the number of visible Gaussians
};

struct Sums {  // [blocks * 16] each
    float *gradient, *error, *weight, *max_radius;
    int32_t* seen;
};

}  // namespace setpiece::cpu
