#include "pool.h"

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#endif

namespace setpiece::cpu {

namespace {

// How often a waiting thread looks before it sleeps: some tens of microseconds, the length of the gaps
// between the stages of an iteration. Sleeping through each would cost more than the stages' tails.
constexpr int kSpins = 4000;

void pause_briefly() {
#if defined(__x86_64__) || defined(_M_X64)
    _mm_pause();
#elif defined(__aarch64__) && (defined(__GNUC__) || defined(__clang__))
    asm volatile("yield");
#endif
}

uint64_t denormal_mode() {
#if defined(__x86_64__) || defined(_M_X64)
    return _mm_getcsr();
#elif defined(__aarch64__) && (defined(__GNUC__) || defined(__clang__))
    uint64_t mode;
    asm volatile("mrs %0, fpcr" : "=r"(mode));
    return mode;
#else
    return 0;
#endif
}

void set_denormal_mode(uint64_t mode) {
#if defined(__x86_64__) || defined(_M_X64)
    _mm_setcsr(static_cast<unsigned>(mode));
#elif defined(__aarch64__) && (defined(__GNUC__) || defined(__clang__))
    asm volatile("msr fpcr, %0" : : "r"(mode));
#else
    (void)mode;
#endif
}

#if defined(__aarch64__)
constexpr uint64_t kFlush = uint64_t{1} << 24;  // FZ
#else
constexpr uint64_t kFlush = 0x8040;  // flush to zero, denormals are zero
#endif

}  // namespace

FlushDenormals::FlushDenormals() : before_(denormal_mode()) { set_denormal_mode(before_ | kFlush); }
FlushDenormals::~FlushDenormals() { set_denormal_mode(before_); }

Pool::Pool(int threads) {
    for (int i = 1; i < threads; i++) workers_.emplace_back([this, i] { serve(i); });
}

Pool::~Pool() {
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        stop_.store(true);
        generation_.fetch_add(1);
    }
    wake_.notify_all();
    for (std::thread& worker : workers_) worker.join();
}

void Pool::dispatch(Call call, void* context) {
    const FlushDenormals flush;
    if (workers_.empty()) {
        call(context, 0);
        return;
    }
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
        if (spins < kSpins) {
            pause_briefly();
        } else {
            std::this_thread::yield();
        }
    }
}

void Pool::serve(int thread) {
    const FlushDenormals flush;
    uint64_t done = 0;
    for (;;) {
        for (int spins = 0; spins < kSpins && generation_.load(std::memory_order_acquire) == done; spins++) {
            pause_briefly();
        }
        if (generation_.load(std::memory_order_acquire) == done) {
            std::unique_lock<std::mutex> lock(mutex_);
            wake_.wait(lock, [&] { return generation_.load(std::memory_order_acquire) != done; });
        }
        done++;
        if (stop_.load()) return;
        call_(context_, thread);
        running_.fetch_sub(1, std::memory_order_release);
    }
}

}  // namespace setpiece::cpu
