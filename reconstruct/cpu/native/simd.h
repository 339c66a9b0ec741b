// A thin vector of sixteen floats, F16, with masks, M16. The kernels are written once over it; the build
// compiles them once per instruction set, each time with another ISA (a namespace) and another header.
//
// load and store take addresses aligned to 64 bytes, loadu and storeu any. fma(a, b, c) = a b + c and
// fnma(a, b, c) = c - a b, rounded once where the machine can. keep(m, a) is a where m holds, else 0.
// Comparisons with NaN are false; min(a, b) and max(a, b) with a NaN give b.
#pragma once

#include "../../../setpiece/native/isa_namespace.h"

#if defined(SETPIECE_AVX512)
#include "simd_avx512.h"
#elif defined(SETPIECE_AVX2)
#include "simd_avx2.h"
#else
#include "simd_plain.h"
#endif

#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#endif

namespace setpiece::cpu::ISA {

constexpr float kLog2E = 1.44269504088896f;

alignas(64) constexpr float kRamp[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

inline F16 operator-(F16 a) { return set(0.0f) - a; }
inline F16 clamp(F16 x, F16 low, F16 high) { return min(max(x, low), high); }

// Index of the lowest set bit; `mask` must not be 0.
inline int lowest_bit(uint64_t mask) {
#if defined(_MSC_VER) && !defined(__clang__)
    unsigned long index;
    _BitScanForward64(&index, mask);
    return static_cast<int>(index);
#else
    return __builtin_ctzll(mask);
#endif
}

// Starts to bring a cache line closer, to be read or written soon.
inline void prefetch(const void* p) {
#if defined(__GNUC__) || defined(__clang__)
    __builtin_prefetch(p, 0, 3);
#else
    (void)p;
#endif
}
inline void prefetch_to_write(const void* p) {
#if defined(__GNUC__) || defined(__clang__)
    __builtin_prefetch(p, 1, 3);
#else
    (void)p;
#endif
}

// 2^x to 2e-9 relative before rounding, for any x; 0 below -126. Minimax polynomial of degree 6.
inline F16 exp2(F16 x) {
    const F16 inside = clamp(x, set(-126.0f), set(127.0f));
    const F16 n = round(inside);
    const F16 f = inside - n;
    F16 p = fma(set(0.00015345795f), f, set(0.0013399931f));
    p = fma(p, f, set(0.009618489f));
    p = fma(p, f, set(0.055503286f));
    p = fma(p, f, set(0.24022646f));
    p = fma(p, f, set(0.69314718f));
    p = fma(p, f, set(1.0f));
    return keep(x >= set(-126.0f), scale2(p, n));
}

inline F16 exp(F16 x) { return exp2(x * set(kLog2E)); }

// result[i] = 2^x[i] to 2.7e-6 relative where least <= x[i] < 100, and 0 where it is less or not a number.
// Minimax polynomial of degree 4 between two integers, kCount of them side by side.
template <int kCount>
inline void exp2_in_range(const F16 x[kCount], F16 least, F16 result[kCount]) {
    F16 f[kCount], p[kCount];
    for (int i = 0; i < kCount; i++) f[i] = x[i] - floor(x[i]);
    for (int i = 0; i < kCount; i++) p[i] = fma(set(0.0135341679f), f[i], set(0.0520114606f));
    for (int i = 0; i < kCount; i++) p[i] = fma(p[i], f[i], set(0.241442757f));
    for (int i = 0; i < kCount; i++) p[i] = fma(p[i], f[i], set(0.693003834f));
    for (int i = 0; i < kCount; i++) p[i] = fma(p[i], f[i], set(1.00000259f));
    for (int i = 0; i < kCount; i++) result[i] = keep(x[i] >= least, scale2_floor(p[i], x[i]));
}

// log2(x) to 4e-9 absolute before rounding, for normal positive x. Minimax polynomial of degree 10.
inline F16 log2(F16 x) {
    F16 mantissa, exponent;
    split(x, &mantissa, &exponent);
    const F16 t = mantissa - set(1.0f);
    F16 p = fma(set(-0.0643409f), t, set(0.15066327f));
    p = fma(p, t, set(-0.19027767f));
    p = fma(p, t, set(0.20910138f));
    p = fma(p, t, set(-0.24014834f));
    p = fma(p, t, set(0.28838402f));
    p = fma(p, t, set(-0.36067486f));
    p = fma(p, t, set(0.48090076f));
    p = fma(p, t, set(-0.72134751f));
    p = fma(p, t, set(1.442695f));
    return fma(p, t, exponent);
}

// 1 / (1 + exp(-x))
inline F16 sigmoid(F16 x) { return set(1.0f) / (set(1.0f) + exp(-x)); }

}  // namespace setpiece::cpu::ISA
