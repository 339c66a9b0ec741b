// Sixteen floats in one AVX-512 register. See simd.h for what each function means.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace setpiece::cpu::ISA {

struct M16 {
    __mmask16 m;
};

struct F16 {
    __m512 v;
};

inline F16 load(const float* p) { return {_mm512_load_ps(p)}; }
inline F16 loadu(const float* p) { return {_mm512_loadu_ps(p)}; }
inline void store(float* p, F16 a) { _mm512_store_ps(p, a.v); }
inline void storeu(float* p, F16 a) { _mm512_storeu_ps(p, a.v); }
inline F16 set(float x) { return {_mm512_set1_ps(x)}; }

inline F16 operator+(F16 a, F16 b) { return {_mm512_add_ps(a.v, b.v)}; }
inline F16 operator-(F16 a, F16 b) { return {_mm512_sub_ps(a.v, b.v)}; }
inline F16 operator*(F16 a, F16 b) { return {_mm512_mul_ps(a.v, b.v)}; }
inline F16 operator/(F16 a, F16 b) { return {_mm512_div_ps(a.v, b.v)}; }
inline F16 fma(F16 a, F16 b, F16 c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
inline F16 fnma(F16 a, F16 b, F16 c) { return {_mm512_fnmadd_ps(a.v, b.v, c.v)}; }
inline F16 min(F16 a, F16 b) { return {_mm512_min_ps(a.v, b.v)}; }
inline F16 max(F16 a, F16 b) { return {_mm512_max_ps(a.v, b.v)}; }
inline F16 abs(F16 a) { return {_mm512_andnot_ps(_mm512_set1_ps(-0.0f), a.v)}; }
inline F16 sqrt(F16 a) { return {_mm512_sqrt_ps(a.v)}; }
inline F16 floor(F16 a) { return {_mm512_roundscale_ps(a.v, 1)}; }
inline F16 round(F16 a) { return {_mm512_roundscale_ps(a.v, 0)}; }

inline M16 operator<(F16 a, F16 b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ)}; }
inline M16 operator<=(F16 a, F16 b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LE_OQ)}; }
inline M16 operator>(F16 a, F16 b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_GT_OQ)}; }
inline M16 operator>=(F16 a, F16 b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_GE_OQ)}; }
inline M16 operator&(M16 a, M16 b) { return {static_cast<__mmask16>(a.m & b.m)}; }
inline M16 operator|(M16 a, M16 b) { return {static_cast<__mmask16>(a.m | b.m)}; }
inline F16 select(M16 m, F16 a, F16 b) { return {_mm512_mask_mov_ps(b.v, m.m, a.v)}; }
inline F16 keep(M16 m, F16 a) { return {_mm512_maskz_mov_ps(m.m, a.v)}; }
inline bool any(M16 m) { return m.m != 0; }
inline uint32_t bits(M16 m) { return m.m; }
inline M16 mask_of(uint32_t b) { return {static_cast<__mmask16>(b)}; }

// p * 2^n for integral n
inline F16 scale2(F16 p, F16 n) { return {_mm512_scalef_ps(p.v, n.v)}; }

// p * 2^floor(x)
inline F16 scale2_floor(F16 p, F16 x) { return {_mm512_scalef_ps(p.v, x.v)}; }

// x = mantissa * 2^exponent with the mantissa in [0.75, 1.5)
inline void split(F16 x, F16* mantissa, F16* exponent) {
    mantissa->v = _mm512_getmant_ps(x.v, _MM_MANT_NORM_p75_1p5, _MM_MANT_SIGN_src);
    const __m512 e = _mm512_getexp_ps(x.v);
    const __m512 one = _mm512_getmant_ps(x.v, _MM_MANT_NORM_1_2, _MM_MANT_SIGN_src);
    exponent->v = _mm512_mask_add_ps(e, _mm512_cmp_ps_mask(one, _mm512_set1_ps(1.5f), _CMP_GE_OQ), e,
                                     _mm512_set1_ps(1.0f));
}

// Sixteen bytes as floats 0 to 255.
inline F16 load_bytes(const uint8_t* p) {
    return {_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))))};
}

inline void store_int(int32_t* p, F16 a) { _mm512_storeu_si512(p, _mm512_cvttps_epi32(a.v)); }

// Stores first + i for each set bit i of `places`, in order; returns how many. Writes sixteen values.
inline int store_places(int32_t* p, uint32_t places, int first) {
    const __m512i all = _mm512_add_epi32(
        _mm512_set1_epi32(first), _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
    _mm512_storeu_si512(p, _mm512_maskz_compress_epi32(static_cast<__mmask16>(places), all));
    return _mm_popcnt_u32(places);
}

// Four rows of four floats: the pixels of a 4x4 block, row by row.
inline F16 load_block(const float* p, int64_t stride) {
    const __m128 r0 = _mm_loadu_ps(p), r1 = _mm_loadu_ps(p + stride);
    const __m128 r2 = _mm_loadu_ps(p + 2 * stride), r3 = _mm_loadu_ps(p + 3 * stride);
    const __m256 low = _mm256_insertf128_ps(_mm256_castps128_ps256(r0), r1, 1);
    const __m256 high = _mm256_insertf128_ps(_mm256_castps128_ps256(r2), r3, 1);
    return {_mm512_insertf32x8(_mm512_castps256_ps512(low), high, 1)};
}

inline void store_block(float* p, int64_t stride, F16 a) {
    _mm_storeu_ps(p, _mm512_castps512_ps128(a.v));
    _mm_storeu_ps(p + stride, _mm512_extractf32x4_ps(a.v, 1));
    _mm_storeu_ps(p + 2 * stride, _mm512_extractf32x4_ps(a.v, 2));
    _mm_storeu_ps(p + 3 * stride, _mm512_extractf32x4_ps(a.v, 3));
}

inline void transpose(F16 r[16]) {
    __m512 t[16];
    for (int i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_ps(r[i].v, r[i + 1].v);
        t[i + 1] = _mm512_unpackhi_ps(r[i].v, r[i + 1].v);
    }
    __m512 u[16];
    for (int i = 0; i < 16; i += 4) {
        for (int j = 0; j < 2; j++) {
            const __m512d a = _mm512_castps_pd(t[i + j]), b = _mm512_castps_pd(t[i + j + 2]);
            u[i + 2 * j] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, b));
            u[i + 2 * j + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, b));
        }
    }
    for (int i = 0; i < 4; i++) {
        const __m512 a = _mm512_shuffle_f32x4(u[i], u[4 + i], 0x88);
        const __m512 b = _mm512_shuffle_f32x4(u[8 + i], u[12 + i], 0x88);
        const __m512 c = _mm512_shuffle_f32x4(u[i], u[4 + i], 0xdd);
        const __m512 d = _mm512_shuffle_f32x4(u[8 + i], u[12 + i], 0xdd);
        r[i].v = _mm512_shuffle_f32x4(a, b, 0x88);
        r[8 + i].v = _mm512_shuffle_f32x4(a, b, 0xdd);
        r[4 + i].v = _mm512_shuffle_f32x4(c, d, 0x88);
        r[12 + i].v = _mm512_shuffle_f32x4(c, d, 0xdd);
    }
}

// Lane k of the result is the sum of the lanes of v[k], for k < 12.
inline F16 sums12(const F16 v[12]) {
    __m512 fours[4];
    for (int i = 0; i < 3; i++) {
        const F16* w = v + 4 * i;
        const __m512 ab =
            _mm512_add_ps(_mm512_unpacklo_ps(w[0].v, w[1].v), _mm512_unpackhi_ps(w[0].v, w[1].v));
        const __m512 cd =
            _mm512_add_ps(_mm512_unpacklo_ps(w[2].v, w[3].v), _mm512_unpackhi_ps(w[2].v, w[3].v));
        const __m512d p = _mm512_castps_pd(ab), q = _mm512_castps_pd(cd);
        fours[i] = _mm512_add_ps(_mm512_castpd_ps(_mm512_unpacklo_pd(p, q)),
                                 _mm512_castpd_ps(_mm512_unpackhi_pd(p, q)));
    }
    fours[3] = _mm512_setzero_ps();
    const __m512 low = _mm512_add_ps(_mm512_shuffle_f32x4(fours[0], fours[1], 0x88),
                                     _mm512_shuffle_f32x4(fours[0], fours[1], 0xdd));
    const __m512 high = _mm512_add_ps(_mm512_shuffle_f32x4(fours[2], fours[3], 0x88),
                                      _mm512_shuffle_f32x4(fours[2], fours[3], 0xdd));
    return {_mm512_add_ps(_mm512_shuffle_f32x4(low, high, 0x88), _mm512_shuffle_f32x4(low, high, 0xdd))};
}

inline float sum(F16 a) { return _mm512_reduce_add_ps(a.v); }

}  // namespace setpiece::cpu::ISA
