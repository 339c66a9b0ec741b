#include "fit.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace setpiece::two_view {

namespace {

// Two vectors that span the null space of seven rows, by elimination with the largest entry of each row as
// pivot. False where a row depends on those before.
bool null_space(double (*rows)[9], double* first, double* second) {
    int pivot[7];
    bool taken[9] = {};
    for (int r = 0; r < 7; ++r) {
        int best = 0;
        double largest = 0;
        for (int c = 0; c < 9; ++c) {
            if (std::abs(rows[r][c]) > largest) {
                largest = std::abs(rows[r][c]);
                best = c;
            }
        }
        if (largest < 1e-9) return false;
        pivot[r] = best;
        taken[best] = true;
        const double inverse = 1 / rows[r][best];
        for (int c = 0; c < 9; ++c) rows[r][c] *= inverse;
        rows[r][best] = 1;
        for (int other = 0; other < 7; ++other) {
            if (other == r) continue;
            const double times = rows[other][best];
            for (int c = 0; c < 9; ++c) rows[other][c] -= times * rows[r][c];
            rows[other][best] = 0;
        }
    }
    double* const basis[2] = {first, second};
    int found = 0;
    for (int c = 0; c < 9 && found < 2; ++c) {
        if (taken[c]) continue;
        double* vector = basis[found++];
        std::fill(vector, vector + 9, 0.0);
        vector[c] = 1;
        for (int r = 0; r < 7; ++r) vector[pivot[r]] = -rows[r][c];
    }
    return true;
}

double determinant(const double* a, const double* b, const double* c) {  // of rows
    return a[0] * (b[1] * c[2] - b[2] * c[1]) - a[1] * (b[0] * c[2] - b[2] * c[0]) +
           a[2] * (b[0] * c[1] - b[1] * c[0]);
}

// The real roots of a x^3 + b x^2 + c x + d; a is not zero.
int cubic_roots(double a, double b, double c, double d, double* roots) {
    b /= a;
    c /= a;
    d /= a;
    const double q = (b * b - 3 * c) / 9, r = (2 * b * b * b - 9 * b * c + 27 * d) / 54;
    int count;
    if (r * r < q * q * q) {
        constexpr double third_of_turn = 2.0943951023931953;
        const double angle = std::acos(std::clamp(r / std::sqrt(q * q * q), -1.0, 1.0)) / 3;
        for (int k = 0; k < 3; ++k) roots[k] = -2 * std::sqrt(q) * std::cos(angle + (k - 1) * third_of_turn) - b / 3;
        count = 3;
    } else {
        const double s = -std::copysign(std::cbrt(std::abs(r) + std::sqrt(r * r - q * q * q)), r);
        roots[0] = s + (s != 0 ? q / s : 0) - b / 3;
        count = 1;
    }
    for (int k = 0; k < count; ++k) {
        const double x = roots[k], slope = (3 * x + 2 * b) * x + c;
        if (slope != 0) roots[k] = x - (((x + b) * x + c) * x + d) / slope;
    }
    return count;
}

void cross(const double* a, const double* b, double* out) {
    out[0] = a[1] * b[2] - a[2] * b[1];
    out[1] = a[2] * b[0] - a[0] * b[2];
    out[2] = a[0] * b[1] - a[1] * b[0];
}

// A vector e with F e = 0, from the two rows of F that differ most.
void epipole(const double* f, double* e) {
    double longest = -1;
    for (int i = 0; i < 3; ++i) {
        double across[3];
        cross(f + 3 * i, f + 3 * ((i + 1) % 3), across);
        const double length = across[0] * across[0] + across[1] * across[1] + across[2] * across[2];
        if (length > longest) {
            longest = length;
            std::memcpy(e, across, sizeof across);
        }
    }
}

// Whether all seven matches lie on the same side: with rays x1 and x2 from the two centres, F x1 and e2 x x2
// are positive multiples of each other, or negative ones for all.
bool one_side(const double (*at)[4], const double* f) {
    const double transposed[9] = {f[0], f[3], f[6], f[1], f[4], f[7], f[2], f[5], f[8]};
    double e[3];
    epipole(transposed, e);
    int positive = 0;
    for (int i = 0; i < 7; ++i) {
        const double x1 = at[i][0], y1 = at[i][1], x2 = at[i][2], y2 = at[i][3];
        const double line = f[0] * x1 + f[1] * y1 + f[2], across = f[3] * x1 + f[4] * y1 + f[5];
        positive += line * (e[1] - e[2] * y2) + across * (e[2] * x2 - e[0]) > 0;
    }
    return positive == 0 || positive == 7;
}

void normalise(double* vector, int count) {
    double sum = 0;
    for (int i = 0; i < count; ++i) sum += vector[i] * vector[i];
    const double inverse = sum > 0 ? 1 / std::sqrt(sum) : 0;
    for (int i = 0; i < count; ++i) vector[i] *= inverse;
}

// Turns `vector` towards the eigenvector of the smallest eigenvalue of a symmetric matrix without negative ones,
// by inverse iteration.
template <int n>
void smallest_direction(const double (*matrix)[n], double* vector) {
    constexpr int steps = 4;
    double lower[n][n], diagonal[n];
    double trace = 0;
    for (int i = 0; i < n; ++i) trace += matrix[i][i];
    const double floor = 1e-13 * trace + 1e-300;
    for (int j = 0; j < n; ++j) {
        double d = matrix[j][j] + floor;
        for (int k = 0; k < j; ++k) d -= lower[j][k] * lower[j][k] * diagonal[k];
        diagonal[j] = std::max(d, floor);
        for (int i = j + 1; i < n; ++i) {
            double sum = matrix[i][j];
            for (int k = 0; k < j; ++k) sum -= lower[i][k] * lower[j][k] * diagonal[k];
            lower[i][j] = sum / diagonal[j];
        }
    }
    for (int step = 0; step < steps; ++step) {
        for (int i = 0; i < n; ++i) {
            for (int k = 0; k < i; ++k) vector[i] -= lower[i][k] * vector[k];
        }
        for (int i = 0; i < n; ++i) vector[i] /= diagonal[i];
        for (int i = n - 1; i >= 0; --i) {
            for (int k = i + 1; k < n; ++k) vector[i] -= lower[k][i] * vector[k];
        }
        normalise(vector, n);
    }
}

constexpr int term_of[3][3] = {{0, 1, 2}, {1, 3, 4}, {2, 4, 5}};  // where a product stands in (xx, xy, x, yy, y, 1)

}  // namespace

int epipolar_through(const double (*at)[4], double (*models)[9]) {
    double rows[7][9];
    for (int i = 0; i < 7; ++i) {
        const double x1 = at[i][0], y1 = at[i][1], x2 = at[i][2], y2 = at[i][3];
        const double row[9] = {x2 * x1, x2 * y1, x2, y2 * x1, y2 * y1, y2, x1, y1, 1};
        std::memcpy(rows[i], row, sizeof row);
    }
    double f[9], g[9];
    if (!null_space(rows, f, g)) return 0;
    // det(f + x g) is a cubic in x
    const double d = determinant(f, f + 3, f + 6), a = determinant(g, g + 3, g + 6);
    const double c = determinant(g, f + 3, f + 6) + determinant(f, g + 3, f + 6) + determinant(f, f + 3, g + 6);
    const double b = determinant(f, g + 3, g + 6) + determinant(g, f + 3, g + 6) + determinant(g, g + 3, f + 6);
    if (std::abs(a) < 1e-12 * (std::abs(b) + std::abs(c) + std::abs(d)) || a == 0) return 0;
    double roots[3];
    int count = 0;
    for (int k = 0, found = cubic_roots(a, b, c, d, roots); k < found; ++k) {
        double* model = models[count];
        for (int i = 0; i < 9; ++i) model[i] = f[i] + roots[k] * g[i];
        normalise(model, 9);
        count += one_side(at, model);
    }
    return count;
}

bool plane_through(const double (*at)[4], double* model) {
    // the projective frame of four points: columns a, b, c scaled so that their sum is d; H takes one to the other
    double frame[2][9];
    for (int side = 0; side < 2; ++side) {
        double p[4][3];
        for (int i = 0; i < 4; ++i) {
            p[i][0] = at[i][2 * side];
            p[i][1] = at[i][2 * side + 1];
            p[i][2] = 1;
        }
        const double whole = determinant(p[0], p[1], p[2]);
        const double scale[3] = {determinant(p[3], p[1], p[2]) / whole, determinant(p[0], p[3], p[2]) / whole,
                                 determinant(p[0], p[1], p[3]) / whole};
        constexpr double thin = 1e-4;  // twice the area of the smallest triangle
        if (std::abs(whole) < thin) return false;
        for (int k = 0; k < 3; ++k) {
            if (std::abs(scale[k] * whole) < thin) return false;
            for (int i = 0; i < 3; ++i) frame[side][3 * i + k] = p[k][i] * scale[k];
        }
    }
    const double* m = frame[0];
    const double adjugate[9] = {m[4] * m[8] - m[5] * m[7], m[2] * m[7] - m[1] * m[8], m[1] * m[5] - m[2] * m[4],
                                m[5] * m[6] - m[3] * m[8], m[0] * m[8] - m[2] * m[6], m[2] * m[3] - m[0] * m[5],
                                m[3] * m[7] - m[4] * m[6], m[1] * m[6] - m[0] * m[7], m[0] * m[4] - m[1] * m[3]};
    for (int i = 0; i < 3; ++i) {
        for (int j = 0; j < 3; ++j) {
            double sum = 0;
            for (int k = 0; k < 3; ++k) sum += frame[1][3 * i + k] * adjugate[3 * k + j];
            model[3 * i + j] = sum;
        }
    }
    normalise(model, 9);
    int positive = 0;
    for (int i = 0; i < 4; ++i) positive += model[6] * at[i][0] + model[7] * at[i][1] + model[8] > 0;
    return positive == 0 || positive == 4;
}

bool epipolar_from_plane(const double* plane, const double (*at)[4], double* model) {
    double lines[2][3], e[3];
    for (int i = 0; i < 2; ++i) {
        const double x1 = at[i][0], y1 = at[i][1];
        double there[3];
        for (int k = 0; k < 3; ++k) there[k] = plane[3 * k] * x1 + plane[3 * k + 1] * y1 + plane[3 * k + 2];
        const double here[3] = {at[i][2], at[i][3], 1};
        cross(there, here, lines[i]);
    }
    cross(lines[0], lines[1], e);
    for (int j = 0; j < 3; ++j) {
        const double column[3] = {plane[j], plane[3 + j], plane[6 + j]};
        double moved[3];
        cross(e, column, moved);
        for (int i = 0; i < 3; ++i) model[3 * i + j] = moved[i];
    }
    normalise(model, 9);
    return model[0] != 0 || model[1] != 0 || model[2] != 0 || model[3] != 0;
}

void fit_epipolar(const double* sums, double* model) {
    double normal[9][9];
    for (int i = 0; i < 9; ++i) {
        for (int j = 0; j < 9; ++j) normal[i][j] = sums[6 * term_of[i / 3][j / 3] + term_of[i % 3][j % 3]];
    }
    smallest_direction<9>(normal, model);
    double square[3][3] = {};
    for (int i = 0; i < 3; ++i) {
        for (int j = 0; j < 3; ++j) {
            for (int k = 0; k < 3; ++k) square[i][j] += model[3 * k + i] * model[3 * k + j];
        }
    }
    double e[3];
    epipole(model, e);
    normalise(e, 3);
    smallest_direction<3>(square, e);
    for (int i = 0; i < 3; ++i) {  // the nearest matrix of rank 2
        const double along = model[3 * i] * e[0] + model[3 * i + 1] * e[1] + model[3 * i + 2] * e[2];
        for (int j = 0; j < 3; ++j) model[3 * i + j] -= along * e[j];
    }
    normalise(model, 9);
}

void fit_plane(const double* sums, double* model) {
    double normal[9][9] = {};
    for (int i = 0; i < 3; ++i) {
        for (int j = 0; j < 3; ++j) {
            const int k = term_of[i][j];
            normal[i][j] = normal[3 + i][3 + j] = sums[k];
            normal[i][6 + j] = normal[6 + i][j] = -sums[6 + k];
            normal[3 + i][6 + j] = normal[6 + i][3 + j] = -sums[12 + k];
            normal[6 + i][6 + j] = sums[18 + k];
        }
    }
    smallest_direction<9>(normal, model);
}

}  // namespace setpiece::two_view
