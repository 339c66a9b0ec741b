#include "resection.h"

#include <algorithm>
#include <cmath>
#include <complex>

#include "small_linear.h"

namespace setpiece::resection {

namespace {

constexpr int kFewestSamples = 24, kMostSamples = 500;
constexpr double kMissed = 1e-3;  // chance that no sample was free of wrong points
constexpr int kPolish = 8;        // steps of Gauss-Newton
constexpr int kDirections = 20;   // from which the search for a translation starts
constexpr double kOrbits[] = {0, -0.5, 0.5, -1.0, 1.0};  // radians; turns tried with each direction
constexpr int kTryout = 5, kFinish = 20, kFinalists = 5;  // its steps at first, and for the best few

using Complex = std::complex<double>;

// Real roots of a quartic, from all four by Weierstrass' iteration, polished by Newton's.
int real_roots(const double* a, double* roots) {
    if (std::abs(a[4]) < 1e-14) return 0;
    Complex z[4];
    for (int i = 0; i < 4; i++) z[i] = std::pow(Complex(0.4, 0.9), i);
    for (int round = 0; round < 60; round++) {
        double moved = 0;
        for (int i = 0; i < 4; i++) {
            Complex value = a[4];
            for (int k = 3; k >= 0; k--) value = value * z[i] + a[k];
            Complex others = a[4];
            for (int j = 0; j < 4; j++) {
                if (j != i) others *= z[i] - z[j];
            }
            if (std::abs(others) < 1e-300) continue;
            const Complex step = value / others;
            z[i] -= step;
            moved = std::max(moved, std::abs(step) / (1 + std::abs(z[i])));
        }
        if (moved < 1e-13) break;
    }
    int count = 0;
    for (const Complex& root : z) {
        if (std::abs(root.imag()) > 1e-6 * (1 + std::abs(root.real()))) continue;
        double x = root.real();
        for (int i = 0; i < 2; i++) {
            const double value = (((a[4] * x + a[3]) * x + a[2]) * x + a[1]) * x + a[0];
            const double slope = ((4 * a[4] * x + 3 * a[3]) * x + 2 * a[2]) * x + a[1];
            if (std::abs(slope) > 1e-12) x -= value / slope;
        }
        roots[count++] = x;
    }
    return count;
}

// Axes of three points: columns of a rotation; false where they lie on a line.
bool axes_of(const double (*p)[3], double* axes) {
    double u[3], w[3], x[3], y[3], z[3];
    for (int k = 0; k < 3; k++) {
        u[k] = p[1][k] - p[0][k];
        w[k] = p[2][k] - p[0][k];
    }
    cross(u, w, z);
    if (norm(z) <= 1e-9 * norm(u) * norm(w)) return false;
    for (int k = 0; k < 3; k++) {
        x[k] = u[k] / norm(u);
    }
    const double length = norm(z);
    for (double& v : z) v /= length;
    cross(z, x, y);
    for (int k = 0; k < 3; k++) {
        axes[3 * k] = x[k];
        axes[3 * k + 1] = y[k];
        axes[3 * k + 2] = z[k];
    }
    return true;
}

// Where a point of the world lies in the axes of the image plane that sees it.
void before_plane(const double* pose, const Sighting& s, double* p) {
    if (!s.turn) return transform(pose, s.at, p);
    double whole[3];
    transform(pose, s.at, whole);
    for (int k = 0; k < 3; k++) p[k] = dot(s.turn + 3 * k, whole);
}

double squared_error(const double* pose, const Sighting& s) {
    double p[3];
    before_plane(pose, s, p);
    if (!(p[2] > 1e-9)) return HUGE_VAL;
    const double u = p[0] / p[2] - s.xy[0], v = p[1] / p[2] - s.xy[1];
    return u * u + v * v;
}

double score(const double* pose, const std::vector<Sighting>& sightings, double limit) {
    double sum = 0;
    for (const Sighting& s : sightings) sum += std::min(limit, squared_error(pose, s));
    return sum;
}

// Fewer squared errors, with Cauchy's weights at a third of `error`, over the sightings within it.
void polish(const std::vector<Sighting>& sightings, double error, double* pose) {
    const double limit = error * error, inverse_scale = 9 / limit;
    for (int step = 0; step < kPolish; step++) {
        double m[36] = {}, b[6] = {};
        for (const Sighting& s : sightings) {
            if (squared_error(pose, s) > limit) continue;
            double p[3];
            before_plane(pose, s, p);
            const double i = 1 / p[2], x = p[0] * i, y = p[1] * i;
            const double r[2] = {s.xy[0] - x, s.xy[1] - y};
            const double w = 1 / (1 + (r[0] * r[0] + r[1] * r[1]) * inverse_scale);
            double q[3];
            transform(pose, s.at, q);
            for (int k = 0; k < 3; k++) q[k] -= pose[4 * k + 3];  // turned only
            for (int side = 0; side < 2; side++) {
                double j0 = side ? 0 : i, j1 = side ? i : 0, j2 = -(side ? y : x) * i;
                if (const double* t = s.turn) {
                    const double a = j0, b = j1, c = j2;
                    j0 = t[0] * a + t[3] * b + t[6] * c;
                    j1 = t[1] * a + t[4] * b + t[7] * c;
                    j2 = t[2] * a + t[5] * b + t[8] * c;
                }
                const double j[6] = {q[1] * j2 - q[2] * j1, q[2] * j0 - q[0] * j2, q[0] * j1 - q[1] * j0, j0, j1, j2};
                for (int a = 0; a < 6; a++) {
                    for (int c = 0; c <= a; c++) m[6 * a + c] += w * j[a] * j[c];
                    b[a] += w * j[a] * r[side];
                }
            }
        }
        if (!solve_symmetric(m, b, 6)) return;
        double moved[12];
        move_pose(pose, b, moved);
        if (score(moved, sightings, limit) > score(pose, sightings, limit)) return;
        std::copy(moved, moved + 12, pose);
    }
}

// Sampson's distance of a match from the epipolar geometry of a pose, signed.
struct Epipolar {
    double e[9];
    double around;  // 1 where rays have length 1: the distance is then an angle on the sphere

    Epipolar(const double* pose, bool whole) : around(whole ? 1 : 0) {
        const double t[3] = {pose[3], pose[7], pose[11]};
        for (int c = 0; c < 3; c++) {
            const double r[3] = {pose[c], pose[4 + c], pose[8 + c]};
            double column[3];
            cross(t, r, column);
            for (int k = 0; k < 3; k++) e[3 * k + c] = column[k];
        }
    }

    double distance(const Match& m) const {
        const double x = m.first[0], y = m.first[1], z = m.first[2];
        const double u = m.second[0], v = m.second[1], w = m.second[2];
        const double a0 = e[0] * x + e[1] * y + e[2] * z, a1 = e[3] * x + e[4] * y + e[5] * z;
        const double a2 = e[6] * x + e[7] * y + e[8] * z;
        const double b0 = e[0] * u + e[3] * v + e[6] * w, b1 = e[1] * u + e[4] * v + e[7] * w;
        const double b2 = e[2] * u + e[5] * v + e[8] * w;
        const double scale = a0 * a0 + a1 * a1 + b0 * b0 + b1 * b1 + around * (a2 * a2 + b2 * b2);
        return (u * a0 + v * a1 + w * a2) / std::sqrt(scale + 1e-30);
    }
};

double epipolar_cost(const double* pose, const std::vector<Match>& matches, double inverse_scale, bool around) {
    const Epipolar geometry(pose, around);
    double product = 1, sum = 0;
    int pending = 0;
    for (const Match& m : matches) {
        const double d = geometry.distance(m);
        product *= 1 + d * d * inverse_scale;
        if (++pending == 16) {
            sum += std::log(product);
            product = 1;
            pending = 0;
        }
    }
    return sum + std::log(product);
}

// The pose with its rotation turned by w and its translation, of length 1, moved along two directions across.
void move_between(const double* pose, const double* step, double* out) {
    const double t[3] = {pose[3], pose[7], pose[11]};
    const double other[3] = {std::abs(t[0]) < 0.6 ? 1.0 : 0.0, std::abs(t[0]) < 0.6 ? 0.0 : 1.0, 0};
    double a[3], b[3];
    cross(t, other, a);
    const double length = norm(a);
    for (double& v : a) v /= length;
    cross(t, a, b);
    const double full[6] = {step[0], step[1], step[2], 0, 0, 0};
    move_pose(pose, full, out);
    double moved[3];
    for (int k = 0; k < 3; k++) moved[k] = t[k] + step[3] * a[k] + step[4] * b[k];
    const double scale = 1 / norm(moved);
    for (int k = 0; k < 3; k++) out[4 * k + 3] = scale * moved[k];
}

// Levenberg-Marquardt over the five parameters, with numeric derivatives; the cost.
double settle(const std::vector<Match>& matches, double inverse_scale, int steps, bool around, double* pose) {
    constexpr double kStep = 1e-6;
    double cost = epipolar_cost(pose, matches, inverse_scale, around), damping = 1e-3;
    std::vector<double> base(matches.size()), slope(5 * matches.size());
    bool fresh = false;
    double m[25], b[5];
    for (int step = 0; step < steps; step++) {
        if (!fresh) {
            const Epipolar here(pose, around);
            for (size_t n = 0; n < matches.size(); n++) base[n] = here.distance(matches[n]);
            for (int k = 0; k < 5; k++) {
                double nudge[5] = {}, moved[12];
                nudge[k] = kStep;
                move_between(pose, nudge, moved);
                const Epipolar there(moved, around);
                for (size_t n = 0; n < matches.size(); n++) {
                    slope[5 * n + k] = (there.distance(matches[n]) - base[n]) / kStep;
                }
            }
            std::fill_n(m, 25, 0.0);
            std::fill_n(b, 5, 0.0);
            for (size_t n = 0; n < matches.size(); n++) {
                const double w = 1 / (1 + base[n] * base[n] * inverse_scale);
                for (int i = 0; i < 5; i++) {
                    for (int j = 0; j <= i; j++) m[5 * i + j] += w * slope[5 * n + i] * slope[5 * n + j];
                    b[i] -= w * slope[5 * n + i] * base[n];
                }
            }
            fresh = true;
        }
        double damped[25], move[5], moved[12];
        std::copy(m, m + 25, damped);
        std::copy(b, b + 5, move);
        for (int i = 0; i < 5; i++) damped[6 * i] *= 1 + damping;
        if (!solve_symmetric(damped, move, 5)) return cost;
        move_between(pose, move, moved);
        const double after = epipolar_cost(moved, matches, inverse_scale, around);
        if (after < cost) {
            const bool done = cost - after < 1e-6 * cost;
            std::copy(moved, moved + 12, pose);
            cost = after;
            damping = std::max(1e-9, damping / 5);
            fresh = false;
            if (done) return cost;
        } else {
            damping *= 8;
        }
    }
    return cost;
}

// How many matches lie near the geometry and in front of both cameras.
int count_in_front(const std::vector<Match>& matches, const double* pose, double error, bool around) {
    const Epipolar geometry(pose, around);
    int count = 0;
    for (const Match& m : matches) {
        if (std::abs(geometry.distance(m)) > error) continue;
        // depths l of the first and n of the second ray: n second - l R first = t in the least squares sense
        const double *f = m.first, *s = m.second;
        double r[3];
        for (int k = 0; k < 3; k++) r[k] = pose[4 * k] * f[0] + pose[4 * k + 1] * f[1] + pose[4 * k + 2] * f[2];
        const double t[3] = {pose[3], pose[7], pose[11]};
        const double rr = dot(r, r), rs = dot(r, s), ss = dot(s, s), rt = dot(r, t), st = dot(s, t);
        const double determinant = rr * ss - rs * rs;
        if (determinant <= 1e-12 * rr * ss) continue;
        const double l = (rs * st - ss * rt) / determinant, n = (rr * st - rs * rt) / determinant;
        count += l > 0 && n > 0;
    }
    return count;
}

}  // namespace

int three_points(const double (*at)[3], const double (*ray)[3], double (*poses)[12]) {
    // Grunert's solution as Haralick et al. 1994 give it (section III.A): sides a, b, c opposite to the points 1,
    // 2, 3; angles between rays 2 3, 1 3, 1 2; distances s, u s, v s.
    const auto squared = [&](int i, int j) {
        double sum = 0;
        for (int k = 0; k < 3; k++) sum += (at[i][k] - at[j][k]) * (at[i][k] - at[j][k]);
        return sum;
    };
    const double a2 = squared(1, 2), b2 = squared(0, 2), c2 = squared(0, 1);
    if (!(a2 > 0 && b2 > 0 && c2 > 0)) return 0;
    const double ca = dot(ray[1], ray[2]), cb = dot(ray[0], ray[2]), cg = dot(ray[0], ray[1]);
    const double d = (a2 - c2) / b2, e = (a2 + c2) / b2;
    const double quartic[5] = {
        (1 + d) * (1 + d) - 4 * a2 / b2 * cg * cg,
        4 * (-d * (1 + d) * cb + 2 * a2 / b2 * cg * cg * cb - (1 - e) * ca * cg),
        2 * (d * d - 1 + 2 * d * d * cb * cb + 2 * (b2 - c2) / b2 * ca * ca - 4 * e * ca * cb * cg +
             2 * (b2 - a2) / b2 * cg * cg),
        4 * (d * (1 - d) * cb - (1 - e) * ca * cg + 2 * c2 / b2 * ca * ca * cb),
        (d - 1) * (d - 1) - 4 * c2 / b2 * ca * ca};
    double world[9], roots[4];
    if (!axes_of(at, world)) return 0;
    int count = 0;
    const int found = real_roots(quartic, roots);
    for (int n = 0; n < found; n++) {
        const double v = roots[n], below = 2 * (cg - v * ca);
        if (v <= 0 || std::abs(below) < 1e-12) continue;
        const double u = ((d - 1) * v * v - 2 * d * cb * v + 1 + d) / below;
        const double s2 = b2 / (1 + v * v - 2 * v * cb);
        if (u <= 0 || !(s2 > 0)) continue;
        const double s = std::sqrt(s2), distance[3] = {s, u * s, v * s};
        double seen[3][3], camera[9];
        for (int i = 0; i < 3; i++) {
            for (int k = 0; k < 3; k++) seen[i][k] = distance[i] * ray[i][k];
        }
        if (!axes_of(seen, camera)) continue;
        double* pose = poses[count++];
        for (int r = 0; r < 3; r++) {
            double moved = 0;
            for (int c = 0; c < 3; c++) {
                pose[4 * r + c] = dot(camera + 3 * r, world + 3 * c);
                moved += pose[4 * r + c] * at[0][c];
            }
            pose[4 * r + 3] = seen[0][r] - moved;
        }
    }
    return count;
}

std::vector<int> pose_from_points(const std::vector<Sighting>& sightings, double error, Random* random, double* pose) {
    const auto count = static_cast<uint32_t>(sightings.size());
    if (count < 4) return {};
    const double limit = error * error;
    double least = HUGE_VAL, needed = kMostSamples;
    for (int sample = 0; sample < std::max<double>(kFewestSamples, needed) && sample < kMostSamples; sample++) {
        const uint32_t i = random->below(count), j = random->below(count), k = random->below(count);
        if (i == j || i == k || j == k) continue;
        double at[3][3], ray[3][3], poses[4][12];
        const uint32_t which[3] = {i, j, k};
        for (int n = 0; n < 3; n++) {
            const Sighting& s = sightings[which[n]];
            const double length = std::sqrt(s.xy[0] * s.xy[0] + s.xy[1] * s.xy[1] + 1);
            std::copy(s.at, s.at + 3, at[n]);
            const double seen[3] = {s.xy[0] / length, s.xy[1] / length, 1 / length};
            for (int c = 0; c < 3; c++) {
                const double* t = s.turn;
                ray[n][c] = t ? t[c] * seen[0] + t[3 + c] * seen[1] + t[6 + c] * seen[2] : seen[c];
            }
        }
        const int found = three_points(at, ray, poses);
        for (int n = 0; n < found; n++) {
            const double cost = score(poses[n], sightings, limit);
            if (cost >= least) continue;
            least = cost;
            std::copy(poses[n], poses[n] + 12, pose);
            const double right = std::min(0.999, 1 - cost / (limit * count));
            needed = std::log(kMissed) / std::log(1 - right * right * right);
        }
    }
    if (least == HUGE_VAL) return {};
    polish(sightings, error, pose);
    std::vector<int> near;
    for (uint32_t n = 0; n < count; n++) {
        if (squared_error(pose, sightings[n]) <= limit) near.push_back(static_cast<int>(n));
    }
    return near;
}

double turn_between(const std::vector<Match>& matches, double* rotation) {
    // Horn 1987: the eigenvector of the largest eigenvalue of a 4x4 matrix
    double s[9] = {};
    std::vector<double> rays(6 * matches.size());
    for (size_t n = 0; n < matches.size(); n++) {
        double* ray = &rays[6 * n];
        const Match& m = matches[n];
        const double first = norm(m.first), second = norm(m.second);
        for (int k = 0; k < 3; k++) {
            ray[k] = m.first[k] / first;
            ray[3 + k] = m.second[k] / second;
        }
        for (int i = 0; i < 3; i++) {
            for (int j = 0; j < 3; j++) s[3 * i + j] += ray[i] * ray[3 + j];
        }
    }
    double n[16] = {s[0] + s[4] + s[8], s[5] - s[7],        s[6] - s[2],         s[1] - s[3],
                    s[5] - s[7],        s[0] - s[4] - s[8], s[1] + s[3],         s[6] + s[2],
                    s[6] - s[2],        s[1] + s[3],        -s[0] + s[4] - s[8], s[5] + s[7],
                    s[1] - s[3],        s[6] + s[2],        s[5] + s[7],         -s[0] - s[4] + s[8]};
    double q[4];
    largest_eigenvector4(n, q);
    rotation_of(q, rotation);
    std::vector<double> left(matches.size());
    for (size_t i = 0; i < matches.size(); i++) {
        double gap = 0;
        for (int k = 0; k < 3; k++) {
            const double d = dot(rotation + 3 * k, &rays[6 * i]) - rays[6 * i + 3 + k];
            gap += d * d;
        }
        left[i] = std::sqrt(gap);
    }
    if (left.empty()) return 0;
    std::nth_element(left.begin(), left.begin() + left.size() / 2, left.end());
    return left[left.size() / 2];
}

int pose_between(const std::vector<Match>& matches, double error, double* pose, bool around) {
    double rotation[9];
    turn_between(matches, rotation);
    const double inverse_scale = 9 / (error * error);
    struct Try {
        double cost, pose[12];
    };
    std::vector<Try> tries;
    for (int n = 0; n < kDirections; n++) {  // a spiral over half the sphere
        const double z = (n + 0.5) / kDirections, angle = 2.399963229728653 * n, r = std::sqrt(1 - z * z);
        const double along[3] = {r * std::cos(angle), r * std::sin(angle), z};
        for (const double orbit : kOrbits) {
            if (around && orbit != 0) continue;  // rays all around turn with their camera
            // who walks around a thing turns about an axis across view and way, and the rays hardly turn at all
            const double axis[3] = {-std::sin(angle), std::cos(angle), 0};
            const double q[4] = {std::cos(orbit / 2), std::sin(orbit / 2) * axis[0], std::sin(orbit / 2) * axis[1], 0};
            double turned[9];
            rotation_of(q, turned);
            Try one;
            for (int i = 0; i < 3; i++) {
                for (int k = 0; k < 3; k++) {
                    one.pose[4 * i + k] = 0;
                    for (int m = 0; m < 3; m++) one.pose[4 * i + k] += turned[3 * i + m] * rotation[3 * m + k];
                }
                one.pose[4 * i + 3] = along[i];
            }
            one.cost = settle(matches, inverse_scale, kTryout, around, one.pose);
            tries.push_back(one);
        }
    }
    std::stable_sort(tries.begin(), tries.end(), [](const Try& a, const Try& b) { return a.cost < b.cost; });
    double least = HUGE_VAL;
    for (int n = 0; n < kFinalists; n++) {
        const double cost = settle(matches, inverse_scale, kFinish, around, tries[n].pose);
        if (cost >= least) continue;
        least = cost;
        std::copy_n(tries[n].pose, 12, pose);
    }
    // the same geometry has four poses: the other way along t, and turned half round it
    double best[12];
    int most = -1;
    for (int n = 0; n < 4; n++) {
        double other[12];
        std::copy(pose, pose + 12, other);
        if (n & 2) {
            const double t[3] = {pose[3], pose[7], pose[11]};
            for (int c = 0; c < 3; c++) {
                const double along = t[0] * pose[c] + t[1] * pose[4 + c] + t[2] * pose[8 + c];
                for (int k = 0; k < 3; k++) other[4 * k + c] = 2 * along * t[k] - pose[4 * k + c];
            }
        }
        if (n & 1) {
            for (int k = 0; k < 3; k++) other[4 * k + 3] = -pose[4 * k + 3];
        }
        const int front = count_in_front(matches, other, error, around);
        if (front > most) {
            most = front;
            std::copy(other, other + 12, best);
        }
    }
    std::copy(best, best + 12, pose);
    return most;
}

}  // namespace setpiece::resection
