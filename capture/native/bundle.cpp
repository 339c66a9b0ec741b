#include "bundle.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <vector>

#include "bundle_kernels.h"
#include "../../setpiece/native/crew.h"
#include "small_linear.h"
#include "tiled_cholesky.h"

namespace setpiece::bundle {

namespace {

constexpr double kFirstRadius = 1e4;  // of the trust region: 1 / damping, as Ceres starts
constexpr int64_t kChunk = 64;     // points that a thread moves at a time
constexpr int64_t kMostParts = 8;  // in which S is summed, whatever the number of threads
constexpr double kLeastRadius = 1e-16, kMostRadius = 1e12;

const Kernels& kernels_of(Isa isa) {
#if defined(SETPIECE_WIDE_KERNELS)
    if (isa == Isa::avx512) return avx512::kernels();
    if (isa == Isa::avx2) return avx2::kernels();
#endif
    (void)isa;
    return plain::kernels();
}

// Memory on a cache line's border.
class Buffer {
public:
    explicit Buffer(int64_t count) : memory_(static_cast<size_t>(count) + 8) {
        const auto address = reinterpret_cast<uintptr_t>(memory_.data());
        start_ = memory_.data() + (64 - address % 64) % 64 / sizeof(double);
    }
    double* get() { return start_; }

private:
    std::vector<double> memory_;
    double* start_;
};

// Which frames move together.
struct Stations {
    std::vector<int32_t> of;  // [frames]
    int64_t count = 0;

    explicit Stations(const Scene& s) : of(static_cast<size_t>(s.frames)) {
        for (int64_t f = 0; f < s.frames; f++) {
            of[f] = s.station ? s.station[f] : static_cast<int32_t>(f);
            if (of[f] != count && (f == 0 || of[f] != count - 1)) throw std::invalid_argument("stations must ascend");
            count = of[f] + 1;
        }
    }
};

// Where each point's observations start, which blocks S has, and which of them each point adds to.
struct Structure {
    std::vector<int32_t> starts, row_starts, row_columns, pair_blocks;
    std::vector<int64_t> pair_starts;
    int64_t longest = 0;  // track

    Structure(const Scene& s, const Stations& stations) : starts(s.points + 1, 0), pair_starts(s.points + 1, 0) {
        std::vector<int32_t> heads(s.points + 1, 0), row_heads(stations.count + 1, 0), of_head;
        for (int64_t o = 0; o < s.observations; o++) {
            const int32_t p = s.point[o], f = s.frame[o];
            const bool sorted = o == 0 || s.point[o - 1] < p || (s.point[o - 1] == p && s.frame[o - 1] < f);
            if (!sorted || p < 0 || p >= s.points || f < 0 || f >= s.frames) {
                throw std::invalid_argument("observations must be sorted by point and frame, each pair once");
            }
            starts[p + 1]++;
            if (o > 0 && s.point[o - 1] == p && stations.of[s.frame[o - 1]] == stations.of[f]) continue;
            of_head.push_back(stations.of[f]);  // a station that sees the point
            heads[p + 1]++;
            row_heads[stations.of[f] + 1]++;
        }
        for (int64_t p = 0; p < s.points; p++) {
            const int64_t seen = heads[p + 1];
            longest = std::max<int64_t>(longest, starts[p + 1]);
            starts[p + 1] += starts[p];
            heads[p + 1] += heads[p];
            pair_starts[p + 1] = pair_starts[p] + seen * (seen + 1) / 2;
        }
        for (int64_t f = 0; f < s.frames; f++) {
            if (s.lens_of[f] < 0 || s.lens_of[f] >= s.lenses) throw std::invalid_argument("no such lens");
        }
        for (int64_t n = 0; n < stations.count; n++) row_heads[n + 1] += row_heads[n];
        add_rows(heads, row_heads, of_head);
    }

private:
    // `heads` of each point and `row_heads` of each station count the (point, station) pairs; `of_head` has their
    // stations, sorted by point.
    void add_rows(const std::vector<int32_t>& heads, const std::vector<int32_t>& row_heads,
                  const std::vector<int32_t>& of_head) {
        const auto rows = static_cast<int32_t>(row_heads.size() - 1);
        std::vector<int32_t> of_row(of_head.size()), point_of(of_head.size());
        std::vector<int32_t> next(row_heads.begin(), row_heads.end() - 1), block(rows, -1);
        for (size_t h = 0; h < of_head.size(); h++) of_row[next[of_head[h]]++] = static_cast<int32_t>(h);
        for (size_t p = 0; p + 1 < heads.size(); p++) {
            std::fill(point_of.begin() + heads[p], point_of.begin() + heads[p + 1], static_cast<int32_t>(p));
        }
        pair_blocks.resize(pair_starts.back());
        row_starts.push_back(0);
        for (int32_t f = 0; f < rows; f++) {
            const int32_t first = row_starts.back();
            for (int32_t n = row_heads[f]; n < row_heads[f + 1]; n++) {
                for (int32_t h = heads[point_of[of_row[n]]]; h < of_row[n]; h++) {
                    if (block[of_head[h]] >= first) continue;
                    block[of_head[h]] = first;
                    row_columns.push_back(of_head[h]);
                }
            }
            std::sort(row_columns.begin() + first, row_columns.end());
            row_columns.push_back(f);
            for (size_t b = first; b < row_columns.size(); b++) block[row_columns[b]] = static_cast<int32_t>(b);
            for (int32_t n = row_heads[f]; n < row_heads[f + 1]; n++) {
                const int64_t p = point_of[of_row[n]], own = of_row[n] - heads[p];
                int32_t* to = pair_blocks.data() + pair_starts[p] + own * (own + 1) / 2;
                for (int64_t m = 0; m <= own; m++) to[m] = block[of_head[heads[p] + m]];
            }
            row_starts.push_back(static_cast<int32_t>(row_columns.size()));
        }
    }
};

std::vector<char> used_tiles(const Structure& structure, int64_t stations, int64_t lenses) {
    const int64_t rows = TiledCholesky::tiles(kPose * stations + kLens * lenses);
    std::vector<char> used(static_cast<size_t>(rows * rows), 0);
    const auto mark = [&](int64_t row, int64_t height, int64_t column, int64_t width) {
        for (int64_t i = row / kTile; i <= (row + height - 1) / kTile; i++) {
            for (int64_t j = column / kTile; j <= (column + width - 1) / kTile && j <= i; j++) used[i * rows + j] = 1;
        }
    };
    for (int64_t f = 0; f < stations; f++) {
        for (int32_t b = structure.row_starts[f]; b < structure.row_starts[f + 1]; b++) {
            mark(kPose * f, kPose, kPose * int64_t{structure.row_columns[b]}, kPose);
        }
    }
    mark(kPose * stations, kLens * lenses, 0, kPose * stations + kLens * lenses);
    return used;
}

// out = T pose, rows of [R t].
void turn_pose(const double* turn, const double* pose, double* out) {
    for (int r = 0; r < 3; r++) {
        for (int c = 0; c < 4; c++) {
            out[4 * r + c] = turn[3 * r] * pose[c] + turn[3 * r + 1] * pose[4 + c] + turn[3 * r + 2] * pose[8 + c];
        }
    }
}

class Adjustment {
public:
    Adjustment(const Scene& scene, const Options& options)
        : s_(scene), stations_(scene), structure_(scene, stations_), kernels_(kernels_of(options.isa)), crew_(options.threads),
          chunks_((scene.points + kChunk - 1) / kChunk), parts_(std::min<int64_t>(chunks_, kMostParts)),
          size_(kPose * stations_.count + kLens * scene.lenses),
          blocks_size_(int64_t{structure_.row_starts.back()} * kPoseBlock),
          lens_blocks_size_(stations_.count * scene.lenses * kLensBlock),
          lens_sums_size_(scene.lenses * scene.lenses * kLensBlock),
          part_size_(blocks_size_ + lens_blocks_size_ + lens_sums_size_ + kRow * (stations_.count + scene.lenses)),
          doubles_(parts_ * part_size_ + crew_.threads() * (structure_.longest + 8) * kRow * kRow +
                   scene.points * 15 + scene.frames * 2 * kCamera + stations_.count * (kRow + 32) +
                   scene.lenses * 2 * kRow + 128),
          gains_(static_cast<size_t>(chunks_)), fixed_(static_cast<size_t>(scene.lenses), 0),
          system_(size_, used_tiles(structure_, stations_.count, scene.lenses)), step_(static_cast<size_t>(size_)),
          scale_(static_cast<size_t>(size_)) {
        double* next = doubles_.get();
        const auto take = [&](int64_t count) {
            double* taken = next;
            next += (count + 7) / 8 * 8;
            return taken;
        };
        sums_ = take(parts_ * part_size_);
        rows_ = take(crew_.threads() * (structure_.longest + 8) * kRow * kRow);
        cameras_ = take(kCamera * s_.frames);
        next_cameras_ = take(kCamera * s_.frames);
        pose_step_ = take(kRow * stations_.count);
        poses_ = take(12 * stations_.count);
        next_poses_ = take(12 * stations_.count);
        lens_step_ = take(kRow * s_.lenses);
        next_lenses_ = take(kLens * s_.lenses);
        a_ = {};
        a_.cameras = cameras_;
        a_.next_cameras = next_cameras_;
        a_.lens_of = s_.lens_of;
        a_.station = stations_.of.data();
        a_.held = s_.held;
        if (s_.fixed) std::copy_n(s_.fixed, s_.lenses, fixed_.begin());
        a_.fixed = fixed_.data();
        a_.turned = s_.turn != nullptr;
        a_.points = s_.at;
        a_.next_points = take(3 * s_.points);
        a_.starts = structure_.starts.data();
        a_.frame = s_.frame;
        a_.point = s_.point;
        a_.xy = s_.xy;
        a_.pair_starts = structure_.pair_starts.data();
        a_.pair_blocks = structure_.pair_blocks.data();
        for (int k = 0; k < kLens; k++) a_.lens_free[k] = options.lens_free[k] ? 1.0 : 0.0;
        a_.inverse_scale = 1 / (options.loss_px * options.loss_px);
        a_.lens_count = s_.lenses;
        a_.q = take(3 * s_.points);
        a_.factor = take(6 * s_.points);
        a_.scale = take(3 * s_.points);
        a_.pose_step = pose_step_;
        a_.lens_step = lens_step_;
        for (int64_t f = 0; f < s_.frames; f++) {
            double* camera = cameras_ + kCamera * f;
            std::copy_n(s_.pose + 12 * f, 12, camera);
            std::copy_n(s_.lens + kLens * s_.lens_of[f], kLens, camera + 12);
            if (a_.turned) std::copy_n(s_.turn + 9 * s_.lens_of[f], 9, camera + kTurn);
        }
        for (int64_t f = s_.frames - 1; f >= 0; f--) {  // the first frame of a station says where it stands
            double* pose = poses_ + 12 * stations_.of[f];
            std::copy_n(s_.pose + 12 * f, 12, pose);
            if (!a_.turned) continue;
            const double* t = s_.turn + 9 * s_.lens_of[f];
            const double back[9] = {t[0], t[3], t[6], t[1], t[4], t[7], t[2], t[5], t[8]};
            turn_pose(back, s_.pose + 12 * f, pose);
        }
        std::copy_n(cameras_, kCamera * s_.frames, next_cameras_);
        if (a_.turned) place_cameras(poses_, cameras_);
    }

    Summary run(const Options& options) {
        Summary summary{};
        double cost = present_cost();
        summary.before = cost;
        double radius = kFirstRadius, shrink = 2;
        while (summary.iterations < options.iterations && cost > 0) {
            summary.iterations++;
            a_.damping = 1 / radius;
            Gain gain{HUGE_VAL, 0};
            if (solve()) gain = move();
            const double decrease = cost - gain.cost;
            if (!(gain.predicted > 0) || !(decrease > 0)) {
                if (gain.predicted > 0 && -decrease < 1e-14 * cost) break;  // nothing is left but rounding
                radius /= shrink;
                shrink *= 2;
                if (radius < kLeastRadius) break;
                continue;
            }
            std::copy_n(next_cameras_, kCamera * s_.frames, cameras_);
            std::copy_n(next_poses_, 12 * stations_.count, poses_);
            std::copy_n(next_lenses_, kLens * s_.lenses, s_.lens);
            std::copy_n(a_.next_points, 3 * s_.points, s_.at);
            const double quality = 2 * decrease / gain.predicted - 1;
            radius = std::min(kMostRadius, radius / std::max(1.0 / 3, 1 - quality * quality * quality));
            shrink = 2;
            const bool done = decrease <= options.tolerance * cost;
            cost = gain.cost;
            if (done) break;
        }
        summary.after = cost;
        for (int64_t f = 0; f < s_.frames; f++) std::copy_n(cameras_ + kCamera * f, 12, s_.pose + 12 * f);
        return summary;
    }

private:
    int64_t last_of(int64_t chunk) const { return std::min(s_.points, (chunk + 1) * kChunk); }

    double present_cost() {
        crew_.each(chunks_, 4, [&](int64_t begin, int64_t end, int) {
            for (int64_t c = begin; c < end; c++) gains_[c].cost = kernels_.cost(a_, c * kChunk, last_of(c));
        });
        double sum = 0;
        for (const Gain& gain : gains_) sum += gain.cost;
        return sum;
    }

    Sums part(int64_t n) const {
        double* at = sums_ + n * part_size_;
        double* lens_blocks = at + blocks_size_;
        double* lens_sums = lens_blocks + lens_blocks_size_;
        double* pose_scale = lens_sums + lens_sums_size_;
        return {at, lens_blocks, lens_sums, pose_scale, pose_scale + kRow * stations_.count};
    }

    // The step of the cameras and lenses; false where the system is not positive definite.
    bool solve() {
        crew_.each(parts_, 1, [&](int64_t begin, int64_t end, int thread) {
            double* rows = rows_ + thread * (structure_.longest + 8) * kRow * kRow;
            for (int64_t n = begin; n < end; n++) {
                std::fill_n(sums_ + n * part_size_, part_size_, 0.0);
                kernels_.eliminate(a_, s_.points * n / parts_, s_.points * (n + 1) / parts_, part(n), rows);
            }
        });
        constexpr int64_t kGrain = 4096;
        crew_.each(part_size_, kGrain, [&](int64_t begin, int64_t end, int) {  // the parts, in order, into the first
            for (int64_t n = 1; n < parts_; n++) {
                const double* from = sums_ + n * part_size_;
                for (int64_t i = begin; i < end; i++) sums_[i] += from[i];
            }
        });
        assemble();
        right_ = step_;
        if (!system_.factorise(kernels_, crew_)) return false;
        system_.solve(step_.data());
        return true;
    }

    // Copies a block of S to its place; of a block on the diagonal its lower triangle, and the right side.
    void place(const double* block, int64_t row, int64_t height, int64_t column, int64_t width) {
        for (int64_t r = 0; r < height; r++) {
            const double* from = block + kRow * r;
            const int64_t columns = row == column ? r + 1 : width;
            for (int64_t c = 0; c < columns; c++) system_.at(row + r, column + c) = from[c];
            if (row == column) step_[row + r] = -from[kRight];
        }
    }

    void assemble() {
        system_.clear();
        const Sums sums = part(0);
        const int64_t lens_row = kPose * stations_.count;
        for (int64_t f = 0; f < stations_.count; f++) {
            for (int32_t b = structure_.row_starts[f]; b < structure_.row_starts[f + 1]; b++) {
                place(sums.blocks + int64_t{b} * kPoseBlock, kPose * f, kPose, kPose * int64_t{structure_.row_columns[b]},
                      kPose);
            }
            for (int64_t l = 0; l < s_.lenses; l++) {
                place(sums.lens_blocks + (f * s_.lenses + l) * kLensBlock, lens_row + kLens * l, kLens, kPose * f, kPose);
            }
            std::copy_n(sums.pose_scale + kRow * f, kPose, scale_.begin() + kPose * f);
        }
        for (int64_t l = 0; l < s_.lenses; l++) {
            for (int64_t m = 0; m <= l; m++) {
                place(sums.lens_sums + (l * s_.lenses + m) * kLensBlock, lens_row + kLens * l, kLens, lens_row + kLens * m,
                      kLens);
            }
            std::copy_n(sums.lens_scale + kRow * l, kLens, scale_.begin() + lens_row + kLens * l);
        }
        for (int64_t i = 0; i < size_; i++) {
            double& diagonal = system_.at(i, i);
            if (scale_[i] == 0) {  // held, or seen by nothing
                diagonal = 1;
                step_[i] = 0;
            } else {
                diagonal += a_.damping * clamped(scale_[i]);
            }
        }
    }

    // The scene after the step, in the next_ arrays.
    Gain move() {
        Gain total{0, 0};
        for (int64_t i = 0; i < size_; i++) {
            total.predicted += 0.5 * step_[i] * (right_[i] + a_.damping * clamped(scale_[i]) * step_[i]);
        }
        const double* lens_step = step_.data() + kPose * stations_.count;
        for (int64_t l = 0; l < s_.lenses; l++) {
            for (int k = 0; k < kLens; k++) {
                lens_step_[kRow * l + k] = lens_step[kLens * l + k];
                next_lenses_[kLens * l + k] = s_.lens[kLens * l + k] + lens_step[kLens * l + k];
            }
        }
        for (int64_t n = 0; n < stations_.count; n++) {
            std::copy_n(step_.data() + kPose * n, kPose, pose_step_ + kRow * n);
            move_pose(poses_ + 12 * n, pose_step_ + kRow * n, next_poses_ + 12 * n);
        }
        place_cameras(next_poses_, next_cameras_);
        for (int64_t f = 0; f < s_.frames; f++) {
            std::copy_n(next_lenses_ + kLens * s_.lens_of[f], kLens, next_cameras_ + kCamera * f + 12);
        }
        crew_.each(chunks_, 2, [&](int64_t begin, int64_t end, int) {
            for (int64_t c = begin; c < end; c++) gains_[c] = kernels_.substitute(a_, c * kChunk, last_of(c));
        });
        for (const Gain& gain : gains_) {
            total.cost += gain.cost;
            total.predicted += gain.predicted;
        }
        return total;
    }

    // Of stations at `poses` the cameras' own.
    void place_cameras(const double* poses, double* cameras) const {
        for (int64_t f = 0; f < s_.frames; f++) {
            const double* pose = poses + 12 * stations_.of[f];
            if (a_.turned) {
                turn_pose(s_.turn + 9 * s_.lens_of[f], pose, cameras + kCamera * f);
            } else {
                std::copy_n(pose, 12, cameras + kCamera * f);
            }
        }
    }

    const Scene& s_;
    Stations stations_;
    Structure structure_;
    const Kernels& kernels_;
    Crew crew_;
    int64_t chunks_, parts_, size_, blocks_size_, lens_blocks_size_, lens_sums_size_, part_size_;
    Buffer doubles_;
    std::vector<Gain> gains_;
    std::vector<uint8_t> fixed_;
    TiledCholesky system_;
    std::vector<double> step_, right_, scale_;
    Arrays a_;
    double *sums_, *rows_, *cameras_, *next_cameras_, *pose_step_, *lens_step_, *next_lenses_, *poses_, *next_poses_;
};

}  // namespace

Summary adjust(const Scene& scene, const Options& options) {
    if (scene.points == 0 || scene.frames == 0) return {};
    return Adjustment(scene, options).run(options);
}

}  // namespace setpiece::bundle
