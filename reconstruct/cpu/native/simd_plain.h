// Sixteen floats as four short arrays of four, which compilers turn into SSE2, NEON or scalar code.
// See simd.h for what each function means.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

namespace setpiece::cpu::ISA {

#if defined(__GNUC__) || defined(__clang__)
typedef float Four __attribute__((vector_size(16)));
typedef int32_t FourInts __attribute__((vector_size(16)));
inline Four four(float x) { return Four{x, x, x, x}; }
inline FourInts less(Four a, Four b) { return a < b; }
inline FourInts less_equal(Four a, Four b) { return a <= b; }
inline Four pick(FourInts m, Four a, Four b) {
    return reinterpret_cast<Four>((m & reinterpret_cast<FourInts>(a)) | (~m & reinterpret_cast<FourInts>(b)));
}
inline Four masked(FourInts m, Four a) { return reinterpret_cast<Four>(m & reinterpret_cast<FourInts>(a)); }
inline FourInts as_ints(Four a) { return reinterpret_cast<FourInts>(a); }
inline Four as_floats(FourInts a) { return reinterpret_cast<Four>(a); }
inline FourInts to_ints(Four a) { return __builtin_convertvector(a, FourInts); }
inline Four to_floats(FourInts a) { return __builtin_convertvector(a, Four); }
#else
struct FourInts {
    int32_t x[4];
    int32_t& operator[](int i) { return x[i]; }
    int32_t operator[](int i) const { return x[i]; }
};
struct Four {
    float x[4];
    float& operator[](int i) { return x[i]; }
    float operator[](int i) const { return x[i]; }
};
#define SETPIECE_FOUR(Type, name, a_type, b_type, expression) \
    inline Type name(a_type a, b_type b) {                    \
        Type r;                                               \
        for (int i = 0; i < 4; i++) r[i] = expression;        \
        return r;                                             \
    }
SETPIECE_FOUR(Four, operator+, Four, Four, a[i] + b[i])
SETPIECE_FOUR(Four, operator-, Four, Four, a[i] - b[i])
SETPIECE_FOUR(Four, operator*, Four, Four, a[i] * b[i])
SETPIECE_FOUR(Four, operator/, Four, Four, a[i] / b[i])
SETPIECE_FOUR(FourInts, operator&, FourInts, FourInts, a[i] & b[i])
SETPIECE_FOUR(FourInts, operator|, FourInts, FourInts, a[i] | b[i])
SETPIECE_FOUR(FourInts, operator+, FourInts, FourInts, a[i] + b[i])
SETPIECE_FOUR(FourInts, operator-, FourInts, FourInts, a[i] - b[i])
SETPIECE_FOUR(FourInts, operator<<, FourInts, int, static_cast<int32_t>(static_cast<uint32_t>(a[i]) << b))
SETPIECE_FOUR(FourInts, operator>>, FourInts, int, a[i] >> b)
SETPIECE_FOUR(FourInts, less, Four, Four, a[i] < b[i] ? -1 : 0)
SETPIECE_FOUR(FourInts, less_equal, Four, Four, a[i] <= b[i] ? -1 : 0)
#undef SETPIECE_FOUR
inline Four four(float x) { return Four{{x, x, x, x}}; }
inline FourInts as_ints(Four a) {
    FourInts r;
    std::memcpy(&r, &a, sizeof(r));
    return r;
}
inline Four as_floats(FourInts a) {
    Four r;
    std::memcpy(&r, &a, sizeof(r));
    return r;
}
inline Four masked(FourInts m, Four a) { return as_floats(m & as_ints(a)); }
inline Four pick(FourInts m, Four a, Four b) {
    Four r;
    for (int i = 0; i < 4; i++) r[i] = m[i] ? a[i] : b[i];
    return r;
}
inline FourInts to_ints(Four a) {
    FourInts r;
    for (int i = 0; i < 4; i++) r[i] = static_cast<int32_t>(a[i]);
    return r;
}
inline Four to_floats(FourInts a) {
    Four r;
    for (int i = 0; i < 4; i++) r[i] = static_cast<float>(a[i]);
    return r;
}
#endif

struct M16 {
    FourInts q[4];
};

struct F16 {
    Four q[4];
};

#define SETPIECE_BINARY(Type, name, Argument, expression) \
    inline Type name(Argument x, Argument y) {            \
        Type r;                                           \
        for (int i = 0; i < 4; i++) {                     \
            const auto a = x.q[i];                        \
            const auto b = y.q[i];                        \
            r.q[i] = expression;                          \
        }                                                 \
        return r;                                         \
    }
SETPIECE_BINARY(F16, operator+, F16, a + b)
SETPIECE_BINARY(F16, operator-, F16, a - b)
SETPIECE_BINARY(F16, operator*, F16, a* b)
SETPIECE_BINARY(F16, operator/, F16, a / b)
SETPIECE_BINARY(F16, min, F16, pick(less(a, b), a, b))
SETPIECE_BINARY(F16, max, F16, pick(less(b, a), a, b))
SETPIECE_BINARY(M16, operator<, F16, less(a, b))
SETPIECE_BINARY(M16, operator<=, F16, less_equal(a, b))
SETPIECE_BINARY(M16, operator>, F16, less(b, a))
SETPIECE_BINARY(M16, operator>=, F16, less_equal(b, a))
SETPIECE_BINARY(M16, operator&, M16, a& b)
SETPIECE_BINARY(M16, operator|, M16, a | b)
#undef SETPIECE_BINARY

inline F16 load(const float* p) {
    F16 r;
    std::memcpy(&r, p, sizeof(r));
    return r;
}
inline F16 loadu(const float* p) { return load(p); }
inline void store(float* p, F16 a) { std::memcpy(p, &a, sizeof(a)); }
inline void storeu(float* p, F16 a) { store(p, a); }
inline F16 set(float x) { return {{four(x), four(x), four(x), four(x)}}; }

inline F16 fma(F16 a, F16 b, F16 c) {
    F16 r;
    for (int i = 0; i < 4; i++) r.q[i] = a.q[i] * b.q[i] + c.q[i];
    return r;
}
inline F16 fnma(F16 a, F16 b, F16 c) {
    F16 r;
    for (int i = 0; i < 4; i++) r.q[i] = c.q[i] - a.q[i] * b.q[i];
    return r;
}
inline F16 select(M16 m, F16 a, F16 b) {
    F16 r;
    for (int i = 0; i < 4; i++) r.q[i] = pick(m.q[i], a.q[i], b.q[i]);
    return r;
}
inline F16 keep(M16 m, F16 a) {
    F16 r;
    for (int i = 0; i < 4; i++) r.q[i] = masked(m.q[i], a.q[i]);
    return r;
}
inline F16 abs(F16 a) { return max(a, set(0.0f) - a); }
inline F16 sqrt(F16 a) {
    F16 r;
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 4; j++) r.q[i][j] = std::sqrt(a.q[i][j]);
    }
    return r;
}
// Rounds to integers: exact for |a| < 2^22, which is all that the kernels ask for.
inline F16 round(F16 a) {
    F16 r;
    const Four magic = four(12582912.0f);  // 1.5 * 2^23
    for (int i = 0; i < 4; i++) r.q[i] = (a.q[i] + magic) - magic;
    return r;
}
inline F16 floor(F16 a) {
    const F16 r = round(a);
    return r - keep(r > a, set(1.0f));
}
inline uint32_t bits(M16 m) {
    uint32_t r = 0;
    for (int i = 0; i < 16; i++) r |= (m.q[i / 4][i % 4] ? 1u : 0u) << i;
    return r;
}
inline bool any(M16 m) {
    const FourInts all = (m.q[0] | m.q[1]) | (m.q[2] | m.q[3]);
    int64_t halves[2];
    std::memcpy(halves, &all, sizeof(all));
    return (halves[0] | halves[1]) != 0;
}
inline M16 mask_of(uint32_t b) {
    M16 r;
    for (int i = 0; i < 16; i++) r.q[i / 4][i % 4] = (b >> i) & 1 ? -1 : 0;
    return r;
}

// p * 2^n for integral n; p and the result must be normal numbers
inline F16 scale2(F16 p, F16 n) {
    F16 r;
    for (int i = 0; i < 4; i++) r.q[i] = as_floats(as_ints(p.q[i]) + (to_ints(n.q[i]) << 23));
    return r;
}

// p * 2^floor(x); p and the result must be normal numbers
inline F16 scale2_floor(F16 p, F16 x) { return scale2(p, floor(x)); }

// x = mantissa * 2^exponent with the mantissa in [0.75, 1.5); x must be normal and positive
inline void split(F16 x, F16* mantissa, F16* exponent) {
    for (int i = 0; i < 4; i++) {
        const FourInts e = (as_ints(x.q[i]) - as_ints(four(0.75f))) >> 23;
        exponent->q[i] = to_floats(e);
        mantissa->q[i] = as_floats(as_ints(x.q[i]) - (e << 23));
    }
}

// Sixteen bytes as floats 0 to 255.
inline F16 load_bytes(const uint8_t* p) {
    F16 r;
    for (int i = 0; i < 16; i++) r.q[i / 4][i % 4] = static_cast<float>(p[i]);
    return r;
}

inline void store_int(int32_t* p, F16 a) {
    for (int i = 0; i < 4; i++) {
        const FourInts v = to_ints(a.q[i]);
        std::memcpy(p + 4 * i, &v, sizeof(v));
    }
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
    F16 r;
    for (int i = 0; i < 4; i++) std::memcpy(&r.q[i], p + i * stride, 16);
    return r;
}
inline void store_block(float* p, int64_t stride, F16 a) {
    for (int i = 0; i < 4; i++) std::memcpy(p + i * stride, &a.q[i], 16);
}

inline void transpose(F16 r[16]) {
    float in[16][16], out[16][16];
    std::memcpy(in, r, sizeof(in));
    for (int i = 0; i < 16; i++) {
        for (int j = 0; j < 16; j++) out[i][j] = in[j][i];
    }
    std::memcpy(r, out, sizeof(out));
}

inline float sum(F16 a) {
    const Four s = (a.q[0] + a.q[1]) + (a.q[2] + a.q[3]);
    return (s[0] + s[1]) + (s[2] + s[3]);
}

// Lane k of the result is the sum of the lanes of v[k], for k < 12.
inline F16 sums12(const F16 v[12]) {
    F16 r = set(0.0f);
    for (int k = 0; k < 12; k++) r.q[k / 4][k % 4] = sum(v[k]);
    return r;
}

}  // namespace setpiece::cpu::ISA
