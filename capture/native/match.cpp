#include "match.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>

#include "../../setpiece/native/isa.h"

#if SETPIECE_X86
#include <immintrin.h>
#endif

#if SETPIECE_X86 && (defined(__GNUC__) || defined(__clang__))
#define SETPIECE_TARGET(features) __attribute__((target(features)))
#else
#define SETPIECE_TARGET(features)
#endif

namespace setpiece::matching {

namespace {

inline uint32_t pack(int similarity, int place) {
    return static_cast<uint32_t>(similarity) << 13 | static_cast<uint32_t>(most - place);
}

void search_plain(const Job& job) {
    std::fill(job.back, job.back + job.columns, 0u);
    for (int i = 0; i < job.rows; ++i) {
        const uint8_t* a = job.first + static_cast<int64_t>(i) * length;
        uint32_t best = 0, next = 0;
        for (int j = 0; j < job.columns; ++j) {
            const uint8_t* b = job.second + static_cast<int64_t>(j) * length;
            int similarity = 0;
            for (int k = 0; k < length; ++k) similarity += static_cast<int>(a[k]) * static_cast<int>(b[k]);
            const uint32_t here = pack(similarity, j);
            next = std::max(next, std::min(best, here));
            best = std::max(best, here);
            job.back[j] = std::max(job.back[j], pack(similarity, i));
        }
        job.best[i] = best;
        job.next[i] = next;
    }
}

#if SETPIECE_X86

// A buffer that starts on a cache line.
template <class T>
class Aligned {
  public:
    explicit Aligned(int64_t count)
        : data_(static_cast<T*>(::operator new(static_cast<size_t>(count) * sizeof(T), alignment))) {}
    ~Aligned() { ::operator delete(data_, alignment); }
    Aligned(const Aligned&) = delete;
    Aligned& operator=(const Aligned&) = delete;
    T* get() { return data_; }

  private:
    static constexpr std::align_val_t alignment{64};
    T* data_;
};

constexpr int words = length / 4;

// The two largest of what the lanes of a vector search found for a row.
void keep_two_best(const Job& job, int row, const uint32_t* first, const uint32_t* second, int lanes) {
    uint32_t top = 0, runner_up = 0;
    for (int lane = 0; lane < lanes; ++lane) {
        for (const uint32_t here : {first[lane], second[lane]}) {
            runner_up = std::max(runner_up, std::min(top, here));
            top = std::max(top, here);
        }
    }
    job.best[row] = top;
    job.next[row] = runner_up;
}

// AVX-512 with VNNI. Columns stand in groups of 16, four bytes of each beside each other, unsigned; rows are
// made signed by taking 128 from each byte, which the start value of each sum gives back.
SETPIECE_TARGET("avx512f,avx512bw,avx512vnni")
void search_vnni(const Job& job) {
    constexpr int block = 8;
    const int groups = (job.columns + 31) / 32 * 2;
    const int rows = (job.rows + block - 1) / block * block;
    Aligned<uint8_t> packed(static_cast<int64_t>(groups) * 16 * length);
    Aligned<int8_t> centred(static_cast<int64_t>(rows) * length);
    Aligned<int32_t> start(groups * 16);
    Aligned<uint32_t> back(groups * 16);
    std::memset(packed.get(), 0, static_cast<size_t>(groups) * 16 * length);
    std::memset(centred.get(), 0, static_cast<size_t>(rows) * length);
    for (int j = 0; j < groups * 16; ++j) {
        int sum = 0;
        if (j < job.columns) {
            const uint8_t* from = job.second + static_cast<int64_t>(j) * length;
            uint8_t* group = packed.get() + static_cast<int64_t>(j / 16) * 16 * length + j % 16 * 4;
            for (int k = 0; k < words; ++k) std::memcpy(group + k * 64, from + k * 4, 4);
            for (int k = 0; k < length; ++k) sum += from[k];
        }
        start.get()[j] = 128 * sum;
        back.get()[j] = 0;
    }
    for (int64_t k = 0; k < static_cast<int64_t>(job.rows) * length; ++k) {
        centred.get()[k] = static_cast<int8_t>(static_cast<int>(job.first[k]) - 128);
    }
    const __m512i lanes = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    for (int i = 0; i < rows; i += block) {
        __m512i best[block], next[block];
        for (int r = 0; r < block; ++r) best[r] = next[r] = _mm512_setzero_si512();
        const int8_t* a = centred.get() + static_cast<int64_t>(i) * length;
        for (int g = 0; g < groups; g += 2) {
            const uint8_t* b = packed.get() + static_cast<int64_t>(g) * 16 * length;
            __m512i sums[2][block];
            for (int h = 0; h < 2; ++h) {
                const __m512i from = _mm512_load_si512(start.get() + (g + h) * 16);
                for (int r = 0; r < block; ++r) sums[h][r] = from;
            }
            for (int k = 0; k < words; ++k) {
                const __m512i b0 = _mm512_load_si512(b + k * 64);
                const __m512i b1 = _mm512_load_si512(b + 16 * length + k * 64);
                for (int r = 0; r < block; ++r) {
                    int32_t four;
                    std::memcpy(&four, a + r * length + k * 4, 4);
                    const __m512i row = _mm512_set1_epi32(four);
                    sums[0][r] = _mm512_dpbusd_epi32(sums[0][r], b0, row);
                    sums[1][r] = _mm512_dpbusd_epi32(sums[1][r], b1, row);
                }
            }
            for (int h = 0; h < 2; ++h) {
                const int column = (g + h) * 16;
                const int left = job.columns - column;
                const __mmask16 real = left >= 16 ? 0xffff : left > 0 ? static_cast<__mmask16>((1 << left) - 1) : 0;
                const __m512i places = _mm512_sub_epi32(_mm512_set1_epi32(most - column), lanes);
                __m512i behind = _mm512_load_si512(back.get() + column);
                for (int r = 0; r < block; ++r) {
                    const __m512i high = _mm512_slli_epi32(sums[h][r], 13);
                    const __m512i here = _mm512_maskz_or_epi32(real, high, places);
                    next[r] = _mm512_max_epu32(next[r], _mm512_min_epu32(best[r], here));
                    best[r] = _mm512_max_epu32(best[r], here);
                    if (i + r < job.rows) {
                        const __m512i row = _mm512_or_si512(high, _mm512_set1_epi32(most - i - r));
                        behind = _mm512_max_epu32(behind, row);
                    }
                }
                _mm512_store_si512(back.get() + column, behind);
            }
        }
        for (int r = 0; r < block && i + r < job.rows; ++r) {
            alignas(64) uint32_t first[16], second[16];
            _mm512_store_si512(first, best[r]);
            _mm512_store_si512(second, next[r]);
            keep_two_best(job, i + r, first, second, 16);
        }
    }
    std::memcpy(job.back, back.get(), static_cast<size_t>(job.columns) * sizeof(uint32_t));
}

// AVX2: the same with 16-bit products, eight columns to a group and two values of each beside each other.
SETPIECE_TARGET("avx2")
void search_avx2(const Job& job) {
    constexpr int block = 4;
    constexpr int pairs = length / 2;
    const int groups = (job.columns + 15) / 16 * 2;
    const int rows = (job.rows + block - 1) / block * block;
    Aligned<int16_t> packed(static_cast<int64_t>(groups) * 8 * length);
    Aligned<int16_t> wide(static_cast<int64_t>(rows) * length);
    Aligned<uint32_t> back(groups * 8);
    std::memset(packed.get(), 0, static_cast<size_t>(groups) * 8 * length * sizeof(int16_t));
    std::memset(wide.get(), 0, static_cast<size_t>(rows) * length * sizeof(int16_t));
    std::memset(back.get(), 0, static_cast<size_t>(groups) * 8 * sizeof(uint32_t));
    for (int j = 0; j < job.columns; ++j) {
        const uint8_t* from = job.second + static_cast<int64_t>(j) * length;
        int16_t* group = packed.get() + static_cast<int64_t>(j / 8) * 8 * length + j % 8 * 2;
        for (int k = 0; k < length; ++k) group[k / 2 * 16 + k % 2] = from[k];
    }
    for (int64_t k = 0; k < static_cast<int64_t>(job.rows) * length; ++k) wide.get()[k] = job.first[k];
    const __m256i lanes = _mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0);
    for (int i = 0; i < rows; i += block) {
        __m256i best[block], next[block];
        for (int r = 0; r < block; ++r) best[r] = next[r] = _mm256_setzero_si256();
        const int16_t* a = wide.get() + static_cast<int64_t>(i) * length;
        for (int g = 0; g < groups; g += 2) {
            const int16_t* b = packed.get() + static_cast<int64_t>(g) * 8 * length;
            __m256i sums[2][block];
            for (int r = 0; r < block; ++r) sums[0][r] = sums[1][r] = _mm256_setzero_si256();
            for (int k = 0; k < pairs; ++k) {
                const __m256i b0 = _mm256_load_si256(reinterpret_cast<const __m256i*>(b + k * 16));
                const __m256i b1 = _mm256_load_si256(reinterpret_cast<const __m256i*>(b + 8 * length + k * 16));
                for (int r = 0; r < block; ++r) {
                    int32_t two;
                    std::memcpy(&two, a + r * length + k * 2, 4);
                    const __m256i row = _mm256_set1_epi32(two);
                    sums[0][r] = _mm256_add_epi32(sums[0][r], _mm256_madd_epi16(b0, row));
                    sums[1][r] = _mm256_add_epi32(sums[1][r], _mm256_madd_epi16(b1, row));
                }
            }
            for (int h = 0; h < 2; ++h) {
                const int column = (g + h) * 8;
                const __m256i real = _mm256_cmpgt_epi32(_mm256_set1_epi32(job.columns - column), lanes);
                const __m256i places = _mm256_sub_epi32(_mm256_set1_epi32(most - column), lanes);
                __m256i* stored = reinterpret_cast<__m256i*>(back.get() + column);
                __m256i behind = _mm256_load_si256(stored);
                for (int r = 0; r < block; ++r) {
                    const __m256i high = _mm256_slli_epi32(sums[h][r], 13);
                    const __m256i here = _mm256_and_si256(real, _mm256_or_si256(high, places));
                    next[r] = _mm256_max_epu32(next[r], _mm256_min_epu32(best[r], here));
                    best[r] = _mm256_max_epu32(best[r], here);
                    if (i + r < job.rows) {
                        const __m256i row = _mm256_or_si256(high, _mm256_set1_epi32(most - i - r));
                        behind = _mm256_max_epu32(behind, row);
                    }
                }
                _mm256_store_si256(stored, behind);
            }
        }
        for (int r = 0; r < block && i + r < job.rows; ++r) {
            alignas(32) uint32_t first[8], second[8];
            _mm256_store_si256(reinterpret_cast<__m256i*>(first), best[r]);
            _mm256_store_si256(reinterpret_cast<__m256i*>(second), next[r]);
            keep_two_best(job, i + r, first, second, 8);
        }
    }
    std::memcpy(job.back, back.get(), static_cast<size_t>(job.columns) * sizeof(uint32_t));
}

#endif

}  // namespace

Kernel best_kernel() {
    const Isa isa = best_isa();
#if SETPIECE_X86 && (defined(__GNUC__) || defined(__clang__))
    if (isa == Isa::avx512 && __builtin_cpu_supports("avx512vnni")) return Kernel::vnni;
#endif
    return isa == Isa::plain ? Kernel::plain : Kernel::avx2;
}

const char* kernel_name(Kernel kernel) {
    return kernel == Kernel::vnni ? "avx512vnni" : kernel == Kernel::avx2 ? "avx2" : "plain";
}

void search(const Job& job, Kernel kernel) {
#if SETPIECE_X86
    if (kernel == Kernel::vnni) return search_vnni(job);
    if (kernel == Kernel::avx2) return search_avx2(job);
#endif
    (void)kernel;
    search_plain(job);
}

}  // namespace setpiece::matching
