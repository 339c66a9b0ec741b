// Sixteen floats in two AVX2 registers. See simd.h for what each function means.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace setpiece::cpu::ISA {

struct M16 {
    __m256 a, b;
};

struct F16 {
    __m256 a, b;
};

inline F16 load(const float* p) { return {_mm256_load_ps(p), _mm256_load_ps(p + 8)}; }
inline F16 loadu(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
inline void store(float* p, F16 x) {
    _mm256_store_ps(p, x.a);
    _mm256_store_ps(p + 8, x.b);
}
inline void storeu(float* p, F16 x) {
    _mm256_storeu_ps(p, x.a);
    _mm256_storeu_ps(p + 8, x.b);
}
inline F16 set(float x) {
    const __m256 v = _mm256_set1_ps(x);
    return {v, v};
}

inline F16 operator+(F16 x, F16 y) { return {_mm256_add_ps(x.a, y.a), _mm256_add_ps(x.b, y.b)}; }
inline F16 operator-(F16 x, F16 y) { return {_mm256_sub_ps(x.a, y.a), _mm256_sub_ps(x.b, y.b)}; }
inline F16 operator*(F16 x, F16 y) { return {_mm256_mul_ps(x.a, y.a), _mm256_mul_ps(x.b, y.b)}; }
inline F16 operator/(F16 x, F16 y) { return {_mm256_div_ps(x.a, y.a), _mm256_div_ps(x.b, y.b)}; }
inline F16 fma(F16 x, F16 y, F16 z) {
    return {_mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b)};
}
inline F16 fnma(F16 x, F16 y, F16 z) {
    return {_mm256_fnmadd_ps(x.a, y.a, z.a), _mm256_fnmadd_ps(x.b, y.b, z.b)};
}
inline F16 min(F16 x, F16 y) { return {_mm256_min_ps(x.a, y.a), _mm256_min_ps(x.b, y.b)}; }
inline F16 max(F16 x, F16 y) { return {_mm256_max_ps(x.a, y.a), _mm256_max_ps(x.b, y.b)}; }
inline F16 abs(F16 x) {
    const __m256 sign = _mm256_set1_ps(-0.0f);
    return {_mm256_andnot_ps(sign, x.a), _mm256_andnot_ps(sign, x.b)};
}
inline F16 sqrt(F16 x) { return {_mm256_sqrt_ps(x.a), _mm256_sqrt_ps(x.b)}; }
inline F16 floor(F16 x) { return {_mm256_floor_ps(x.a), _mm256_floor_ps(x.b)}; }
inline F16 round(F16 x) { return {_mm256_round_ps(x.a, 8), _mm256_round_ps(x.b, 8)}; }

inline M16 operator<(F16 x, F16 y) {
    return {_mm256_cmp_ps(x.a, y.a, _CMP_LT_OQ), _mm256_cmp_ps(x.b, y.b, _CMP_LT_OQ)};
}
inline M16 operator<=(F16 x, F16 y) {
    return {_mm256_cmp_ps(x.a, y.a, _CMP_LE_OQ), _mm256_cmp_ps(x.b, y.b, _CMP_LE_OQ)};
}
inline M16 operator>(F16 x, F16 y) { return y < x; }
inline M16 operator>=(F16 x, F16 y) { return y <= x; }
inline M16 operator&(M16 x, M16 y) { return {_mm256_and_ps(x.a, y.a), _mm256_and_ps(x.b, y.b)}; }
inline M16 operator|(M16 x, M16 y) { return {_mm256_or_ps(x.a, y.a), _mm256_or_ps(x.b, y.b)}; }
inline F16 select(M16 m, F16 x, F16 y) {
    return {_mm256_blendv_ps(y.a, x.a, m.a), _mm256_blendv_ps(y.b, x.b, m.b)};
}
inline F16 keep(M16 m, F16 x) { return {_mm256_and_ps(m.a, x.a), _mm256_and_ps(m.b, x.b)}; }
inline uint32_t bits(M16 m) {
    return static_cast<uint32_t>(_mm256_movemask_ps(m.a)) | static_cast<uint32_t>(_mm256_movemask_ps(m.b))
                                                                << 8;
}
inline bool any(M16 m) { return _mm256_movemask_ps(_mm256_or_ps(m.a, m.b)) != 0; }
inline M16 mask_of(uint32_t b) {
    const __m256i bit = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    const __m256i low = _mm256_and_si256(_mm256_set1_epi32(static_cast<int>(b)), bit);
    const __m256i high = _mm256_and_si256(_mm256_set1_epi32(static_cast<int>(b >> 8)), bit);
    return {_mm256_castsi256_ps(_mm256_cmpeq_epi32(low, bit)),
            _mm256_castsi256_ps(_mm256_cmpeq_epi32(high, bit))};
}

inline __m256 scale2_half(__m256 p, __m256 n) {
    const __m256i e = _mm256_slli_epi32(_mm256_cvtps_epi32(n), 23);
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(p), e));
}

// p * 2^n for integral n; p and the result must be normal numbers
inline F16 scale2(F16 p, F16 n) { return {scale2_half(p.a, n.a), scale2_half(p.b, n.b)}; }

// p * 2^floor(x); p and the result must be normal numbers
inline F16 scale2_floor(F16 p, F16 x) { return scale2(p, floor(x)); }

inline void split_half(__m256 x, __m256* mantissa, __m256* exponent) {
    const __m256i shifted = _mm256_sub_epi32(_mm256_castps_si256(x), _mm256_set1_epi32(0x3f400000));  // 0.75
    const __m256i e = _mm256_srai_epi32(shifted, 23);
    *exponent = _mm256_cvtepi32_ps(e);
    *mantissa = _mm256_castsi256_ps(_mm256_sub_epi32(_mm256_castps_si256(x), _mm256_slli_epi32(e, 23)));
}

// x = mantissa * 2^exponent with the mantissa in [0.75, 1.5); x must be normal and positive
inline void split(F16 x, F16* mantissa, F16* exponent) {
    split_half(x.a, &mantissa->a, &exponent->a);
    split_half(x.b, &mantissa->b, &exponent->b);
}

// Sixteen bytes as floats 0 to 255.
inline F16 load_bytes(const uint8_t* p) {
    const __m128i all = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return {_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(all)),
            _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_srli_si128(all, 8)))};
}

inline void store_int(int32_t* p, F16 x) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm256_cvttps_epi32(x.a));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p + 8), _mm256_cvttps_epi32(x.b));
}

// Stores first + i for each set bit i of `places`, in order; returns how many. May write sixteen values.
inline int store_places(int32_t* p, uint32_t places, int first) {
    int count = 0;
    for (int i = 0; places; places >>= 1, i++) {
        p[count] = first + i;
        count += static_cast<int>(places & 1);
    }
    return count;
}

// Four rows of four floats: the pixels of a 4x4 block, row by row.
inline F16 load_block(const float* p, int64_t stride) {
    return {_mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(p)), _mm_loadu_ps(p + stride), 1),
            _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(p + 2 * stride)),
                                 _mm_loadu_ps(p + 3 * stride), 1)};
}

inline void store_block(float* p, int64_t stride, F16 x) {
    _mm_storeu_ps(p, _mm256_castps256_ps128(x.a));
    _mm_storeu_ps(p + stride, _mm256_extractf128_ps(x.a, 1));
    _mm_storeu_ps(p + 2 * stride, _mm256_castps256_ps128(x.b));
    _mm_storeu_ps(p + 3 * stride, _mm256_extractf128_ps(x.b, 1));
}

inline void transpose8(__m256 r[8]) {
    __m256 t[8], u[8];
    for (int i = 0; i < 8; i += 2) {
        t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
    }
    for (int i = 0; i < 8; i += 4) {
        for (int j = 0; j < 2; j++) {
            u[i + 2 * j] = _mm256_shuffle_ps(t[i + j], t[i + j + 2], 0x44);
            u[i + 2 * j + 1] = _mm256_shuffle_ps(t[i + j], t[i + j + 2], 0xee);
        }
    }
    for (int i = 0; i < 4; i++) {
        r[i] = _mm256_permute2f128_ps(u[i], u[4 + i], 0x20);
        r[4 + i] = _mm256_permute2f128_ps(u[i], u[4 + i], 0x31);
    }
}

inline void transpose(F16 r[16]) {
    __m256 q[4][8];
    for (int i = 0; i < 8; i++) {
        q[0][i] = r[i].a;
        q[1][i] = r[i].b;
        q[2][i] = r[8 + i].a;
        q[3][i] = r[8 + i].b;
    }
    for (int i = 0; i < 4; i++) transpose8(q[i]);
    for (int i = 0; i < 8; i++) {
        r[i] = {q[0][i], q[2][i]};
        r[8 + i] = {q[1][i], q[3][i]};
    }
}

// Lane k of the result is the sum of the lanes of v[k], for k < 12.
inline F16 sums12(const F16 v[12]) {
    __m256 fours[4];
    for (int i = 0; i < 3; i++) {
        __m256 h[4];
        for (int j = 0; j < 4; j++) h[j] = _mm256_add_ps(v[4 * i + j].a, v[4 * i + j].b);
        const __m256 ab = _mm256_add_ps(_mm256_unpacklo_ps(h[0], h[1]), _mm256_unpackhi_ps(h[0], h[1]));
        const __m256 cd = _mm256_add_ps(_mm256_unpacklo_ps(h[2], h[3]), _mm256_unpackhi_ps(h[2], h[3]));
        fours[i] = _mm256_add_ps(_mm256_shuffle_ps(ab, cd, 0x44), _mm256_shuffle_ps(ab, cd, 0xee));
    }
    fours[3] = _mm256_setzero_ps();
    return {_mm256_add_ps(_mm256_permute2f128_ps(fours[0], fours[1], 0x20),
                          _mm256_permute2f128_ps(fours[0], fours[1], 0x31)),
            _mm256_add_ps(_mm256_permute2f128_ps(fours[2], fours[3], 0x20),
                          _mm256_permute2f128_ps(fours[2], fours[3], 0x31))};
}

inline float sum(F16 x) {
    const __m256 s = _mm256_add_ps(x.a, x.b);
    __m128 t = _mm_add_ps(_mm256_castps256_ps128(s), _mm256_extractf128_ps(s, 1));
    t = _mm_add_ps(t, _mm_movehl_ps(t, t));
    return _mm_cvtss_f32(_mm_add_ss(t, _mm_shuffle_ps(t, t, 1)));
}

}  // namespace setpiece::cpu::ISA
