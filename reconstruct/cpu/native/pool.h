// A small pool of threads. What a thread computes never depends on which thread it is, so results are the
// same bit for bit for any number of threads; only the time differs.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

namespace setpiece::cpu {

// While it lives, the calling thread's arithmetic turns denormal numbers into 0: they appear in tails of
// Gaussians and in old Adam moments and cost up to a hundred times a normal number.
class FlushDenormals {
public:
    FlushDenormals();
    ~FlushDenormals();
    FlushDenormals(const FlushDenormals&) = delete;
    FlushDenormals& operator=(const FlushDenormals&) = delete;

private:
    uint64_t before_;
};

class Pool {
public:
    explicit Pool(int threads);
    ~Pool();
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;

    int threads() const { return static_cast<int>(workers_.size()) + 1; }

    // Calls work(thread) once on every thread, the caller's included, and waits for all. `work` must not
    // throw.
    template <class Work>
    void run(Work&& work) {
        dispatch([](void* context, int thread) { (*static_cast<Work*>(context))(thread); }, &work);
    }

    // Calls work(begin, end) for pieces of [0, count) of at most `grain`, handed out as threads come free.
    template <class Work>
    void each(int64_t count, int64_t grain, Work&& work) {
        std::atomic<int64_t> next{0};
        run([&](int) {
            for (;;) {
                const int64_t begin = next.fetch_add(grain, std::memory_order_relaxed);
                if (begin >= count) return;
                work(begin, begin + grain < count ? begin + grain : count);
            }
        });
    }

private:
    using Call = void (*)(void*, int);

    void dispatch(Call call, void* context);
    void serve(int thread);

    std::vector<std::thread> workers_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::atomic<uint64_t> generation_{0};
    std::atomic<int> running_{0};
    std::atomic<bool> stop_{false};
    Call call_ = nullptr;
    void* context_ = nullptr;
};

}  // namespace setpiece::cpu
