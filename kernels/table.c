#include "kernels/kernels.h"
#include "kernels/tables.h"

#include <stdatomic.h>

static const struct kernels *const tables[CPU_N_LEVELS] = {
    [CPU_SCALAR] = &kernels_scalar,
#if defined(__x86_64__)
    [CPU_AVX2] = &kernels_avx2,
    [CPU_AVX512] = &kernels_avx512,
#elif defined(__aarch64__)
    [CPU_NEON] = &kernels_neon,
#endif
};

const struct kernels *kernels_of(enum cpu_level level)
{
    return cpu_supports(level) ? tables[level] : NULL;
}

const struct kernels *kernels_get(void)
{
    /* Threads that race here all find the same table. */
    static _Atomic(const struct kernels *) best;
    const struct kernels *table = atomic_load_explicit(&best, memory_order_relaxed);
    if (!table) {
        table = kernels_of(cpu_level());
        atomic_store_explicit(&best, table, memory_order_relaxed);
    }
    return table;
}
