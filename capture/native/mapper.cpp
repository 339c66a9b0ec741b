#include "mapper.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <numeric>
#include <utility>

#include "bundle.h"
#include "radial.h"
#include "resection.h"
#include "small_linear.h"
#include "triangulate.h"

namespace setpiece::mapping {

namespace {

using resection::Match;
using resection::Sighting;

constexpr double kFocals[] = {0.75, 1.1, 0.55, 1.6, 2.3};  // of the longer side, tried where none is known
constexpr int kFirstGrowth = 6;           // photos to which a start is grown to be judged
constexpr int kStarts = 4;                // pairs tried for each model until one holds most photos
constexpr double kMost = 0.8;             // of the photos at hand
constexpr double kBelieved = 0.5;         // of the matched features: of a model that is less right nothing is kept
constexpr double kSettled = 0.75;         // of the matched features; a model that fits as well needs no rival
constexpr double kDoubtful = 0.6;         // of the matched features; below, more starts are tried
constexpr int kMostStarts = 12;
constexpr int kFewestInPair = 30;         // matches of a pair to start from
constexpr double kEnoughTurn = 0.14;      // radians left after a turn; more is no better a start
constexpr double kWeakPair = 0.5;         // of the usual number of matches; with fewer it may be a chance likeness
constexpr double kPairError = 0.002;      // of the longer side: matches of a pair off their epipolar lines
constexpr double kPlaceError = 0.006;     // of the longer side: points off where a new photo sees them
constexpr double kPointError = 0.0025;    // of the longer side: of points in use
constexpr int kFewestPlaced = 12;         // points that a new photo must agree with
constexpr double kPlacedShare = 0.4;      // of the points that it sees
constexpr double kStartAngleDeg = 3.0, kPointAngleDeg = 1.0;
constexpr double kGrowth = 1.07;          // photos by which a model grows between adjustments
constexpr int kDistortionFrom = 8;        // photos in a growing model that estimates distortion
constexpr int kDistortionAtLast = 5;      // photos in one that is done
constexpr double kLeastFocal = 0.25, kMostFocal = 8.0, kMostDistortion = 0.6;
constexpr int64_t kWorthThreads = 2000;   // observations
constexpr double kLossPx = 1.0, kGood = 1e-3;

// A model while it grows.
struct State {
    std::vector<char> placed;          // [photos]
    std::vector<double> poses;         // [photos][12]
    std::vector<double> lenses;        // [lenses][5]
    std::vector<char> has_point;       // [tracks]
    std::vector<double> points;        // [tracks][3]
    std::vector<char> used;            // [features] part of its track's point
    std::vector<int32_t> refused;      // [stations] points that it saw when it last could not be placed
    int count = 0, adjusted_at = 0;    // stations
    bool sound = true;                 // lenses are believable
};

// All matches between two stations.
struct Link {
    int32_t first, second;
    double verified;
    std::vector<int32_t> features;  // of the first and the second, in turns
};

class Mapper {
public:
    Mapper(const Photos& photos, const Pairs& pairs, const Options& options)
        : photos_(photos), pairs_(pairs), options_(options), random_(options.seed),
          features_(photos.starts[photos.count]),
          tracks_(triangulation::join({photos.starts, photos.xy}, photos.count, pairs.matches,
                                    pairs.starts[pairs.count], 2)),
          track_of_(static_cast<size_t>(features_), -1), photo_of_(static_cast<size_t>(features_)),
          stations_(photos.count ? photos.station[photos.count - 1] + 1 : 0),
          taken_(static_cast<size_t>(stations_), 0), first_(static_cast<size_t>(stations_) + 1, 0) {
        for (int64_t i = 0; i < photos.count; i++) first_[photos.station[i] + 1] = static_cast<int32_t>(i + 1);
        for (int64_t t = 0; t < track_count(); t++) {
            for (int64_t n = tracks_.starts[t]; n < tracks_.starts[t + 1]; n++) {
                track_of_[tracks_.feature[n]] = static_cast<int32_t>(t);
            }
        }
        for (int64_t i = 0; i < photos.count; i++) {
            for (int64_t f = photos.starts[i]; f < photos.starts[i + 1]; f++) photo_of_[f] = static_cast<int32_t>(i);
        }
        std::map<std::pair<int32_t, int32_t>, size_t> known;
        for (int64_t p = 0; p < pairs.count; p++) {
            const int32_t i = station(pairs.photos[2 * p]), j = station(pairs.photos[2 * p + 1]);
            if (i == j) continue;
            const auto [at, fresh] = known.emplace(std::minmax(i, j), links_.size());
            if (fresh) links_.push_back({std::min(i, j), std::max(i, j), 0, {}});
            Link& link = links_[at->second];
            link.verified += pairs.verified[p];
            for (int64_t m = pairs.starts[p]; m < pairs.starts[p + 1]; m++) {
                const int32_t a = pairs.matches[2 * m], b = pairs.matches[2 * m + 1];
                link.features.push_back(i < j ? a : b);
                link.features.push_back(i < j ? b : a);
            }
        }
    }

    std::vector<Placed> run() {
        std::vector<Placed> models;
        for (;;) {
            State best = best_model();
            if (best.count < 3) break;
            Placed model;
            for (int64_t i = 0; i < photos_.count; i++) {
                if (!best.placed[i]) continue;
                taken_[station(i)] = 1;
                model.photos.push_back(static_cast<int32_t>(i));
                model.poses.insert(model.poses.end(), &best.poses[12 * i], &best.poses[12 * i] + 12);
            }
            model.lenses = best.lenses;
            models.push_back(std::move(model));
        }
        std::stable_sort(models.begin(), models.end(),
                         [](const Placed& a, const Placed& b) { return a.photos.size() > b.photos.size(); });
        return models;
    }

private:
    int64_t track_count() const { return static_cast<int64_t>(tracks_.starts.size()) - 1; }
    int32_t station(int64_t photo) const { return photos_.station[photo]; }
    const double* turn(int64_t photo) const {
        return photos_.turn ? photos_.turn + 9 * int64_t{photos_.lens_of[photo]} : nullptr;
    }
    double side(int64_t photo) const { return photos_.longer_side[photos_.lens_of[photo]]; }
    triangulation::Cameras cameras(const State& s) const {
        return {photos_.count, s.poses.data(), s.lenses.data(), photos_.lens_of};
    }
    const double* lens(const State& s, int64_t photo) const { return &s.lenses[5 * photos_.lens_of[photo]]; }

    // The place on the image plane at depth 1.
    void flat(const State& s, int64_t feature, double* xy) const {
        static constexpr double kNowhere[12] = {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0};
        double ray[3];
        unproject(kNowhere, lens(s, photo_of_[feature]), photos_.xy + 2 * feature, ray);
        xy[0] = ray[0] / ray[2];
        xy[1] = ray[1] / ray[2];
    }

    // The ray in the station's axes: at depth 1, or of length 1 where stations look all around.
    void ray_of(const State& s, int64_t feature, double* ray) const {
        flat(s, feature, ray);
        ray[2] = 1;
        const double* t = turn(photo_of_[feature]);
        if (!t) return;
        const double length = norm(ray), x = ray[0] / length, y = ray[1] / length, z = 1 / length;
        for (int c = 0; c < 3; c++) ray[c] = t[c] * x + t[3 + c] * y + t[6 + c] * z;
    }

    State fresh(double focal) const {
        State s;
        s.placed.assign(photos_.count, 0);
        s.poses.assign(12 * photos_.count, 0);
        s.lenses.assign(photos_.lenses, photos_.lenses + 5 * photos_.lens_count);
        for (int64_t l = 0; l < photos_.lens_count; l++) {
            if (!photos_.focal_known[l] && focal > 0) s.lenses[5 * l] = focal * photos_.longer_side[l];
        }
        s.has_point.assign(track_count(), 0);
        s.points.assign(3 * track_count(), 0);
        s.used.assign(features_, 0);
        s.refused.assign(stations_, 0);
        return s;
    }

    std::vector<Match> matches_of(const State& s, const Link& link) const {
        std::vector<Match> matches(link.features.size() / 2);
        for (size_t m = 0; m < matches.size(); m++) {
            ray_of(s, link.features[2 * m], matches[m].first);
            ray_of(s, link.features[2 * m + 1], matches[m].second);
        }
        return matches;
    }

    // Links of free stations to start from, the best first.
    std::vector<size_t> starts() const {
        const State s = fresh(kFocals[0]);
        std::vector<double> usual;
        for (const Link& link : links_) usual.push_back(link.verified);
        const auto middle = usual.begin() + static_cast<std::ptrdiff_t>(usual.size() / 2);
        if (!usual.empty()) std::nth_element(usual.begin(), middle, usual.end());
        const double enough = usual.empty() ? 1 : kWeakPair * *middle;
        std::vector<std::pair<double, size_t>> ranked;
        for (size_t n = 0; n < links_.size(); n++) {
            const Link& link = links_[n];
            if (taken_[link.first] || taken_[link.second]) continue;
            if (link.features.size() < 2 * size_t{kFewestInPair}) continue;
            double rotation[9];
            const double left = resection::turn_between(matches_of(s, link), rotation);
            const double trust = std::min(1.0, link.verified / enough);
            ranked.emplace_back(-std::min(left, kEnoughTurn) * std::sqrt(link.verified) * trust, n);
        }
        std::sort(ranked.begin(), ranked.end());
        std::vector<size_t> order;
        for (const auto& [worth, link] : ranked) order.push_back(link);
        return order;
    }

    // How many stations without a model are linked to another.
    int64_t linked() const {
        std::vector<char> has(stations_, 0);
        for (const Link& link : links_) {
            if (!taken_[link.first] && !taken_[link.second]) has[link.first] = has[link.second] = 1;
        }
        return std::count(has.begin(), has.end(), 1);
    }

    // The model on which most features agree, of those that a few starts give.
    State best_model() {
        const int64_t free = linked();
        State best = fresh(0);
        if (free < 3) return best;
        int tried = 0;
        double most = 0, believed = 0;
        bool settled = false;
        std::vector<char> touched(stations_, 0);
        for (const size_t start : starts()) {
            const int32_t i = links_[start].first, j = links_[start].second;
            if (touched[i] && touched[j]) continue;  // another start near by
            State model = best_start(links_[start]);
            touched[i] = touched[j] = 1;
            if (model.count < 3) {
                if (++tried >= 4 * kMostStarts) break;
                continue;
            }
            grow(&model, stations_);
            const Fit fit = agreement(model);
            if (model.sound && fit.agreed > most && fit.agreed >= kBelieved * fit.most) {
                most = fit.agreed;
                believed = fit.agreed / fit.most;
                best = std::move(model);
                settled = best.count >= kMost * free && fit.agreed >= kSettled * fit.most;
            }
            tried += 4;
            if (settled || tried >= 4 * (believed >= kDoubtful ? kStarts : kMostStarts)) break;
        }
        return best;
    }

    State best_start(const Link& link) {
        const bool known = photos_.focal_known[photos_.lens_of[first_[link.first]]] &&
                           photos_.focal_known[photos_.lens_of[first_[link.second]]];
        State best = fresh(0);
        double most = 0;
        for (const double focal : kFocals) {
            State model = fresh(focal);
            if (begin(&model, link)) {
                grow(&model, kFirstGrowth);
                adjust(&model, 20);
                const double agreed = model.sound ? agreement(model).agreed : 0;
                if (agreed > most) {
                    most = agreed;
                    best = std::move(model);
                }
            }
            if (known) break;
        }
        return best;
    }

    struct Fit {
        double agreed;  // features of placed photos on their points: each counts up to 1
        double most;    // features of placed photos that a second one matches
    };

    Fit agreement(const State& s) const {
        Fit fit{0, 0};
        for (int64_t t = 0; t < track_count(); t++) {
            int seen = 0;
            for (int64_t n = tracks_.starts[t]; n < tracks_.starts[t + 1]; n++) {
                const int32_t f = tracks_.feature[n];
                seen += s.placed[photo_of_[f]];
                if (!s.used[f]) continue;
                const double limit = kPointError * side(photo_of_[f]);
                fit.agreed += std::max(0.0, 1 - squared_error(s, f) / (limit * limit));
            }
            if (seen >= 2) fit.most += seen;
        }
        return fit;
    }

    double squared_error(const State& s, int64_t feature) const {
        const int32_t photo = photo_of_[feature];
        double xy[2];
        if (!project(&s.poses[12 * photo], lens(s, photo), &s.points[3 * track_of_[feature]], xy, nullptr)) return 1e12;
        const double u = xy[0] - photos_.xy[2 * feature], v = xy[1] - photos_.xy[2 * feature + 1];
        return u * u + v * v;
    }

    bool begin(State* s, const Link& link) {
        const int32_t i = first_[link.first], j = first_[link.second];
        const std::vector<Match> matches = matches_of(*s, link);
        const double focal = std::min(lens(*s, i)[0] / side(i), lens(*s, j)[0] / side(j));
        static constexpr double kNowhere[12] = {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0};
        double pose[12];
        const int front = resection::pose_between(matches, kPairError / focal, pose, photos_.turn != nullptr);
        if (front < kFewestInPair / 2) return false;
        place(s, link.first, kNowhere, kStartAngleDeg);
        place(s, link.second, pose, kStartAngleDeg);
        const int64_t made = std::count(s->has_point.begin(), s->has_point.end(), 1);
        if (made < kFewestPlaced) return false;
        adjust(s, 10);
        return s->sound;
    }

    // Places stations until `most` are, or none can be.
    void grow(State* s, int64_t most) {
        while (s->count < most && s->sound) {
            if (!place_next(s)) {
                if (s->adjusted_at == s->count) break;
                adjust(s, 6);  // what could not be placed on rough points may be on better ones
                std::fill(s->refused.begin(), s->refused.end(), 0);
                continue;
            }
            if (s->count <= 12 || s->count >= kGrowth * s->adjusted_at) adjust(s, s->count <= 12 ? 6 : 4);
        }
        if (most == stations_) adjust(s, 10, kDistortionAtLast);
    }

    bool place_next(State* s) {
        std::vector<int32_t> sees(stations_, 0);
        for (int64_t t = 0; t < track_count(); t++) {
            if (!s->has_point[t]) continue;
            int32_t last = -1;
            for (int64_t n = tracks_.starts[t]; n < tracks_.starts[t + 1]; n++) {
                const int32_t photo = photo_of_[tracks_.feature[n]], here = station(photo);
                if (here != last && !s->placed[photo]) sees[here]++;
                last = here;
            }
        }
        std::vector<int32_t> order;
        for (int32_t i = 0; i < stations_; i++) {
            // one that was refused is asked again when it sees clearly more
            if (!s->placed[first_[i]] && !taken_[i] && sees[i] >= kFewestPlaced && sees[i] > 1.15 * s->refused[i]) {
                order.push_back(i);
            }
        }
        std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return sees[a] > sees[b]; });
        for (const int32_t one : order) {
            if (try_to_place(s, one)) return true;
            s->refused[one] = sees[one];
        }
        return false;
    }

    bool try_to_place(State* s, int32_t one) {
        std::vector<Sighting> sightings;
        for (int64_t f = photos_.starts[first_[one]]; f < photos_.starts[first_[one + 1]]; f++) {
            if (track_of_[f] < 0 || !s->has_point[track_of_[f]]) continue;
            Sighting sighting;
            std::copy_n(&s->points[3 * track_of_[f]], 3, sighting.at);
            flat(*s, f, sighting.xy);
            sighting.turn = turn(photo_of_[f]);
            sightings.push_back(sighting);
        }
        const int32_t photo = first_[one];
        const double focal = lens(*s, photo)[0] / side(photo);
        double pose[12];
        const std::vector<int> near = resection::pose_from_points(sightings, kPlaceError / focal, &random_, pose);
        const auto agreed = static_cast<double>(near.size());
        if (agreed < kFewestPlaced || agreed < kPlacedShare * static_cast<double>(sightings.size())) return false;
        place(s, one, pose, kPointAngleDeg);
        return true;
    }

    // Counts a station at `pose` in, with what its photos see.
    void place(State* s, int32_t one, const double* pose, double angle_deg) {
        s->count++;
        for (int32_t photo = first_[one]; photo < first_[one + 1]; photo++) {
            s->placed[photo] = 1;
            double* own = &s->poses[12 * int64_t{photo}];
            std::copy_n(pose, 12, own);
            if (const double* t = turn(photo)) {
                for (int c = 0; c < 4; c++) {
                    const double column[3] = {pose[c], pose[4 + c], pose[8 + c]};
                    for (int r = 0; r < 3; r++) own[4 * r + c] = dot(t + 3 * r, column);
                }
            }
        }
        for (int64_t f = photos_.starts[first_[one]]; f < photos_.starts[first_[one + 1]]; f++) {
            if (track_of_[f] >= 0) renew(s, track_of_[f], angle_deg);
        }
    }

    // The features of a track in placed photos that its point still fits; a new point where too few do.
    void renew(State* s, int32_t track, double angle_deg) {
        std::vector<int32_t>& seen = seen_;
        seen.clear();
        int fitting = 0;
        double least = 0;
        int32_t before = -1;
        for (int64_t n = tracks_.starts[track]; n < tracks_.starts[track + 1]; n++) {
            const int32_t f = tracks_.feature[n];
            s->used[f] = 0;
            if (!s->placed[photo_of_[f]]) continue;
            seen.push_back(f);
            if (!s->has_point[track]) continue;
            const double limit = kPointError * side(photo_of_[f]), error = squared_error(*s, f);
            if (error > limit * limit) continue;
            // one feature of each station
            if (before >= 0 && station(photo_of_[before]) == station(photo_of_[f])) {
                if (error >= least) continue;
                s->used[before] = 0;
                fitting--;
            }
            s->used[f] = 1;
            fitting++;
            before = f;
            least = error;
        }
        if (fitting >= 2 && (angle_deg == 0 || 2 * fitting >= static_cast<int>(seen.size()))) return;
        if (angle_deg == 0) angle_deg = kPointAngleDeg;
        for (const int32_t f : seen) s->used[f] = 0;
        s->has_point[track] = 0;
        if (seen.size() < 2) return;
        const triangulation::Options options{kPointError * side(photo_of_[seen[0]]), angle_deg, 2, 1};
        if (!triangulation::triangulate_one(cameras(*s), {photos_.starts, photos_.xy}, seen, options,
                                            &s->points[3 * track], &chosen_)) {
            return;
        }
        s->has_point[track] = 1;
        for (const int32_t f : chosen_) s->used[f] = 1;
    }

    void adjust(State* s, int iterations, int distortion_from = kDistortionFrom) {
        const std::vector<uint8_t> held(photos_.count, 0);
        std::vector<int32_t> rows, frame, point, lens_of, together, number(photos_.count, -1);
        std::vector<double> at, xy, poses;
        for (int32_t i = 0; i < photos_.count; i++) {
            if (!s->placed[i]) continue;
            const bool with_last = !lens_of.empty() && i > 0 && s->placed[i - 1] && station(i) == station(i - 1);
            together.push_back(together.empty() ? 0 : together.back() + !with_last);
            number[i] = static_cast<int32_t>(lens_of.size());
            lens_of.push_back(photos_.lens_of[i]);
            poses.insert(poses.end(), &s->poses[12 * i], &s->poses[12 * i] + 12);
        }
        for (int32_t t = 0; t < track_count(); t++) {
            if (!s->has_point[t]) continue;
            for (int64_t n = tracks_.starts[t]; n < tracks_.starts[t + 1]; n++) {
                const int32_t f = tracks_.feature[n];
                if (!s->used[f]) continue;
                frame.push_back(number[photo_of_[f]]);
                point.push_back(static_cast<int32_t>(rows.size()));
                xy.insert(xy.end(), photos_.xy + 2 * f, photos_.xy + 2 * f + 2);
            }
            rows.push_back(t);
            at.insert(at.end(), &s->points[3 * t], &s->points[3 * t] + 3);
        }
        const auto observations = static_cast<int64_t>(frame.size());
        const auto frames = static_cast<int64_t>(lens_of.size());
        const bundle::Scene scene{frames, photos_.lens_count, static_cast<int64_t>(rows.size()), observations,
                                  poses.data(), s->lenses.data(), at.data(), lens_of.data(), held.data(),
                                  frame.data(), point.data(), xy.data(), together.data(), photos_.turn, photos_.fixed};
        const bool focal = s->count >= 3, distortion = s->count >= distortion_from;
        const bundle::Options options{{focal, false, false, distortion, false}, kLossPx, iterations, kGood,
                                      observations >= kWorthThreads ? options_.threads : 1, options_.isa};
        bundle::adjust(scene, options);
        for (int64_t i = 0; i < photos_.count; i++) {
            if (number[i] >= 0) std::copy_n(&poses[12 * number[i]], 12, &s->poses[12 * i]);
        }
        for (size_t n = 0; n < rows.size(); n++) std::copy_n(&at[3 * n], 3, &s->points[3 * rows[n]]);
        for (int32_t t = 0; t < track_count(); t++) renew(s, t, 0);
        s->adjusted_at = s->count;
        check(s);
    }

    void check(State* s) const {
        for (int64_t i = 0; i < photos_.count; i++) {
            if (!s->placed[i]) continue;
            const double* l = lens(*s, i);
            const double focal = l[0] / side(i);
            if (!(focal > kLeastFocal && focal < kMostFocal && std::abs(l[3]) < kMostDistortion)) s->sound = false;
        }
    }

    const Photos& photos_;
    const Pairs& pairs_;
    const Options& options_;
    resection::Random random_;
    int64_t features_;
    triangulation::Tracks tracks_;
    std::vector<int32_t> track_of_, photo_of_;
    int32_t stations_;
    std::vector<char> taken_;      // [stations]
    std::vector<int32_t> first_;   // [stations + 1] photos
    std::vector<Link> links_;
    std::vector<int32_t> seen_, chosen_;
};

}  // namespace

std::vector<Placed> map_photos(const Photos& photos, const Pairs& pairs, const Options& options) {
    return Mapper(photos, pairs, options).run();
}

}  // namespace setpiece::mapping
