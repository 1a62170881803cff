#include "kernels/kernels.h"
#include "kernels/tables.h"

#include <pthread.h>
#include <stddef.h>

/* A level starts from its own table, or from that of the level below, and adds to it. */
static const struct {
    const struct kernels *table;
    void (*add)(struct kernels *k);
} ladder[CPU_N_LEVELS] = {
    [CPU_SCALAR] = {&kernels_scalar, NULL},
#if defined(__x86_64__)
    [CPU_AVX2] = {&kernels_avx2, NULL},
    [CPU_AVXVNNI] = {NULL, kernels_add_avxvnni},
    [CPU_AVX512] = {&kernels_avx512, NULL},
    [CPU_AVX512VNNI] = {NULL, kernels_add_avx512vnni},
    [CPU_AVX512BF16] = {NULL, kernels_add_avx512bf16},
    [CPU_AMX] = {NULL, kernels_add_amx},
#elif defined(__aarch64__)
    [CPU_NEON] = {&kernels_neon, NULL},
    [CPU_DOTPROD] = {NULL, kernels_add_dotprod},
    [CPU_I8MM] = {NULL, kernels_add_i8mm},
#endif
};

static struct kernels tables[CPU_N_LEVELS]; /* without a name: the machine lacks the level */

static void fill(void)
{
    struct kernels k = kernels_scalar;
    for (unsigned level = 0; level < CPU_N_LEVELS; level++) {
        if (!cpu_supports((enum cpu_level)level))
            continue;
        if (ladder[level].table)
            k = *ladder[level].table;
        if (ladder[level].add)
            ladder[level].add(&k);
        k.name = cpu_level_name((enum cpu_level)level);
        tables[level] = k;
    }
}

const struct kernels *kernels_of(enum cpu_level level)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, fill);
    return level < CPU_N_LEVELS && tables[level].name ? &tables[level] : NULL;
}

const struct kernels *kernels_get(void)
{
    static const struct kernels *best;
    const struct kernels *table = __atomic_load_n(&best, __ATOMIC_RELAXED);
    if (!table) {
        table = kernels_of(cpu_level()); /* threads that race here all find the same */
        __atomic_store_n(&best, table, __ATOMIC_RELAXED);
    }
    return table;
}
