#include "triangulate.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "../../setpiece/native/crew.h"
#include "radial.h"
#include "small_linear.h"

namespace setpiece::triangulation {

namespace {

constexpr int kSteps = 8;           // of Gauss-Newton at most
constexpr int kMostPairs = 64;      // of rays that are tried for a track that does not agree
constexpr int kSmall = 24;  // features of a track that may have two of one camera: a vote takes it apart
constexpr int kNever = 1 << 20;     // as the fewest features of a second point: none is made
constexpr double kFar = 1e6;        // pixels; an error where there is none to tell
constexpr double kDegrees = 57.29577951308232;
constexpr int64_t kGrain = 64;      // tracks that a thread takes at a time

// Solves a symmetric 3x3 system by its adjugate; false where it is singular. m = [00 10 11 20 21 22].
bool solve3(const double* m, const double* b, double* x) {
    const double c00 = m[2] * m[5] - m[4] * m[4], c10 = m[3] * m[4] - m[1] * m[5], c20 = m[1] * m[4] - m[2] * m[3];
    const double c11 = m[0] * m[5] - m[3] * m[3], c21 = m[1] * m[3] - m[0] * m[4], c22 = m[0] * m[2] - m[1] * m[1];
    const double determinant = m[0] * c00 + m[1] * c10 + m[3] * c20;
    const double trace = m[0] + m[2] + m[5];
    if (!(std::abs(determinant) > 1e-14 * trace * trace * trace)) return false;
    x[0] = (c00 * b[0] + c10 * b[1] + c20 * b[2]) / determinant;
    x[1] = (c10 * b[0] + c11 * b[1] + c21 * b[2]) / determinant;
    x[2] = (c20 * b[0] + c21 * b[1] + c22 * b[2]) / determinant;
    return true;
}

// One feature of a track.
struct View {
    int32_t feature, camera;
    double ray[3], centre[3], xy[2];
    double error;
};

class Worker {
public:
    Worker(const Cameras& cameras, const Features& features, const Options& options)
        : cameras_(cameras), features_(features), options_(options),
          least_cosine_(std::cos(options.angle_deg / kDegrees)), error_squared_(options.error_px * options.error_px) {}

    void track(const int32_t* feature, int64_t count, Points* out) {
        load(feature, count);
        bool whole = distinct();
        size_t fewest = 2;
        while (static_cast<int>(views_.size()) >= 2) {
            double point[3];
            chosen_.clear();
            if (whole) {
                chosen_.resize(views_.size());
                std::iota(chosen_.begin(), chosen_.end(), 0);
                if (!nearest(chosen_, point) || !refine(point) || !all_near(point)) chosen_.clear();
            }
            whole = false;
            if (chosen_.empty() && !vote(point)) return;
            if (chosen_.size() < fewest || !wide(chosen_, point)) return;
            emit(point, out);
            fewest = static_cast<size_t>(options_.fewest);  // of what is left, two agree by chance
        }
    }

private:
    void load(const int32_t* feature, int64_t count) {
        views_.clear();
        for (int64_t n = 0; n < count; n++) {
            View view;
            view.feature = feature[n];
            const auto* next = std::upper_bound(features_.starts, features_.starts + cameras_.count + 1, int64_t{feature[n]});
            view.camera = static_cast<int32_t>(next - features_.starts - 1);
            view.xy[0] = features_.xy[2 * int64_t{feature[n]}];
            view.xy[1] = features_.xy[2 * int64_t{feature[n]} + 1];
            const double* pose = cameras_.pose + 12 * int64_t{view.camera};
            unproject(pose, lens(view), view.xy, view.ray);
            centre_of(pose, view.centre);
            view.error = 0;
            views_.push_back(view);
        }
    }

    const double* lens(const View& view) const { return cameras_.lens + 5 * int64_t{cameras_.lens_of[view.camera]}; }

    bool distinct() const {
        for (size_t n = 1; n < views_.size(); n++) {
            if (views_[n].camera == views_[n - 1].camera) return false;
        }
        return true;
    }

    double squared_error(const View& view, const double* point) const {
        double xy[2];
        if (!project(cameras_.pose + 12 * int64_t{view.camera}, lens(view), point, xy, nullptr)) return kFar * kFar;
        const double u = xy[0] - view.xy[0], v = xy[1] - view.xy[1];
        return u * u + v * v;
    }

    // The point closest to the rays.
    bool nearest(const std::vector<int>& which, double* point) const {
        double m[6] = {0, 0, 0, 0, 0, 0}, b[3] = {0, 0, 0};
        for (const int n : which) {
            const View& view = views_[n];
            const double *r = view.ray, *c = view.centre;
            const double along = dot(r, c);
            m[0] += 1 - r[0] * r[0];
            m[1] -= r[1] * r[0];
            m[2] += 1 - r[1] * r[1];
            m[3] -= r[2] * r[0];
            m[4] -= r[2] * r[1];
            m[5] += 1 - r[2] * r[2];
            for (int k = 0; k < 3; k++) b[k] += c[k] - along * r[k];
        }
        return solve3(m, b, point);
    }

    // Less squared error in pixels over the chosen views, with Cauchy's weights. False behind a camera.
    bool refine(double* point) const {
        double before = HUGE_VAL, kept[3] = {point[0], point[1], point[2]};
        for (int step = 0; step < kSteps; step++) {
            double m[6] = {0, 0, 0, 0, 0, 0}, b[3] = {0, 0, 0}, cost = 0;
            for (const int n : chosen_) {
                const View& view = views_[n];
                double xy[2], j[6];
                if (!project(cameras_.pose + 12 * int64_t{view.camera}, lens(view), point, xy, j)) return false;
                const double r[2] = {view.xy[0] - xy[0], view.xy[1] - xy[1]};
                const double squared = r[0] * r[0] + r[1] * r[1], w = 1 / (1 + squared);
                cost += std::log1p(squared);
                for (int side = 0; side < 2; side++) {
                    const double *row = j + 3 * side;
                    m[0] += w * row[0] * row[0];
                    m[1] += w * row[1] * row[0];
                    m[2] += w * row[1] * row[1];
                    m[3] += w * row[2] * row[0];
                    m[4] += w * row[2] * row[1];
                    m[5] += w * row[2] * row[2];
                    for (int k = 0; k < 3; k++) b[k] += w * row[k] * r[side];
                }
            }
            if (cost >= before) {  // one step too far
                std::copy(kept, kept + 3, point);
                return true;
            }
            const bool settled = before - cost < 1e-3 * cost;
            double move[3];
            if (settled || step == kSteps - 1 || !solve3(m, b, move)) return true;
            before = cost;
            for (int k = 0; k < 3; k++) {
                kept[k] = point[k];
                point[k] += move[k];
            }
        }
        return true;
    }

    bool all_near(const double* point) const {
        for (const int n : chosen_) {
            if (squared_error(views_[n], point) > error_squared_) return false;
        }
        return true;
    }

    // Fills `chosen_` with the views that see `point` near enough, the nearest of each camera; their cost, where
    // each view left out counts as the largest error.
    double agree(const double* point) {
        chosen_.clear();
        double cost = 0;
        for (int n = 0; n < static_cast<int>(views_.size()); n++) {
            View& view = views_[n];
            view.error = squared_error(view, point);
            if (view.error > error_squared_) {
                cost += error_squared_;
                continue;
            }
            if (!chosen_.empty() && views_[chosen_.back()].camera == view.camera) {
                View& other = views_[chosen_.back()];
                cost += error_squared_ + std::min(0.0, view.error - other.error);
                if (view.error < other.error) chosen_.back() = n;
            } else {
                cost += view.error;
                chosen_.push_back(n);
            }
        }
        return cost;
    }

    // The point of the pair of rays with which most views agree, refined; false where none does.
    bool vote(double* point) {
        const int count = static_cast<int>(views_.size());
        const int pairs = count * (count - 1) / 2, stride = 1 + (pairs - 1) / kMostPairs;
        double least = HUGE_VAL;
        std::vector<int> pair(2);
        int number = 0;
        for (int i = 1; i < count; i++) {
            for (int j = 0; j < i; j++) {
                if (number++ % stride) continue;
                const View &a = views_[i], &b = views_[j];
                if (a.camera == b.camera || dot(a.ray, b.ray) > least_cosine_) continue;
                pair[0] = i;
                pair[1] = j;
                double at[3];
                if (!nearest(pair, at)) continue;
                const double cost = agree(at);
                if (chosen_.size() >= 2 && cost < least) {
                    least = cost;
                    std::copy(at, at + 3, point);
                }
            }
        }
        if (least == HUGE_VAL) return false;
        agree(point);
        double refined[3] = {point[0], point[1], point[2]};
        if (refine(refined)) {
            agree(refined);
            if (chosen_.size() >= 2) {
                std::copy(refined, refined + 3, point);
                return true;
            }
        }
        agree(point);
        return chosen_.size() >= 2;
    }

    bool wide(const std::vector<int>& which, const double* point) const {
        for (size_t i = 1; i < which.size(); i++) {
            for (size_t j = 0; j < i; j++) {
                double a[3], b[3];
                for (int k = 0; k < 3; k++) {
                    a[k] = point[k] - views_[which[i]].centre[k];
                    b[k] = point[k] - views_[which[j]].centre[k];
                }
                if (dot(a, b) <= least_cosine_ * std::sqrt(dot(a, a) * dot(b, b))) return true;
            }
        }
        return false;
    }

    // Writes the point with its chosen views and takes these away.
    void emit(const double* point, Points* out) {
        const auto number = static_cast<int32_t>(out->at.size() / 3);
        out->at.insert(out->at.end(), point, point + 3);
        for (const int n : chosen_) {
            out->point.push_back(number);
            out->camera.push_back(views_[n].camera);
            out->feature.push_back(views_[n].feature);
            views_[n].camera = -1;
        }
        views_.erase(std::remove_if(views_.begin(), views_.end(), [](const View& v) { return v.camera < 0; }),
                     views_.end());
    }

    const Cameras& cameras_;
    const Features& features_;
    const Options& options_;
    double least_cosine_, error_squared_;
    std::vector<View> views_;
    std::vector<int> chosen_;
};

// Sets of features that are joined one by one (union-find), and which cameras each set has.
class Joining {
public:
    Joining(const Features& features, int64_t cameras)
        : count_(features.starts[cameras]), words_((cameras + 63) / 64), parent_(static_cast<size_t>(count_)),
          camera_(static_cast<size_t>(count_)), size_(static_cast<size_t>(count_), 1),
          seen_(static_cast<size_t>(count_), -1) {
        std::iota(parent_.begin(), parent_.end(), 0);
        for (int64_t c = 0; c < cameras; c++) {
            for (int64_t f = features.starts[c]; f < features.starts[c + 1]; f++) camera_[f] = static_cast<int32_t>(c);
        }
    }

    // Joins the sets of two features, unless one camera would then see the same point of a large set twice.
    void link(int32_t first, int32_t second) {
        const int32_t a = root(first), b = root(second);
        if (a == b) return;
        if (seen_[a] < 0) show(a);
        if (seen_[b] < 0) show(b);
        uint64_t *one = &sets_[seen_[a] * words_], *two = &sets_[seen_[b] * words_];
        bool clash = false;
        for (int64_t w = 0; w < words_; w++) clash |= (one[w] & two[w]) != 0;
        if (clash && size_[a] + size_[b] > kSmall) return;
        const int32_t low = std::min(a, b), high = std::max(a, b);
        for (int64_t w = 0; w < words_; w++) {
            one[w] |= two[w];
            two[w] = 0;
        }
        spare_.push_back(seen_[b]);
        seen_[low] = seen_[a];
        size_[low] = size_[a] + size_[b];
        parent_[high] = low;  // a root is its set's first feature
    }

    Tracks tracks(int fewest) {
        std::vector<int32_t> size(count_, 0);
        for (int32_t i = 0; i < count_; i++) size[root(i)]++;
        Tracks tracks;
        std::vector<int64_t> next(count_, -1);
        tracks.starts.push_back(0);
        for (int64_t i = 0; i < count_; i++) {
            if (parent_[i] != i || size[i] < fewest) continue;
            next[i] = tracks.starts.back();
            tracks.starts.push_back(next[i] + size[i]);
        }
        tracks.feature.resize(tracks.starts.back());
        for (int32_t i = 0; i < count_; i++) {
            const int32_t first = root(i);
            if (next[first] >= 0) tracks.feature[next[first]++] = i;
        }
        return tracks;
    }

private:
    int32_t root(int32_t i) {
        while (parent_[i] != i) {
            parent_[i] = parent_[parent_[i]];
            i = parent_[i];
        }
        return i;
    }

    // Gives a set of one feature its bits.
    void show(int32_t feature) {
        if (spare_.empty()) {
            seen_[feature] = static_cast<int64_t>(sets_.size()) / words_;
            sets_.resize(sets_.size() + words_, 0);
        } else {
            seen_[feature] = spare_.back();
            spare_.pop_back();
        }
        sets_[seen_[feature] * words_ + camera_[feature] / 64] = uint64_t{1} << camera_[feature] % 64;
    }

    int64_t count_, words_;
    std::vector<int32_t> parent_, camera_;
    std::vector<int32_t> size_;        // of each root's set
    std::vector<int64_t> seen_, spare_;  // places in `sets_`, in words_: of each root, -1 before it has one; unused
    std::vector<uint64_t> sets_;
};

}  // namespace

Tracks join(const Features& features, int64_t cameras, const int32_t* matches, int64_t count, int fewest) {
    Joining joining(features, cameras);
    for (int64_t n = 0; n < count; n++) joining.link(matches[2 * n], matches[2 * n + 1]);
    return joining.tracks(fewest);
}

Points triangulate(const Cameras& cameras, const Features& features, const Tracks& tracks, const Options& options) {
    const int64_t count = static_cast<int64_t>(tracks.starts.size()) - 1;
    std::vector<Points> pieces((count + kGrain - 1) / kGrain);
    Crew crew(options.threads);
    crew.each(count, kGrain, [&](int64_t begin, int64_t end, int) {
        Worker worker(cameras, features, options);
        for (int64_t t = begin; t < end; t++) {
            worker.track(tracks.feature.data() + tracks.starts[t], tracks.starts[t + 1] - tracks.starts[t],
                         &pieces[begin / kGrain]);
        }
    });
    Points all;
    for (const Points& piece : pieces) {
        const auto before = static_cast<int32_t>(all.at.size() / 3);
        all.at.insert(all.at.end(), piece.at.begin(), piece.at.end());
        for (const int32_t p : piece.point) all.point.push_back(before + p);
        all.camera.insert(all.camera.end(), piece.camera.begin(), piece.camera.end());
        all.feature.insert(all.feature.end(), piece.feature.begin(), piece.feature.end());
    }
    return all;
}

bool triangulate_one(const Cameras& cameras, const Features& features, const std::vector<int32_t>& track,
                     const Options& options, double* point, std::vector<int32_t>* chosen) {
    Points found;
    Options first = options;
    first.fewest = kNever;
    Worker(cameras, features, first).track(track.data(), static_cast<int64_t>(track.size()), &found);
    if (found.at.empty()) return false;
    std::copy_n(found.at.begin(), 3, point);
    *chosen = found.feature;
    return true;
}

void measure(const Cameras& cameras, const double* points, int64_t point_count, const int32_t* point,
             const int32_t* camera, const double* xy, int64_t observations, double* error_px, double* angle_deg) {
    std::vector<double> rays;
    int64_t o = 0;
    for (int64_t p = 0; p < point_count; p++) {
        rays.clear();
        for (; o < observations && point[o] == p; o++) {
            const double* pose = cameras.pose + 12 * int64_t{camera[o]};
            double at[2];
            const bool seen = project(pose, cameras.lens + 5 * int64_t{cameras.lens_of[camera[o]]}, points + 3 * p, at, nullptr);
            error_px[o] = seen ? std::hypot(at[0] - xy[2 * o], at[1] - xy[2 * o + 1]) : kFar;
            double centre[3], ray[3];
            centre_of(pose, centre);
            for (int k = 0; k < 3; k++) ray[k] = points[3 * p + k] - centre[k];
            const double length = std::sqrt(dot(ray, ray));
            for (const double r : ray) rays.push_back(r / length);
        }
        double least = 1;
        for (size_t i = 3; i < rays.size(); i += 3) {
            for (size_t j = 0; j < i; j += 3) least = std::min(least, dot(&rays[i], &rays[j]));
        }
        angle_deg[p] = kDegrees * std::acos(std::max(-1.0, least));
    }
}

}  // namespace setpiece::triangulation
