// Which instruction set the machine can run, asked at run time, so that one build serves every x86-64.
//
// Header only and free of std:: templates: kernels compiled with wide instructions may include it without
// leaking such code into functions that the linker shares with the rest.
#pragma once

#include <cstring>

#if defined(__x86_64__) || defined(_M_X64)
#define SETPIECE_X86 1
#if defined(_MSC_VER) && !defined(__clang__)
#include <immintrin.h>
#include <intrin.h>
#endif
#else
#define SETPIECE_X86 0
#endif

namespace setpiece {

enum class Isa { plain = 0, avx2 = 1, avx512 = 2 };

inline const char* isa_name(Isa isa) {
    return isa == Isa::avx512 ? "avx512" : isa == Isa::avx2 ? "avx2" : "plain";
}

// The widest set that this machine and its operating system can run.
inline Isa best_isa() {
#if SETPIECE_X86 && defined(_MSC_VER) && !defined(__clang__)
    int leaf1[4], leaf7[4];
    __cpuidex(leaf1, 1, 0);
    __cpuidex(leaf7, 7, 0);
    const bool os_saves = (leaf1[2] >> 27) & 1;  // OSXSAVE: xgetbv may be asked
    const unsigned long long saved = os_saves ? _xgetbv(0) : 0;
    const bool fma = (leaf1[2] >> 12) & 1, avx2 = (leaf7[1] >> 5) & 1;
    const int wanted = (1 << 16) | (1 << 17) | (1 << 30) | (1 << 31);  // F, DQ, BW, VL
    if (fma && avx2 && (saved & 0xe6) == 0xe6 && (leaf7[1] & wanted) == wanted) return Isa::avx512;
    if (fma && avx2 && (saved & 6) == 6) return Isa::avx2;
#elif SETPIECE_X86
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")) {
        return Isa::avx512;
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return Isa::avx2;
#endif
    return Isa::plain;
}

// Reads "avx512", "avx2" or "plain" into `isa`; false for any other name.
inline bool parse_isa(const char* name, Isa* isa) {
    const Isa all[] = {Isa::plain, Isa::avx2, Isa::avx512};
    for (const Isa candidate : all) {
        if (std::strcmp(name, isa_name(candidate)) == 0) {
            *isa = candidate;
            return true;
        }
    }
    return false;
}

}  // namespace setpiece
