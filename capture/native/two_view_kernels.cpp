// Built once per instruction set; see setpiece/native/kernels.cmake. Plain loops over sixteen lanes, which
// compilers turn into vector code.
#include "two_view_kernels.h"

#if defined(SETPIECE_AVX512)
#define SETPIECE_ISA avx512
#elif defined(SETPIECE_AVX2)
#define SETPIECE_ISA avx2
#else
#define SETPIECE_ISA plain
#endif

namespace setpiece::two_view::SETPIECE_ISA {

namespace {

constexpr int narrow = 8;  // lanes of sums in double precision

// Per lane the squared numerator and the denominator of the squared distance of Sampson.
struct Epipolar {
    static constexpr int rows = 6, columns = 6;

    static void distance(const Points& p, const float* f, int at, float* top, float* bottom) {
        for (int l = 0; l < lanes; ++l) {
            const float x1 = p.x1[at + l], y1 = p.y1[at + l], x2 = p.x2[at + l], y2 = p.y2[at + l];
            const float a = f[0] * x1 + f[1] * y1 + f[2];
            const float b = f[3] * x1 + f[4] * y1 + f[5];
            const float c = f[6] * x1 + f[7] * y1 + f[8];
            const float d = f[0] * x2 + f[3] * y2 + f[6];
            const float e = f[1] * x2 + f[4] * y2 + f[7];
            const float r = x2 * a + y2 * b + c;
            top[l] = r * r;
            bottom[l] = (a * a + b * b) + (d * d + e * e);
        }
    }

    static void terms(const double* x, const double* y, double (*q)[narrow]) {
        for (int l = 0; l < narrow; ++l) {
            q[0][l] = x[l] * x[l];
            q[1][l] = x[l] * y[l];
            q[2][l] = x[l];
            q[3][l] = y[l] * y[l];
            q[4][l] = y[l];
            q[5][l] = 1;
        }
    }
};

// The same for the distance in the second picture from where H takes the first.
struct Plane {
    static constexpr int rows = 4, columns = 6;

    static void distance(const Points& p, const float* h, int at, float* top, float* bottom) {
        for (int l = 0; l < lanes; ++l) {
            const float x1 = p.x1[at + l], y1 = p.y1[at + l];
            const float c = h[6] * x1 + h[7] * y1 + h[8];
            const float u = h[0] * x1 + h[1] * y1 + h[2] - p.x2[at + l] * c;
            const float v = h[3] * x1 + h[4] * y1 + h[5] - p.y2[at + l] * c;
            top[l] = u * u + v * v;
            bottom[l] = c * c;
        }
    }

    static void terms(const double* x, const double* y, double (*q)[narrow]) {
        for (int l = 0; l < narrow; ++l) {
            q[0][l] = 1;
            q[1][l] = x[l];
            q[2][l] = y[l];
            q[3][l] = x[l] * x[l] + y[l] * y[l];
        }
    }
};

template <class Model>
float cost(const Points& points, const float* model, float limit, float worst) {
    constexpr int between = 4;  // groups of lanes between two looks at whether to stop
    float sums[lanes] = {};
    float total = 0;
    for (int at = 0, group = 0; at < points.count; at += lanes) {
        float top[lanes], bottom[lanes];
        Model::distance(points, model, at, top, bottom);
        for (int l = 0; l < lanes; ++l) {
            const float share = top[l] / (bottom[l] * limit);
            sums[l] += points.real[at + l] * (share < 1 ? share : 1);
        }
        if (++group == between || at + lanes >= points.count) {
            total = 0;
            for (int l = 0; l < lanes; ++l) total += sums[l];
            if (total > worst) return total;
            group = 0;
        }
    }
    return total;
}

template <class Model>
int mark(const Points& points, const float* model, float limit, uint8_t* inlier) {
    int count = 0;
    for (int at = 0; at < points.count; at += lanes) {
        float top[lanes], bottom[lanes];
        Model::distance(points, model, at, top, bottom);
        for (int l = 0; l < lanes; ++l) {
            const bool in = top[l] < bottom[l] * limit && points.real[at + l] > 0;
            inlier[at + l] = in;
            count += in;
        }
    }
    return count;
}

template <class Model>
void gather(const Points& points, const float* model, float limit, double* sums) {
    double total[Model::rows][Model::columns][narrow] = {};
    for (int at = 0; at < points.count; at += lanes) {
        float top[lanes], bottom[lanes], weight[lanes];
        Model::distance(points, model, at, top, bottom);
        for (int l = 0; l < lanes; ++l) {
            const float left = 1 - top[l] / (bottom[l] * limit);
            weight[l] = left > 0 ? points.real[at + l] * left * left / bottom[l] : 0;
        }
        for (int half = 0; half < lanes; half += narrow) {
            double x1[narrow], y1[narrow], x2[narrow], y2[narrow], first[6][narrow], second[6][narrow];
            for (int l = 0; l < narrow; ++l) {
                x1[l] = points.x1[at + half + l];
                y1[l] = points.y1[at + half + l];
                x2[l] = points.x2[at + half + l];
                y2[l] = points.y2[at + half + l];
            }
            Epipolar::terms(x1, y1, first);
            Model::terms(x2, y2, second);
            for (int i = 0; i < Model::rows; ++i) {
                double weighted[narrow];
                for (int l = 0; l < narrow; ++l) weighted[l] = second[i][l] * weight[half + l];
                for (int j = 0; j < Model::columns; ++j) {
                    for (int l = 0; l < narrow; ++l) total[i][j][l] += weighted[l] * first[j][l];
                }
            }
        }
    }
    for (int i = 0; i < Model::rows; ++i) {
        for (int j = 0; j < Model::columns; ++j) {
            double sum = 0;
            for (int l = 0; l < narrow; ++l) sum += total[i][j][l];
            sums[i * Model::columns + j] = sum;
        }
    }
}

}  // namespace

extern const Kernels kernels;
const Kernels kernels = {{cost<Epipolar>, mark<Epipolar>, gather<Epipolar>}, {cost<Plane>, mark<Plane>, gather<Plane>}};

}  // namespace setpiece::two_view::SETPIECE_ISA
