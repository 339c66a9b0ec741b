// A few threads that share work piece by piece. What a piece computes never depends on which thread takes it,
// so results are the same bit for bit for any number of threads.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

namespace setpiece {

class Crew {
public:
    explicit Crew(int threads) {
        for (int i = 1; i < threads; i++) {
            workers_.emplace_back([this, i] { serve(i); });
        }
    }

    ~Crew() {
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            stop_ = true;
            generation_.fetch_add(1);
        }
        wake_.notify_all();
        for (std::thread& worker : workers_) worker.join();
    }

    Crew(const Crew&) = delete;
    Crew& operator=(const Crew&) = delete;

    int threads() const { return static_cast<int>(workers_.size()) + 1; }

    // Calls work(begin, end, thread) for pieces of [0, count) of at most `grain`, and waits for all. `work`
    // must not throw.
    template <class Work>
    void each(int64_t count, int64_t grain, Work&& work) {
        if (workers_.empty() || count <= grain) {
            for (int64_t begin = 0; begin < count; begin += grain) {
                work(begin, begin + grain < count ? begin + grain : count, 0);
            }
            return;
        }
        std::atomic<int64_t> next{0};
        auto share = [&](int thread) {
            for (;;) {
                const int64_t begin = next.fetch_add(grain, std::memory_order_relaxed);
                if (begin >= count) return;
                work(begin, begin + grain < count ? begin + grain : count, thread);
            }
        };
        dispatch([](void* context, int thread) { (*static_cast<decltype(share)*>(context))(thread); }, &share);
    }

private:
    using Call = void (*)(void*, int);
    static constexpr int kSpins = 20000;  // looks before a waiting thread gives way: the gaps are short

    void dispatch(Call call, void* context) {
        running_.store(static_cast<int>(workers_.size()), std::memory_order_relaxed);
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            call_ = call;
            context_ = context;
            generation_.fetch_add(1, std::memory_order_release);
        }
        wake_.notify_all();
        call(context, 0);
        for (int spins = 0; running_.load(std::memory_order_acquire) != 0; spins++) {
            if (spins > kSpins) std::this_thread::yield();
        }
    }

    void serve(int thread) {
        uint64_t done = 0;
        for (;;) {
            int spins = 0;
            while (spins < kSpins && generation_.load(std::memory_order_acquire) == done) spins++;
            if (generation_.load(std::memory_order_acquire) == done) {
                std::unique_lock<std::mutex> lock(mutex_);
                wake_.wait(lock, [&] { return generation_.load(std::memory_order_acquire) != done; });
            }
            done++;
            if (stop_) return;
            call_(context_, thread);
            running_.fetch_sub(1, std::memory_order_release);
        }
    }

    std::vector<std::thread> workers_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::atomic<uint64_t> generation_{0};
    std::atomic<int> running_{0};
    bool stop_ = false;
    Call call_ = nullptr;
    void* context_ = nullptr;
};

}  // namespace setpiece
