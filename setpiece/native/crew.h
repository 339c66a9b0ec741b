// A few threads that share work piece by piece. What a piece computes never depends on which thread takes it,
// so results are the same bit for bit for any number of threads; only the time differs.
//
// Nobody waits for a thread that comes late: where other programs keep a core busy, those that are there take
// all pieces, and the late one finds the work closed.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "floating_mode.h"

namespace setpiece {

class Crew {
public:
    explicit Crew(int threads) {
        for (int i = 1; i < threads; i++) workers_.emplace_back([this, i] { serve(i); });
    }

    ~Crew() {
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            stop_.store(true);
            state_.fetch_add(kGeneration);
        }
        wake_.notify_all();
        for (std::thread& worker : workers_) worker.join();
    }

    Crew(const Crew&) = delete;
    Crew& operator=(const Crew&) = delete;

    int threads() const { return static_cast<int>(workers_.size()) + 1; }

    // Calls work(begin, end, thread) for pieces of [0, count) of at most `grain`, handed out as threads come
    // free, and waits for all. `thread` is below threads(), the caller's 0. `work` must not throw.
    template <class Work>
    void each(int64_t count, int64_t grain, Work&& work) {
        std::atomic<int64_t> next{0};
        auto share = [&](int thread) {
            for (;;) {
                const int64_t begin = next.fetch_add(grain, std::memory_order_relaxed);
                if (begin >= count) return;
                work(begin, begin + grain < count ? begin + grain : count, thread);
            }
        };
        if (workers_.empty() || count <= grain) {
            share(0);
        } else {
            dispatch([](void* context, int thread) { (*static_cast<decltype(share)*>(context))(thread); }, &share);
        }
    }

private:
    using Call = void (*)(void*, int);

    // `state_` is the number of the work in its upper bits, how many joined it, and whether one still may.
    static constexpr uint64_t kOpen = 1, kJoined = 2, kGeneration = 1 << 16;
    // How often a waiting thread looks before it sleeps: some tens of microseconds, the length of the gaps
    // between pieces of work. Sleeping through each would cost more than the ends that are waited for.
    static constexpr int kSpins = 4000;

    void dispatch(Call call, void* context) {
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            call_ = call;
            context_ = context;
            mode_ = floating_mode();
            left_.store(0, std::memory_order_relaxed);
            const uint64_t number = state_.load(std::memory_order_relaxed) / kGeneration + 1;
            state_.store(number * kGeneration | kOpen, std::memory_order_release);
        }
        wake_.notify_all();
        call(context, 0);
        const uint64_t joined =
            state_.fetch_and(~kOpen, std::memory_order_acq_rel) % kGeneration / kJoined;
        for (int spins = 0; left_.load(std::memory_order_acquire) != joined; spins++) {
            if (spins < kSpins) {
                pause();
            } else {
                std::this_thread::yield();
            }
        }
    }

    void serve(int thread) {
        uint64_t seen = 0;
        for (;;) {
            uint64_t state = state_.load(std::memory_order_acquire);
            for (int spins = 0; spins < kSpins && state / kGeneration == seen; spins++) {
                pause();
                state = state_.load(std::memory_order_acquire);
            }
            if (state / kGeneration == seen) {
                std::unique_lock<std::mutex> lock(mutex_);
                wake_.wait(lock, [&] {
                    state = state_.load(std::memory_order_acquire);
                    return state / kGeneration != seen;
                });
            }
            if (stop_.load()) return;
            seen = state / kGeneration;
            while ((state & kOpen) != 0 && state / kGeneration == seen) {
                if (state_.compare_exchange_weak(state, state + kJoined, std::memory_order_acq_rel)) {
                    set_floating_mode(mode_);
                    call_(context_, thread);
                    left_.fetch_add(1, std::memory_order_release);
                    break;
                }
            }
        }
    }

    static void pause() {
#if defined(__x86_64__) || defined(_M_X64)
        _mm_pause();
#elif defined(__aarch64__) && (defined(__GNUC__) || defined(__clang__))
        asm volatile("yield");
#endif
    }

    std::vector<std::thread> workers_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::atomic<uint64_t> state_{0};
    std::atomic<uint64_t> left_{0};  // threads that joined and are done
    std::atomic<bool> stop_{false};
    Call call_ = nullptr;  // these three change only while nobody has joined
    void* context_ = nullptr;
    uint64_t mode_ = 0;
};

}  // namespace setpiece
