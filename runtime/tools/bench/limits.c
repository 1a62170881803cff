/* What the machine can do at most: hone_bench_limits. */
#include "runtime/tools/bench/limits.h"

#include "kernels/limits.h"
#include "runtime/base/error.h"
#include "runtime/base/machine.h"
#include "runtime/base/pages.h"
#include "runtime/base/sizes.h"
#include "runtime/tools/bench/measure.h"
#include "runtime/tools/bench/names.h"

#include <string.h>

#define BUDGET      0.3 /* seconds a limit, at most */
#define MAX_THREADS 1024

_Static_assert((int)HONE_NUMBER_F32 == LIMIT_F32 && (int)HONE_NUMBER_BF16 == LIMIT_BF16 &&
                   (int)HONE_NUMBER_INT8 == LIMIT_I8 && (int)HONE_N_NUMBERS == LIMIT_N_TYPES,
               "the same numbers");

/* ---- arithmetic ---- */

static void multiply(void *arg, const struct measure_turn *turn)
{
    const struct limit_loop *loop = arg;
    volatile float result = loop->run(turn->end - turn->first);
    (void)result;
}

static double own_ops(enum cpu_level level, enum hone_number type, int n_threads)
{
    const struct limits *limits = limits_of(level);
    if (!limits || !limits->products[type].run)
        return 0;
    struct limit_loop loop = limits->products[type];
    return (double)n_threads * (double)loop.ops /
           measure_run(multiply, &loop, &(struct measure_how){n_threads, BUDGET, true, NULL});
}

double limits_ops(enum cpu_level level, enum hone_number type, int n_threads, enum cpu_level *by)
{
    double ops = 0;
    for (unsigned l = level + 1; l-- > 0 && ops == 0;) {
        *by = (enum cpu_level)l;
        ops = own_ops(*by, type, n_threads);
    }
    return ops;
}

static double best_ops(enum hone_number type, int n_threads, enum cpu_level *by)
{
    double best = 0;
    for (unsigned l = 0; l < CPU_N_LEVELS; l++) {
        double ops = own_ops((enum cpu_level)l, type, n_threads);
        if (ops > best) {
            best = ops;
            *by = (enum cpu_level)l;
        }
    }
    return best;
}

/* ---- reading ---- */

struct limit_reading {
    const struct limits *limits;
    void (*tiles)(const void *p, size_t size); /* NULL: by vectors */
    char *block;
    size_t share; /* bytes a thread */
};

static void read_share(void *arg, const struct measure_turn *turn)
{
    const struct limit_reading *r = arg;
    const char *own = r->block + (size_t)turn->thread * r->share;
    volatile uint64_t seen = 0;
    for (size_t i = turn->first; i < turn->end; i++)
        if (r->tiles)
            r->tiles(own, r->share);
        else
            seen |= r->limits->read(own, r->share);
    (void)seen;
}

/* Pages that were never written would all be the same one. Each thread's are near to it. */
static void write_share(void *arg, const struct measure_turn *turn)
{
    const struct limit_reading *r = arg;
    memset(r->block + (size_t)turn->thread * r->share, 1, r->share);
}

size_t limits_share(enum hone_memory memory, int n_threads)
{
    size_t n = (size_t)n_threads, size = machine_memory(memory), share = size / 2;
    if (memory == HONE_MEMORY_L3)
        share = size / 2 / n;
    if (memory == HONE_MEMORY_L3 && share <= machine_memory(HONE_MEMORY_L2))
        return 0;
    if (memory == HONE_MEMORY_MAIN) {
        /* Caches keep some of a block that is a few times as large as they are. */
        size_t want = 16 * machine_last_cache(), least = (size_t)256 << 20;
        want = want > least ? want : least;
        share = (want < size / 4 ? want : size / 4) / n;
    }
    return share / LIMIT_BLOCK * LIMIT_BLOCK;
}

/* Bytes a second; r: all but block. */
static enum hone_status read_all(double *out, struct limit_reading r, int n_threads, double budget,
                                 struct hone_error *err)
{
    size_t size = r.share * (size_t)n_threads;
    bool own_time = r.share <= machine_memory(HONE_MEMORY_L2); /* no cache that is shared */
    *out = 0;
    if (size == 0)
        return HONE_OK;
    r.block = pages_alloc(size);
    if (!r.block)
        return hone_no_memory(err, "memory to read", size);
    *out = (double)size /
           measure_run(read_share, &r, &(struct measure_how){n_threads, budget, own_time, write_share});
    pages_free(r.block, size);
    return HONE_OK;
}

enum hone_status limits_read(double *out, enum cpu_level level, size_t share, int n_threads, double budget,
                             struct hone_error *err)
{
    const struct limits *limits = NULL;
    for (unsigned l = level + 1; l-- > 0 && !(limits && limits->read);)
        limits = limits_of((enum cpu_level)l);
    return read_all(out, (struct limit_reading){.limits = limits, .share = round_up(share, LIMIT_BLOCK)},
                    n_threads, budget, err);
}

/* What tiles do with what lies in one part of the memory; nothing where the level has none. */
static enum hone_status tiles_read(struct hone_limits *out, enum cpu_level level, enum hone_memory memory,
                                   struct hone_error *err)
{
    const struct limits *limits = limits_of(level);
    if (!limits || !limits->load_tiles)
        return HONE_OK;
    struct limit_reading r = {.tiles = limits->load_tiles,
                              .share = limits_share(memory, out->n_threads) / LIMIT_TILES * LIMIT_TILES};
    enum hone_status status = read_all(&out->tile_read[memory], r, out->n_threads, BUDGET, err);
    r.tiles = limits->multiply_tiles;
    if (status == HONE_OK)
        status = read_all(&out->tile_ops[memory], r, out->n_threads, BUDGET, err);
    out->tile_ops[memory] *= (double)LIMIT_TILE_OPS / LIMIT_TILES;
    return status;
}

/* ---- all of them ---- */

enum hone_status limits_check_level(const char *level, struct hone_error *err)
{
    enum cpu_level found = cpu_level_by_name(level);
    char list[128] = "";
    if (found < CPU_N_LEVELS && cpu_supports(found))
        return HONE_OK;
    for (unsigned l = 0; l < CPU_N_LEVELS; l++)
        if (cpu_supports((enum cpu_level)l))
            names_append(list, sizeof list, cpu_level_name((enum cpu_level)l));
    return hone_fail(err, HONE_USAGE, "this machine has no instruction set '%s', expected one of %s", level,
                     list);
}

enum hone_status hone_bench_limits(struct hone_limits *out, const char *level, int n_threads,
                                   struct hone_error *err)
{
    enum hone_status status = level ? limits_check_level(level, err) : HONE_OK;
    if (status != HONE_OK)
        return status;
    enum cpu_level only = level ? cpu_level_by_name(level) : cpu_level();
    struct hone_limits limits = {.n_threads = n_threads > 0 ? n_threads : hone_machine()->n_threads};
    if (limits.n_threads > MAX_THREADS)
        return hone_fail(err, HONE_USAGE, "%d threads are more than %d", limits.n_threads, MAX_THREADS);
    for (int type = 0; type < HONE_N_NUMBERS; type++) {
        enum cpu_level by = CPU_SCALAR;
        limits.ops[type] = level ? limits_ops(only, (enum hone_number)type, limits.n_threads, &by)
                                 : best_ops((enum hone_number)type, limits.n_threads, &by);
        if (limits.ops[type] > 0)
            limits.ops_level[type] = cpu_level_name(by);
    }
    for (int m = 0; m < HONE_N_MEMORIES; m++) {
        status = limits_read(&limits.read[m], only, limits_share((enum hone_memory)m, limits.n_threads),
                             limits.n_threads, BUDGET, err);
        if (status == HONE_OK)
            status = tiles_read(&limits, only, (enum hone_memory)m, err);
        if (status != HONE_OK)
            return status;
    }
    *out = limits;
    return HONE_OK;
}
