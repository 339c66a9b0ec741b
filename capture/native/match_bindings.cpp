// Descriptor matching for Python.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "bindings.h"
#include "match.h"

namespace nb = nanobind;
using namespace setpiece::matching;

namespace {

using Descriptors = nb::ndarray<const uint8_t, nb::shape<-1, length>, nb::c_contig, nb::device::cpu>;
using Pairs = nb::ndarray<const int64_t, nb::shape<-1, 2>, nb::c_contig, nb::device::cpu>;
using Rows = nb::ndarray<nb::numpy, uint32_t, nb::shape<-1, 2>>;
using Starts = nb::ndarray<nb::numpy, int64_t, nb::shape<-1>>;

Kernel chosen(const std::string& name) {
    if (name.empty()) return best_kernel();
    for (const Kernel kernel : {Kernel::plain, Kernel::avx2, Kernel::vnni}) {
        if (name == kernel_name(kernel) && kernel <= best_kernel()) return kernel;
    }
    throw std::invalid_argument("this machine has no matching kernel named " + name);
}

struct Match {
    uint32_t first, second;
    double ratio;  // squared: nearest over second nearest
};

// Mutual nearest neighbours that pass the ratio test, the most distinct first.
std::vector<Match> match(const Descriptors& first, const Descriptors& second, int strongest, double ratio, Kernel use) {
    const int rows = static_cast<int>(std::min<size_t>(first.shape(0), static_cast<size_t>(strongest)));
    const int columns = static_cast<int>(std::min<size_t>(second.shape(0), static_cast<size_t>(strongest)));
    std::vector<Match> found;
    if (rows < 2 || columns < 2) return found;
    std::vector<uint32_t> best(rows), next(rows), back(columns);
    search({first.data(), second.data(), rows, columns, best.data(), next.data(), back.data()}, use);
    constexpr double full = 512.0 * 512.0;  // similarity of a descriptor with itself, up to rounding
    for (int i = 0; i < rows; ++i) {
        const uint32_t j = most - (best[i] & place_mask);
        if (most - (back[j] & place_mask) != static_cast<uint32_t>(i)) continue;
        const double near = std::max(0.0, full - (best[i] >> 13));
        const double far = std::max(0.0, full - (next[i] >> 13));
        if (near < ratio * ratio * far) found.push_back({static_cast<uint32_t>(i), j, near / far});
    }
    std::stable_sort(found.begin(), found.end(), [](const Match& a, const Match& b) { return a.ratio < b.ratio; });
    return found;
}

// Calls `job` with 0 to `count` - 1.
template <class Job>
void in_parallel(int64_t count, int threads, Job job) {
    std::atomic<int64_t> following{0};
    auto work = [&] {
        for (int64_t n = following++; n < count; n = following++) job(n);
    };
    std::vector<std::thread> others;
    for (int64_t t = 1; t < std::min<int64_t>(threads, count); ++t) others.emplace_back(work);
    work();
    for (std::thread& other : others) other.join();
}

// Matches all pairs and gives what `keep` makes of the matches of each, in the order of the pairs.
template <class T, class Keep>
std::vector<T> match_all(const std::vector<Descriptors>& descriptors, const Pairs& pairs, int strongest, double ratio,
                         int threads, const std::string& kernel, Keep keep) {
    const Kernel use = chosen(kernel);
    const int64_t count = static_cast<int64_t>(pairs.shape(0)), frames = static_cast<int64_t>(descriptors.size());
    for (int64_t p = 0; p < count; ++p) {
        for (int side = 0; side < 2; ++side) {
            if (pairs(p, side) < 0 || pairs(p, side) >= frames) throw std::invalid_argument("no such frame");
        }
    }
    if (strongest < 1 || strongest > most) throw std::invalid_argument("strongest is 1 to 8191");
    nb::gil_scoped_release unlocked;
    std::vector<T> results(static_cast<size_t>(count));
    in_parallel(count, threads, [&](int64_t p) {
        const auto& first = descriptors[static_cast<size_t>(pairs(p, 0))];
        const auto& second = descriptors[static_cast<size_t>(pairs(p, 1))];
        results[static_cast<size_t>(p)] = keep(match(first, second, strongest, ratio, use));
    });
    return results;
}

nb::tuple match_pairs(const std::vector<Descriptors>& descriptors, const Pairs& pairs, double ratio, int threads,
                      const std::string& kernel) {
    const std::vector<std::vector<Match>> found = match_all<std::vector<Match>>(
        descriptors, pairs, most, ratio, threads, kernel, [](std::vector<Match> matches) { return matches; });
    auto* starts = new std::vector<int64_t>(1, 0);
    nb::capsule starts_owner(starts, [](void* p) noexcept { delete static_cast<std::vector<int64_t>*>(p); });
    auto* rows = new std::vector<uint32_t>();
    nb::capsule rows_owner(rows, [](void* p) noexcept { delete static_cast<std::vector<uint32_t>*>(p); });
    for (const std::vector<Match>& matches : found) {
        for (const Match& one : matches) rows->insert(rows->end(), {one.first, one.second});
        starts->push_back(static_cast<int64_t>(rows->size() / 2));
    }
    return nb::make_tuple(Starts(starts->data(), {starts->size()}, starts_owner),
                          Rows(rows->data(), {rows->size() / 2, 2}, rows_owner));
}

std::vector<int> count_matches(const std::vector<Descriptors>& descriptors, const Pairs& pairs, int strongest,
                               double ratio, int threads) {
    return match_all<int>(descriptors, pairs, strongest, ratio, threads, "",
                          [](const std::vector<Match>& matches) { return static_cast<int>(matches.size()); });
}

std::vector<int> nearest(const std::vector<Descriptors>& descriptors, const Descriptors& among, int strongest,
                         int threads) {
    const int columns = static_cast<int>(std::min<size_t>(among.shape(0), most));
    if (columns < 1 || strongest < 1 || strongest > most) throw std::invalid_argument("nothing to choose from");
    const Kernel use = best_kernel();
    std::vector<size_t> starts(1, 0);
    for (const Descriptors& some : descriptors) {
        starts.push_back(starts.back() + std::min<size_t>(some.shape(0), static_cast<size_t>(strongest)));
    }
    nb::gil_scoped_release unlocked;
    std::vector<int> found(starts.back());
    in_parallel(static_cast<int64_t>(descriptors.size()), threads, [&](int64_t n) {
        const size_t frame = static_cast<size_t>(n);
        const int rows = static_cast<int>(starts[frame + 1] - starts[frame]);
        if (rows < 1) return;
        std::vector<uint32_t> best(rows), next(rows), back(columns);
        search({descriptors[frame].data(), among.data(), rows, columns, best.data(), next.data(), back.data()}, use);
        for (int i = 0; i < rows; ++i) {
            found[starts[frame] + static_cast<size_t>(i)] = static_cast<int>(most - (best[i] & place_mask));
        }
    });
    return found;
}

}  // namespace

void bind_matching(nb::module_& m) {
    m.def("match_pairs", &match_pairs, nb::arg("descriptors"), nb::arg("pairs"), nb::arg("ratio"), nb::arg("threads"),
          nb::arg("kernel") = "",
          "Mutual nearest neighbours that pass the ratio test: where those of each pair start [P + 1], and the\n"
          "matches of all [M, 2] uint32, the most distinct of each pair first. Releases the GIL.");
    m.def("count_matches", &count_matches, nb::arg("descriptors"), nb::arg("pairs"), nb::arg("strongest"),
          nb::arg("ratio"), nb::arg("threads"),
          "How many matches each pair has among the first `strongest` features. Releases the GIL.");
    m.def("nearest", &nearest, nb::arg("descriptors"), nb::arg("among"), nb::arg("strongest"), nb::arg("threads"),
          "For the first `strongest` descriptors of each frame, one after the other, the row of the most similar of\n"
          "`among`. Releases the GIL.");
    m.def("matching_kernel", [] { return std::string(kernel_name(best_kernel())); }, "The kernel in use.");
}
