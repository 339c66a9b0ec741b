// A camera with radial distortion, in plain arithmetic; bundle_kernels.h has the letters.
#pragma once

#include <cmath>

namespace setpiece {

// Where a world point is seen in pixels; false behind the camera. `jacobian` [2][3], by the point, if not null.
inline bool project(const double* pose, const double* lens, const double* point, double* xy, double* jacobian) {
    double p[3];
    for (int r = 0; r < 3; r++) {
        p[r] = pose[4 * r] * point[0] + pose[4 * r + 1] * point[1] + pose[4 * r + 2] * point[2] + pose[4 * r + 3];
    }
    if (!(p[2] > 1e-9)) return false;
    const double inverse = 1 / p[2], x = p[0] * inverse, y = p[1] * inverse, s = x * x + y * y;
    const double f = lens[0], d = 1 + s * (lens[3] + s * lens[4]);
    xy[0] = f * d * x + lens[1];
    xy[1] = f * d * y + lens[2];
    if (jacobian) {
        const double e = 2 * (lens[3] + 2 * lens[4] * s);
        const double by[2][2] = {{f * (d + e * x * x), f * e * x * y}, {f * e * x * y, f * (d + e * y * y)}};
        for (int side = 0; side < 2; side++) {
            const double j0 = by[side][0] * inverse, j1 = by[side][1] * inverse, j2 = -(j0 * x + j1 * y);
            for (int c = 0; c < 3; c++) jacobian[3 * side + c] = j0 * pose[c] + j1 * pose[4 + c] + j2 * pose[8 + c];
        }
    }
    return true;
}

// The unit ray in the world that a pixel shows. Newton's method on the radius; where the lens folds over, the
// nearest that it reaches.
inline void unproject(const double* pose, const double* lens, const double* xy, double* ray) {
    const double x = (xy[0] - lens[1]) / lens[0], y = (xy[1] - lens[2]) / lens[0];
    const double drawn = std::sqrt(x * x + y * y);
    double radius = drawn;
    for (int i = 0; i < 20; i++) {
        const double s = radius * radius;
        const double slope = 1 + s * (3 * lens[3] + 5 * s * lens[4]);
        if (!(slope > 1e-3)) break;
        const double step = (radius * (1 + s * (lens[3] + s * lens[4])) - drawn) / slope;
        radius -= step;
        if (std::abs(step) < 1e-12) break;
    }
    const double scale = drawn > 1e-12 ? radius / drawn : 1.0;
    const double p[3] = {x * scale, y * scale, 1};
    const double length = std::sqrt(p[0] * p[0] + p[1] * p[1] + 1);
    for (int c = 0; c < 3; c++) ray[c] = (p[0] * pose[c] + p[1] * pose[4 + c] + p[2] * pose[8 + c]) / length;
}

// The camera's place in the world.
inline void centre_of(const double* pose, double* centre) {
    for (int c = 0; c < 3; c++) {
        centre[c] = -(pose[c] * pose[3] + pose[4 + c] * pose[7] + pose[8 + c] * pose[11]);
    }
}

}  // namespace setpiece
