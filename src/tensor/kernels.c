/* Chooses the table of kernels. Invariant: a table is given out only if this CPU and this
 * operating system can run it. */
#include "tensor/kernels.h"
#include "headwise.h"
#include "tensor/kernel_tables.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#include <stdlib.h>
#include <string.h>

static bool always(void) {
    return true;
}

/* __builtin_cpu_supports asks cpuid, and xgetbv for what the system saves. */
#if defined(__x86_64__)
static bool has_avx2(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

/* Bit 4 of EAX, leaf 7, subleaf 1: __builtin_cpu_supports has no name for it in every compiler. */
static bool has_avxvnni(void) {
    unsigned eax = 0, ebx, ecx, edx;
    return has_avx2() && __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) && (eax >> 4 & 1);
}

static bool has_avx512(void) {
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

static bool has_avx512vnni(void) {
    return has_avx512() && __builtin_cpu_supports("avx512vnni");
}

/* Bit 5 of EAX, likewise. */
static bool has_avx512bf16(void) {
    unsigned eax = 0, ebx, ecx, edx;
    return has_avx512vnni() && __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) && (eax >> 5 & 1);
}
#endif

/* From the plainest to the best. */
static const struct {
    const hw_kernels *kernels;
    bool (*runs_here)(void);
} tables[] = {
    { &hw_kernels_scalar, always },
#if defined(__x86_64__)
    { &hw_kernels_avx2, has_avx2 },
    { &hw_kernels_avxvnni, has_avxvnni },
    { &hw_kernels_avx512, has_avx512 },
    { &hw_kernels_avx512vnni, has_avx512vnni },
    { &hw_kernels_avx512bf16, has_avx512bf16 },
#elif defined(__aarch64__)
    { &hw_kernels_neon, always },
#endif
};

const hw_kernels *hw_kernels_at(size_t i) {
    for (size_t j = 0; j < sizeof tables / sizeof *tables; j++)
        if (tables[j].runs_here() && i-- == 0) return tables[j].kernels;
    return NULL;
}

const hw_kernels *hw_kernels_select(void) {
    const char *wanted = getenv("HEADWISE_ISA");
    const hw_kernels *best = NULL;
    const hw_kernels *kernels = NULL;
    for (size_t i = 0; (kernels = hw_kernels_at(i)); i++) {
        if (wanted && strcmp(wanted, kernels->name) == 0) return kernels;
        best = kernels;
    }
    return best;
}

const char *hw_kernels_name(void) {
    return hw_kernels_select()->name;
}
