// A thin vector of eight doubles, D8. The kernels are written once over it; the build compiles them once per
// instruction set, each time in a namespace of its own.
//
// load and store take any address. fma(a, b, c) = a b + c and fnma(a, b, c) = c - a b, rounded once where the
// machine can. over(x, y, a, b) is a where x > y, else b. transpose turns eight rows into eight columns.
#pragma once

#include <cmath>

#include "../../setpiece/native/isa_namespace.h"

namespace setpiece::ISA {

#if defined(SETPIECE_AVX512)

struct D8 {
    __m512d v;
};

inline D8 load(const double* p) { return {_mm512_loadu_pd(p)}; }
inline void store(double* p, D8 a) { _mm512_storeu_pd(p, a.v); }
inline D8 set(double x) { return {_mm512_set1_pd(x)}; }
inline D8 operator+(D8 a, D8 b) { return {_mm512_add_pd(a.v, b.v)}; }
inline D8 operator-(D8 a, D8 b) { return {_mm512_sub_pd(a.v, b.v)}; }
inline D8 operator*(D8 a, D8 b) { return {_mm512_mul_pd(a.v, b.v)}; }
inline D8 operator/(D8 a, D8 b) { return {_mm512_div_pd(a.v, b.v)}; }
inline D8 fma(D8 a, D8 b, D8 c) { return {_mm512_fmadd_pd(a.v, b.v, c.v)}; }
inline D8 fnma(D8 a, D8 b, D8 c) { return {_mm512_fnmadd_pd(a.v, b.v, c.v)}; }
inline D8 sqrt(D8 a) { return {_mm512_sqrt_pd(a.v)}; }
inline D8 over(D8 x, D8 y, D8 a, D8 b) {
    return {_mm512_mask_mov_pd(b.v, _mm512_cmp_pd_mask(x.v, y.v, _CMP_GT_OQ), a.v)};
}

inline void transpose(D8* r) {
    __m512d t[8];
    for (int i = 0; i < 8; i += 2) {
        t[i] = _mm512_unpacklo_pd(r[i].v, r[i + 1].v);
        t[i + 1] = _mm512_unpackhi_pd(r[i].v, r[i + 1].v);
    }
    for (int h = 0; h < 2; h++) {
        const __m512d low02 = _mm512_shuffle_f64x2(t[h], t[h + 2], 0x88);    // quarters 0, 2 of both
        const __m512d high02 = _mm512_shuffle_f64x2(t[h], t[h + 2], 0xdd);   // quarters 1, 3
        const __m512d low46 = _mm512_shuffle_f64x2(t[h + 4], t[h + 6], 0x88);
        const __m512d high46 = _mm512_shuffle_f64x2(t[h + 4], t[h + 6], 0xdd);
        r[h].v = _mm512_shuffle_f64x2(low02, low46, 0x88);
        r[h + 4].v = _mm512_shuffle_f64x2(low02, low46, 0xdd);
        r[h + 2].v = _mm512_shuffle_f64x2(high02, high46, 0x88);
        r[h + 6].v = _mm512_shuffle_f64x2(high02, high46, 0xdd);
    }
}

#elif defined(SETPIECE_AVX2)

struct D8 {
    __m256d a, b;
};

inline D8 load(const double* p) { return {_mm256_loadu_pd(p), _mm256_loadu_pd(p + 4)}; }
inline void store(double* p, D8 x) {
    _mm256_storeu_pd(p, x.a);
    _mm256_storeu_pd(p + 4, x.b);
}
inline D8 set(double x) { return {_mm256_set1_pd(x), _mm256_set1_pd(x)}; }
inline D8 operator+(D8 x, D8 y) { return {_mm256_add_pd(x.a, y.a), _mm256_add_pd(x.b, y.b)}; }
inline D8 operator-(D8 x, D8 y) { return {_mm256_sub_pd(x.a, y.a), _mm256_sub_pd(x.b, y.b)}; }
inline D8 operator*(D8 x, D8 y) { return {_mm256_mul_pd(x.a, y.a), _mm256_mul_pd(x.b, y.b)}; }
inline D8 operator/(D8 x, D8 y) { return {_mm256_div_pd(x.a, y.a), _mm256_div_pd(x.b, y.b)}; }
inline D8 fma(D8 x, D8 y, D8 c) { return {_mm256_fmadd_pd(x.a, y.a, c.a), _mm256_fmadd_pd(x.b, y.b, c.b)}; }
inline D8 fnma(D8 x, D8 y, D8 c) { return {_mm256_fnmadd_pd(x.a, y.a, c.a), _mm256_fnmadd_pd(x.b, y.b, c.b)}; }
inline D8 sqrt(D8 x) { return {_mm256_sqrt_pd(x.a), _mm256_sqrt_pd(x.b)}; }
inline D8 over(D8 x, D8 y, D8 a, D8 b) {
    return {_mm256_blendv_pd(b.a, a.a, _mm256_cmp_pd(x.a, y.a, _CMP_GT_OQ)),
            _mm256_blendv_pd(b.b, a.b, _mm256_cmp_pd(x.b, y.b, _CMP_GT_OQ))};
}

inline void transpose4(__m256d* r0, __m256d* r1, __m256d* r2, __m256d* r3) {
    const __m256d t0 = _mm256_unpacklo_pd(*r0, *r1), t1 = _mm256_unpackhi_pd(*r0, *r1);
    const __m256d t2 = _mm256_unpacklo_pd(*r2, *r3), t3 = _mm256_unpackhi_pd(*r2, *r3);
    *r0 = _mm256_permute2f128_pd(t0, t2, 0x20);
    *r1 = _mm256_permute2f128_pd(t1, t3, 0x20);
    *r2 = _mm256_permute2f128_pd(t0, t2, 0x31);
    *r3 = _mm256_permute2f128_pd(t1, t3, 0x31);
}

inline void transpose(D8* r) {
    transpose4(&r[0].a, &r[1].a, &r[2].a, &r[3].a);
    transpose4(&r[4].b, &r[5].b, &r[6].b, &r[7].b);
    transpose4(&r[0].b, &r[1].b, &r[2].b, &r[3].b);
    transpose4(&r[4].a, &r[5].a, &r[6].a, &r[7].a);
    for (int i = 0; i < 4; i++) {
        const __m256d swapped = r[i].b;
        r[i].b = r[i + 4].a;
        r[i + 4].a = swapped;
    }
}

#elif defined(__GNUC__) || defined(__clang__)  // the compiler splits it into the registers that there are

typedef double Eight __attribute__((vector_size(64)));
typedef double EightAnywhere __attribute__((vector_size(64), aligned(8), may_alias));

struct D8 {
    Eight v;
};

inline D8 load(const double* p) { return {*reinterpret_cast<const EightAnywhere*>(p)}; }
inline void store(double* p, const D8& a) { *reinterpret_cast<EightAnywhere*>(p) = a.v; }
inline D8 set(double x) { return {Eight{x, x, x, x, x, x, x, x}}; }
inline D8 operator+(const D8& a, const D8& b) { return {a.v + b.v}; }
inline D8 operator-(const D8& a, const D8& b) { return {a.v - b.v}; }
inline D8 operator*(const D8& a, const D8& b) { return {a.v * b.v}; }
inline D8 operator/(const D8& a, const D8& b) { return {a.v / b.v}; }
inline D8 fma(const D8& a, const D8& b, const D8& c) { return {a.v * b.v + c.v}; }
inline D8 fnma(const D8& a, const D8& b, const D8& c) { return {c.v - a.v * b.v}; }
inline D8 sqrt(const D8& a) {
    D8 out;
    for (int i = 0; i < 8; i++) out.v[i] = std::sqrt(a.v[i]);
    return out;
}
inline D8 over(const D8& x, const D8& y, const D8& a, const D8& b) {
    D8 out;
    for (int i = 0; i < 8; i++) out.v[i] = x.v[i] > y.v[i] ? a.v[i] : b.v[i];
    return out;
}

#else

struct D8 {
    double v[8];
};

#define SETPIECE_EACH(expression)               \
    D8 out;                                     \
    for (int i = 0; i < 8; i++) out.v[i] = (expression); \
    return out

inline D8 load(const double* p) { SETPIECE_EACH(p[i]); }
inline void store(double* p, D8 a) {
    for (int i = 0; i < 8; i++) p[i] = a.v[i];
}
inline D8 set(double x) { SETPIECE_EACH(x); }
inline D8 operator+(D8 a, D8 b) { SETPIECE_EACH(a.v[i] + b.v[i]); }
inline D8 operator-(D8 a, D8 b) { SETPIECE_EACH(a.v[i] - b.v[i]); }
inline D8 operator*(D8 a, D8 b) { SETPIECE_EACH(a.v[i] * b.v[i]); }
inline D8 operator/(D8 a, D8 b) { SETPIECE_EACH(a.v[i] / b.v[i]); }
inline D8 fma(D8 a, D8 b, D8 c) { SETPIECE_EACH(a.v[i] * b.v[i] + c.v[i]); }
inline D8 fnma(D8 a, D8 b, D8 c) { SETPIECE_EACH(c.v[i] - a.v[i] * b.v[i]); }
inline D8 sqrt(D8 a) { SETPIECE_EACH(std::sqrt(a.v[i])); }
inline D8 over(D8 x, D8 y, D8 a, D8 b) { SETPIECE_EACH(x.v[i] > y.v[i] ? a.v[i] : b.v[i]); }

#undef SETPIECE_EACH

#endif

#if !defined(SETPIECE_AVX512) && !defined(SETPIECE_AVX2)

inline void transpose(D8* r) {
    for (int i = 0; i < 8; i++) {
        for (int j = 0; j < i; j++) {
            const double kept = r[i].v[j];
            r[i].v[j] = r[j].v[i];
            r[j].v[i] = kept;
        }
    }
}

#endif

}  // namespace setpiece::ISA
