// ISA, the namespace of a source that kernels.cmake compiles once per instruction set: avx512, avx2 or plain.
#pragma once

#if defined(SETPIECE_AVX512)
#define ISA avx512
#include <immintrin.h>
#elif defined(SETPIECE_AVX2)
#define ISA avx2
#include <immintrin.h>
#else
#define ISA plain
#endif
