// Vectors of three, poses as rows of [R t], and small symmetric systems.
#pragma once

#include <algorithm>
#include <cmath>

namespace setpiece {

inline double dot(const double* a, const double* b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }
inline double norm(const double* a) { return std::sqrt(dot(a, a)); }
inline void cross(const double* a, const double* b, double* out) {
    out[0] = a[1] * b[2] - a[2] * b[1];
    out[1] = a[2] * b[0] - a[0] * b[2];
    out[2] = a[0] * b[1] - a[1] * b[0];
}

inline void transform(const double* pose, const double* point, double* out) {
    for (int r = 0; r < 3; r++) out[r] = dot(pose + 4 * r, point) + pose[4 * r + 3];
}

// [R t] moved by exp(w) on the left of R and by v; step = [w v].
inline void move_pose(const double* pose, const double* step, double* out) {
    const double x = step[0], y = step[1], z = step[2];
    const double angle = std::sqrt(x * x + y * y + z * z);
    const double a = angle < 1e-8 ? 1.0 : std::sin(angle) / angle;
    const double b = angle < 1e-8 ? 0.5 : (1 - std::cos(angle)) / (angle * angle);
    const double turn[9] = {1 - b * (y * y + z * z), b * x * y - a * z,       b * x * z + a * y,
                            b * x * y + a * z,       1 - b * (x * x + z * z), b * y * z - a * x,
                            b * x * z - a * y,       b * y * z + a * x,       1 - b * (x * x + y * y)};
    for (int r = 0; r < 3; r++) {
        for (int c = 0; c < 3; c++) {
            out[4 * r + c] = turn[3 * r] * pose[c] + turn[3 * r + 1] * pose[4 + c] + turn[3 * r + 2] * pose[8 + c];
        }
        out[4 * r + 3] = pose[4 * r + 3] + step[3 + r];
    }
}

// Solves m x = b for a positive definite m [size][size] of which the lower triangle is given; x replaces b.
inline bool solve_symmetric(double* m, double* b, int size) {
    for (int c = 0; c < size; c++) {
        for (int k = 0; k < c; k++) {
            for (int r = c; r < size; r++) m[size * r + c] -= m[size * r + k] * m[size * c + k];
        }
        if (!(m[size * c + c] > 0)) return false;
        const double root = std::sqrt(m[size * c + c]);
        for (int r = c; r < size; r++) m[size * r + c] /= root;
    }
    for (int r = 0; r < size; r++) {
        for (int k = 0; k < r; k++) b[r] -= m[size * r + k] * b[k];
        b[r] /= m[size * r + r];
    }
    for (int r = size - 1; r >= 0; r--) {
        for (int k = r + 1; k < size; k++) b[r] -= m[size * k + r] * b[k];
        b[r] /= m[size * r + r];
    }
    return true;
}

// The eigenvector of the largest eigenvalue of a symmetric 4x4 matrix, by Jacobi's rotations.
inline void largest_eigenvector4(double* m, double* vector) {
    double v[16] = {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1};
    for (int sweep = 0; sweep < 12; sweep++) {
        for (int p = 0; p < 3; p++) {
            for (int q = p + 1; q < 4; q++) {
                if (std::abs(m[4 * p + q]) < 1e-300) continue;
                const double theta = (m[5 * q] - m[5 * p]) / (2 * m[4 * p + q]);
                const double t = (theta >= 0 ? 1 : -1) / (std::abs(theta) + std::sqrt(theta * theta + 1));
                const double c = 1 / std::sqrt(t * t + 1), s = t * c;
                for (int k = 0; k < 4; k++) {
                    const double a = m[4 * k + p], b = m[4 * k + q];
                    m[4 * k + p] = c * a - s * b;
                    m[4 * k + q] = s * a + c * b;
                }
                for (int k = 0; k < 4; k++) {
                    const double a = m[4 * p + k], b = m[4 * q + k];
                    m[4 * p + k] = c * a - s * b;
                    m[4 * q + k] = s * a + c * b;
                }
                for (int k = 0; k < 4; k++) {
                    const double a = v[4 * k + p], b = v[4 * k + q];
                    v[4 * k + p] = c * a - s * b;
                    v[4 * k + q] = s * a + c * b;
                }
            }
        }
    }
    int largest = 0;
    for (int k = 1; k < 4; k++) {
        if (m[5 * k] > m[5 * largest]) largest = k;
    }
    for (int k = 0; k < 4; k++) vector[k] = v[4 * k + largest];
}

// The rotation [9] of a unit quaternion wxyz.
inline void rotation_of(const double* q, double* r) {
    const double w = q[0], x = q[1], y = q[2], z = q[3];
    const double values[9] = {1 - 2 * (y * y + z * z), 2 * (x * y - w * z),     2 * (x * z + w * y),
                              2 * (x * y + w * z),     1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
                              2 * (x * z - w * y),     2 * (y * z + w * x),     1 - 2 * (x * x + y * y)};
    std::copy(values, values + 9, r);
}

}  // namespace setpiece
