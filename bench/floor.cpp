// How fast this core issues AVX-512 instructions that wait for nothing: for bench/floor.py.
#include <chrono>
#include <cstdint>

namespace {

alignas(64) float memory[64 * 64];

double now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// The fastest of many short turns: others may use the core between them.
template <class Work>
double seconds(Work work) {
    double best = 1e9;
    for (int i = 0; i < 40; i++) {
        const double start = now();
        work();
        const double took = now() - start;
        best = took < best ? took : best;
    }
    return best;
}

constexpr int kTurns = 3000;

}  // namespace

// Targets rotate over registers 0 to 15; 20 to 23 are only read.
#define FMA(i) "vfmadd231ps %%zmm20, %%zmm21, %%zmm" #i "\n"
#define FMA_LOAD(i) "vfmadd231ps 64*" #i "(%0), %%zmm21, %%zmm" #i "\n"
#define FMA_EACH(i) "vfmadd231ps 4*" #i "(%0)%{1to16%}, %%zmm21, %%zmm" #i "\n"
#define MUL(i) "vmulps %%zmm20, %%zmm21, %%zmm" #i "\n"
#define ADD(i) "vaddps %%zmm20, %%zmm21, %%zmm" #i "\n"
#define ADD_LOAD(i) "vaddps 64*" #i "(%0), %%zmm21, %%zmm" #i "\n"
#define MIN(i) "vminps %%zmm20, %%zmm21, %%zmm" #i "\n"
#define ROUND(i) "vrndscaleps $1, %%zmm20, %%zmm" #i "\n"
#define SCALE(i) "vscalefps %%zmm20, %%zmm21, %%zmm" #i "\n"
#define COMPARE(i) "vcmpps $1, %%zmm20, %%zmm21, %%k1\n"
#define EACH(i) "vbroadcastss 4*" #i "(%0), %%zmm" #i "\n"
#define LOAD(i) "vmovaps 64*" #i "(%0), %%zmm" #i "\n"
#define STORE(i) "vmovaps %%zmm20, 64*" #i "(%0)\n"
#define FOUR(op) op(0) op(1) op(2) op(3)
#define SIXTEEN(op) FOUR(op) op(4) op(5) op(6) op(7) op(8) op(9) op(10) op(11) op(12) op(13) op(14) op(15)

// alpha: 5 for the exponent, 4 for the power, with what goes between and behind
#define ALPHA                                                                                            \
    EACH(0) FMA_EACH(1) ADD(2) FMA_EACH(3) EACH(4) MIN(5) FMA_EACH(6) FMA_EACH(7) FMA(8) ROUND(9) FMA(10) \
        ADD(11) FMA(12) COMPARE(0) FMA(13) SCALE(14) FMA(15) MUL(0) MUL(1) COMPARE(0)
#define FORWARD ALPHA FMA_EACH(2) FMA_EACH(3) FMA_EACH(4)
#define BACKWARD                                                                                          \
    ALPHA STORE(16) FMA_EACH(2) ADD(3) FMA_EACH(4) STORE(17) FMA_EACH(5) LOAD(6) MUL(7) ADD(8) LOAD(9)    \
        FMA(10) COMPARE(0) STORE(18) LOAD(11) MUL(12) ADD_LOAD(13) MUL(14) ADD_LOAD(15) FMA(0) ADD(1)     \
            FMA(2) ADD(3) FMA(4) ADD(5) FMA_LOAD(6) ADD(7) FMA_LOAD(8) LOAD(9) FMA_LOAD(10) FMA_LOAD(11)

#define RATE(name, code)                                                                                  \
    extern "C" double name() {                                                                            \
        return seconds([] {                                                                               \
                   for (int i = 0; i < kTurns; i++) {                                                     \
                       asm volatile(code ::"r"(memory)                                                    \
                                    : "memory", "k1", "zmm0", "zmm1", "zmm2", "zmm3", "zmm4", "zmm5",     \
                                      "zmm6", "zmm7", "zmm8", "zmm9", "zmm10", "zmm11", "zmm12", "zmm13", \
                                      "zmm14", "zmm15");                                                  \
                   }                                                                                      \
               }) /                                                                                       \
               kTurns;                                                                                    \
    }

// Seconds of one turn
RATE(sixteen_fma, SIXTEEN(FMA))
RATE(sixteen_add, SIXTEEN(ADD))
RATE(sixteen_load, SIXTEEN(LOAD))
RATE(sixteen_store, SIXTEEN(STORE))
RATE(forward_pair, FORWARD)
RATE(backward_pair, BACKWARD)

// An addition to itself takes one cycle: seconds of a hundred cycles.
extern "C" double hundred_cycles() {
    return seconds([] {
               uint64_t x = 1;
               for (int i = 0; i < kTurns; i++) asm volatile(".rept 100\n add $1, %0\n .endr" : "+r"(x));
           }) /
           kTurns;
}
