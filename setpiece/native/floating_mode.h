// How a thread's arithmetic treats denormal numbers.
#pragma once

#include <cstdint>

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#endif

namespace setpiece {

inline uint64_t floating_mode() {
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

inline void set_floating_mode(uint64_t mode) {
#if defined(__x86_64__) || defined(_M_X64)
    _mm_setcsr(static_cast<unsigned>(mode));
#elif defined(__aarch64__) && (defined(__GNUC__) || defined(__clang__))
    asm volatile("msr fpcr, %0" : : "r"(mode));
#else
    (void)mode;
#endif
}

// While it lives, the calling thread's arithmetic turns denormal numbers into 0: they appear in tails of
// Gaussians and in old Adam moments and cost up to a hundred times a normal number.
class FlushDenormals {
public:
    FlushDenormals() : before_(floating_mode()) {
#if defined(__aarch64__)
        set_floating_mode(before_ | uint64_t{1} << 24);  // FZ
#else
        set_floating_mode(before_ | 0x8040);  // flush to zero, denormals are zero
#endif
    }
    ~FlushDenormals() { set_floating_mode(before_); }
    FlushDenormals(const FlushDenormals&) = delete;
    FlushDenormals& operator=(const FlushDenormals&) = delete;

private:
    uint64_t before_;
};

}  // namespace setpiece
