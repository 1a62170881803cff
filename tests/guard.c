#include "tests/guard.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

enum { N_BUFFERS = 512, CANARY = 0xa5 };

static struct {
    unsigned char *map, *data;
    size_t map_size, size;
} buffers[N_BUFFERS];
static size_t n_buffers;

bool guard_at_end;

void *guard_alloc(size_t size)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), inner = (size + page - 1) / page * page;
    assert_true(n_buffers < N_BUFFERS);
    unsigned char *map =
        mmap(NULL, inner + 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(map != MAP_FAILED);
    assert_int_equal(mprotect(map, page, PROT_NONE), 0);
    assert_int_equal(mprotect(map + page + inner, page, PROT_NONE), 0);
    memset(map + page, CANARY, inner);
    unsigned char *data = map + page + (guard_at_end ? inner - size : 0);
    buffers[n_buffers].map = map;
    buffers[n_buffers].data = data;
    buffers[n_buffers].map_size = inner + 2 * page;
    buffers[n_buffers++].size = size;
    return data;
}

static void check_canary(const unsigned char *p, const unsigned char *end)
{
    for (; p < end; p++)
        assert_int_equal(*p, CANARY);
}

void guard_free_all(void)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    while (n_buffers > 0) {
        n_buffers--;
        unsigned char *map = buffers[n_buffers].map, *data = buffers[n_buffers].data;
        const size_t map_size = buffers[n_buffers].map_size;
        check_canary(map + page, data);
        check_canary(data + buffers[n_buffers].size, map + map_size - page);
        munmap(map, map_size);
    }
}

/* Steele, Lea and Flood, Fast splittable pseudorandom number generators (2014): SplitMix64. */
uint64_t random_bits(void)
{
    static uint64_t state;
    static bool seeded;
    if (!seeded) {
        const char *seed = getenv("HONE_SEED");
        state = seed ? strtoull(seed, NULL, 0) : 1;
        seeded = true;
        print_message("HONE_SEED=%llu\n", (unsigned long long)state);
    }
    uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

size_t random_below(size_t n)
{
    return (size_t)(random_bits() % n);
}

float random_uniform(float low, float high)
{
    return low + (high - low) * (float)(random_bits() >> 40) * 0x1p-24f;
}

static float random_normal(void)
{
    float sum = 0;
    for (int i = 0; i < 4; i++)
        sum += random_uniform(-1.5f, 1.5f);
    return sum;
}

static float any_finite(void)
{
    for (;;) {
        const uint32_t bits = (uint32_t)random_bits();
        float x;
        memcpy(&x, &bits, sizeof x);
        if (isfinite(x))
            return x;
    }
}

static float random_float(enum data data, float equal)
{
    switch (data) {
    case DATA_WIDE:
        return ldexpf(random_normal(), (int)random_below(61) - 30);
    case DATA_DENORMAL:
        return random_below(4) ? ldexpf(random_normal(), -128) : random_below(2) ? 0.0f : -0.0f;
    case DATA_EQUAL:
        return equal;
    case DATA_HUGE:
        return random_normal() * 1e30f;
    case DATA_BITS:
        return any_finite();
    case DATA_INFINITE:
        return random_below(4) ? random_normal() : random_below(2) ? INFINITY : -INFINITY;
    case DATA_NAN:
        return random_below(8) ? random_normal() : random_below(2) ? NAN : -NAN;
    default:
        return random_normal();
    }
}

void random_floats(float *x, size_t n, enum data data)
{
    const float equal = random_normal() * (random_below(2) ? 1 : 1000);
    for (size_t i = 0; i < n; i++)
        x[i] = random_float(data, equal);
}

const char *data_name(enum data data)
{
    static const char *const names[] = {"normal", "wide", "denormal", "equal",
                                        "huge",   "bits", "infinite", "nan"};
    return names[data];
}

double ulp_of(float x)
{
    int exponent;
    frexpf(x, &exponent);
    return ldexp(1, (exponent < -125 ? -125 : exponent) - 24);
}

bool same_float(float a, float b)
{
    return memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b));
}

static void check_table(const struct kernels *k, void (*check)(const struct kernels *k))
{
    print_message("             %s\n", k->name);
    check(k);
}

/* The table of a level; behind them all AMX's on software tiles. */
static const struct kernels *table_of(unsigned level)
{
    return level < CPU_N_LEVELS ? kernels_of((enum cpu_level)level) : emulated_amx();
}

void each_level(void (*check)(const struct kernels *k))
{
    for (unsigned level = CPU_SCALAR + 1; level <= CPU_N_LEVELS; level++)
        if (table_of(level))
            check_table(table_of(level), check);
}

void each_version(size_t slot, void (*check)(const struct kernels *k))
{
    void (*version)(void), (*last)(void) = NULL;
    for (unsigned level = CPU_SCALAR + 1; level <= CPU_N_LEVELS; level++) {
        const struct kernels *k = table_of(level);
        if (!k)
            continue;
        memcpy(&version, (const char *)k + slot, sizeof version);
        if (version != last)
            check_table(k, check);
        last = version;
    }
}
