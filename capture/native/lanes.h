// A thin vector of sixteen floats, F16, and of sixteen truths, M16, for kernels that are compiled once per
// instruction set: each build has its own namespace, ISA.
//
// Nothing here rounds differently from one set to the next: no fused multiply-adds, and no sums across lanes.
#pragma once

#include <cmath>
#include <cstdint>

#include "../../setpiece/native/isa_namespace.h"

namespace setpiece::features::ISA {

constexpr int lanes = 16;
alignas(64) constexpr float ramp[lanes] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

#if defined(SETPIECE_AVX512)

struct F16 {
    __m512 v;
};
struct M16 {
    __mmask16 m;
};

inline F16 loadu(const float* p) { return {_mm512_loadu_ps(p)}; }
inline F16 load_bytes(const uint8_t* p) {
    return {_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))))};
}
inline void storeu(float* p, F16 a) { _mm512_storeu_ps(p, a.v); }
inline F16 set(float x) { return {_mm512_set1_ps(x)}; }
inline F16 halves(float low, float high) {
    return {_mm512_mask_broadcastss_ps(_mm512_set1_ps(low), 0xff00, _mm_set_ss(high))};
}
inline F16 operator+(F16 a, F16 b) { return {_mm512_add_ps(a.v, b.v)}; }
inline F16 operator-(F16 a, F16 b) { return {_mm512_sub_ps(a.v, b.v)}; }
inline F16 operator*(F16 a, F16 b) { return {_mm512_mul_ps(a.v, b.v)}; }
inline F16 operator/(F16 a, F16 b) { return {_mm512_div_ps(a.v, b.v)}; }
inline F16 min(F16 a, F16 b) { return {_mm512_min_ps(a.v, b.v)}; }
inline F16 max(F16 a, F16 b) { return {_mm512_max_ps(a.v, b.v)}; }
inline F16 abs(F16 a) { return {_mm512_abs_ps(a.v)}; }
inline F16 sqrt(F16 a) { return {_mm512_sqrt_ps(a.v)}; }
inline F16 floor(F16 a) { return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC)}; }
inline M16 operator>(F16 a, F16 b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_GT_OQ)}; }
inline M16 operator>=(F16 a, F16 b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_GE_OQ)}; }
inline M16 operator&(M16 a, M16 b) { return {static_cast<__mmask16>(a.m & b.m)}; }
inline M16 operator|(M16 a, M16 b) { return {static_cast<__mmask16>(a.m | b.m)}; }
inline F16 select(M16 m, F16 yes, F16 no) { return {_mm512_mask_blend_ps(m.m, no.v, yes.v)}; }
inline uint32_t bits(M16 m) { return m.m; }
inline bool any(M16 m) { return m.m != 0; }
inline F16 gather(const float* base, F16 offset) {
    return {_mm512_i32gather_ps(_mm512_cvttps_epi32(offset.v), base, 4)};
}

#elif defined(SETPIECE_AVX2)

struct F16 {
    __m256 a, b;
};
struct M16 {
    __m256 a, b;
};

inline F16 loadu(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
inline F16 load_bytes(const uint8_t* p) {
    const __m128i eight = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return {_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(eight)),
            _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_srli_si128(eight, 8)))};
}
inline void storeu(float* p, F16 x) {
    _mm256_storeu_ps(p, x.a);
    _mm256_storeu_ps(p + 8, x.b);
}
inline F16 set(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
inline F16 halves(float low, float high) { return {_mm256_set1_ps(low), _mm256_set1_ps(high)}; }
inline F16 operator+(F16 x, F16 y) { return {_mm256_add_ps(x.a, y.a), _mm256_add_ps(x.b, y.b)}; }
inline F16 operator-(F16 x, F16 y) { return {_mm256_sub_ps(x.a, y.a), _mm256_sub_ps(x.b, y.b)}; }
inline F16 operator*(F16 x, F16 y) { return {_mm256_mul_ps(x.a, y.a), _mm256_mul_ps(x.b, y.b)}; }
inline F16 operator/(F16 x, F16 y) { return {_mm256_div_ps(x.a, y.a), _mm256_div_ps(x.b, y.b)}; }
inline F16 min(F16 x, F16 y) { return {_mm256_min_ps(x.a, y.a), _mm256_min_ps(x.b, y.b)}; }
inline F16 max(F16 x, F16 y) { return {_mm256_max_ps(x.a, y.a), _mm256_max_ps(x.b, y.b)}; }
inline F16 abs(F16 x) {
    const __m256 sign = _mm256_set1_ps(-0.0f);
    return {_mm256_andnot_ps(sign, x.a), _mm256_andnot_ps(sign, x.b)};
}
inline F16 sqrt(F16 x) { return {_mm256_sqrt_ps(x.a), _mm256_sqrt_ps(x.b)}; }
inline F16 floor(F16 x) { return {_mm256_floor_ps(x.a), _mm256_floor_ps(x.b)}; }
inline M16 operator>(F16 x, F16 y) {
    return {_mm256_cmp_ps(x.a, y.a, _CMP_GT_OQ), _mm256_cmp_ps(x.b, y.b, _CMP_GT_OQ)};
}
inline M16 operator>=(F16 x, F16 y) {
    return {_mm256_cmp_ps(x.a, y.a, _CMP_GE_OQ), _mm256_cmp_ps(x.b, y.b, _CMP_GE_OQ)};
}
inline M16 operator&(M16 x, M16 y) { return {_mm256_and_ps(x.a, y.a), _mm256_and_ps(x.b, y.b)}; }
inline M16 operator|(M16 x, M16 y) { return {_mm256_or_ps(x.a, y.a), _mm256_or_ps(x.b, y.b)}; }
inline F16 select(M16 m, F16 yes, F16 no) {
    return {_mm256_blendv_ps(no.a, yes.a, m.a), _mm256_blendv_ps(no.b, yes.b, m.b)};
}
inline uint32_t bits(M16 m) {
    return static_cast<uint32_t>(_mm256_movemask_ps(m.a)) | static_cast<uint32_t>(_mm256_movemask_ps(m.b)) << 8;
}
inline bool any(M16 m) { return _mm256_movemask_ps(_mm256_or_ps(m.a, m.b)) != 0; }
inline F16 gather(const float* base, F16 offset) {
    return {_mm256_i32gather_ps(base, _mm256_cvttps_epi32(offset.a), 4),
            _mm256_i32gather_ps(base, _mm256_cvttps_epi32(offset.b), 4)};
}

#else

struct F16 {
    float v[lanes];
};
struct M16 {
    int32_t m[lanes];
};

template <class Result, class Function>
inline Result each(Function f) {
    Result r;
    for (int i = 0; i < lanes; ++i) f(i, r);
    return r;
}

inline F16 loadu(const float* p) {
    return each<F16>([=](int i, F16& r) { r.v[i] = p[i]; });
}
inline F16 load_bytes(const uint8_t* p) {
    return each<F16>([=](int i, F16& r) { r.v[i] = p[i]; });
}
inline void storeu(float* p, const F16& a) {
    for (int i = 0; i < lanes; ++i) p[i] = a.v[i];
}
inline F16 set(float x) {
    return each<F16>([=](int i, F16& r) { r.v[i] = x; });
}
inline F16 halves(float low, float high) {
    return each<F16>([=](int i, F16& r) { r.v[i] = i < 8 ? low : high; });
}
inline F16 operator+(const F16& a, const F16& b) {
    return each<F16>([&](int i, F16& r) { r.v[i] = a.v[i] + b.v[i]; });
}
inline F16 operator-(const F16& a, const F16& b) {
    return each<F16>([&](int i, F16& r) { r.v[i] = a.v[i] - b.v[i]; });
}
inline F16 operator*(const F16& a, const F16& b) {
    return each<F16>([&](int i, F16& r) { r.v[i] = a.v[i] * b.v[i]; });
}
inline F16 operator/(const F16& a, const F16& b) {
    return each<F16>([&](int i, F16& r) { r.v[i] = a.v[i] / b.v[i]; });
}
inline F16 min(const F16& a, const F16& b) {
    return each<F16>([&](int i, F16& r) { r.v[i] = a.v[i] < b.v[i] ? a.v[i] : b.v[i]; });
}
inline F16 max(const F16& a, const F16& b) {
    return each<F16>([&](int i, F16& r) { r.v[i] = a.v[i] > b.v[i] ? a.v[i] : b.v[i]; });
}
inline F16 abs(const F16& a) {
    return each<F16>([&](int i, F16& r) { r.v[i] = std::fabs(a.v[i]); });
}
inline F16 sqrt(const F16& a) {
    return each<F16>([&](int i, F16& r) { r.v[i] = std::sqrt(a.v[i]); });
}
inline F16 floor(const F16& a) {
    return each<F16>([&](int i, F16& r) { r.v[i] = std::floor(a.v[i]); });
}
inline M16 operator>(const F16& a, const F16& b) {
    return each<M16>([&](int i, M16& r) { r.m[i] = -static_cast<int32_t>(a.v[i] > b.v[i]); });
}
inline M16 operator>=(const F16& a, const F16& b) {
    return each<M16>([&](int i, M16& r) { r.m[i] = -static_cast<int32_t>(a.v[i] >= b.v[i]); });
}
inline M16 operator&(const M16& a, const M16& b) {
    return each<M16>([&](int i, M16& r) { r.m[i] = a.m[i] & b.m[i]; });
}
inline M16 operator|(const M16& a, const M16& b) {
    return each<M16>([&](int i, M16& r) { r.m[i] = a.m[i] | b.m[i]; });
}
inline F16 select(const M16& m, const F16& yes, const F16& no) {
    return each<F16>([&](int i, F16& r) { r.v[i] = m.m[i] ? yes.v[i] : no.v[i]; });
}
inline uint32_t bits(const M16& m) {
    uint32_t result = 0;
    for (int i = 0; i < lanes; ++i) result |= static_cast<uint32_t>(m.m[i] & 1) << i;
    return result;
}
inline bool any(const M16& m) {
    int32_t result = 0;
    for (int i = 0; i < lanes; ++i) result |= m.m[i];
    return result != 0;
}
inline F16 gather(const float* base, const F16& offset) {
    return each<F16>([&](int i, F16& r) { r.v[i] = base[static_cast<int32_t>(offset.v[i])]; });
}

#endif

}  // namespace setpiece::features::ISA
