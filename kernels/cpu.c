#include "kernels/cpu.h"
#include "kernels/template/compiler.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static bool tiles_refused;

static const char *const level_names[CPU_N_LEVELS] = {
    [CPU_SCALAR] = "scalar",
#if defined(__x86_64__)
    [CPU_AVX2] = "avx2",
    [CPU_AVXVNNI] = "avxvnni",
    [CPU_AVX512] = "avx512",
    [CPU_AVX512VNNI] = "avx512vnni",
    [CPU_AVX512BF16] = "avx512bf16",
    [CPU_AMX] = "amx",
#elif defined(__aarch64__)
    [CPU_NEON] = "neon",
    [CPU_DOTPROD] = "dotprod",
    [CPU_I8MM] = "i8mm",
#endif
};

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

struct cpuid {
    uint32_t a, b, c, d;
};

static struct cpuid cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct cpuid r = {0, 0, 0, 0};
    __get_cpuid_count(leaf, subleaf, &r.a, &r.b, &r.c, &r.d);
    return r;
}

/* XCR0: which register files the operating system saves when it switches threads. */
static uint64_t enabled_state(void)
{
    uint32_t lo, hi;
    __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    return (uint64_t)hi << 32 | lo;
}

static int has(uint64_t word, uint64_t bits)
{
    return (word & bits) == bits;
}

/* Linux gives a process the large registers of AMX when it asks: Documentation/x86/xstate.rst. */
static int may_use_tiles(void)
{
    enum { ARCH_REQ_XCOMP_PERM = 0x1023, TILE_DATA = 18 };
    tiles_refused = syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, TILE_DATA) != 0;
    return !tiles_refused;
}

/* A bit a level. Intel SDM volume 2A, CPUID. */
static unsigned find_levels(void)
{
    enum { FMA = 1 << 12, OSXSAVE = 1 << 27, F16C = 1 << 29 };                         /* 1:ecx */
    enum { AVX2 = 1 << 5, AVX512F = 1 << 16, AVX512DQ = 1 << 17, AVX512BW = 1 << 30 }; /* 7:ebx */
    const uint32_t AVX512VL = UINT32_C(1) << 31;
    enum { AVX512VNNI = 1 << 11 };                                       /* 7:ecx */
    enum { AVXVNNI = 1 << 4, AVX512BF16 = 1 << 5 };                      /* 7.1:eax */
    enum { AMX_BF16 = 1 << 22, AMX_TILE = 1 << 24, AMX_INT8 = 1 << 25 }; /* 7:edx */
    enum { XMM_YMM = 0x06, OPMASK_ZMM = 0xe0, TILES = 0x60000 };         /* XCR0 */

    unsigned levels = 1u << CPU_SCALAR;
    const struct cpuid leaf1 = cpuid(1, 0), leaf7 = cpuid(7, 0);
    if (!has(leaf1.c, FMA | OSXSAVE | F16C))
        return levels;
    const uint64_t state = enabled_state();
    if (!has(leaf7.b, AVX2) || !has(state, XMM_YMM))
        return levels;
    levels |= 1u << CPU_AVX2;
    const uint32_t more = leaf7.a >= 1 ? cpuid(7, 1).a : 0;
    if (KNOWS_AVXVNNI_AND_AMX && has(more, AVXVNNI))
        levels |= 1u << CPU_AVXVNNI;
    if (!has(leaf7.b, AVX512F | AVX512DQ | AVX512BW | AVX512VL) || !has(state, OPMASK_ZMM))
        return levels;
    levels |= 1u << CPU_AVX512;
    if (has(leaf7.c, AVX512VNNI))
        levels |= 1u << CPU_AVX512VNNI;
    if (has(more, AVX512BF16))
        levels |= 1u << CPU_AVX512BF16;
    const unsigned below = 1u << CPU_AVX512VNNI | 1u << CPU_AVX512BF16;
    if (KNOWS_AVXVNNI_AND_AMX && has(levels, below) && has(leaf7.d, AMX_TILE | AMX_INT8 | AMX_BF16) &&
        has(state, TILES) && may_use_tiles())
        levels |= 1u << CPU_AMX;
    return levels;
}

#elif defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>

static unsigned find_levels(void)
{
    const unsigned long caps = getauxval(AT_HWCAP), caps2 = getauxval(AT_HWCAP2);
    unsigned levels = 1u << CPU_SCALAR;
    if (!(caps & HWCAP_ASIMD))
        return levels;
    levels |= 1u << CPU_NEON;
    if (!(caps & HWCAP_ASIMDDP))
        return levels;
    levels |= 1u << CPU_DOTPROD;
    if (caps2 & HWCAP2_I8MM)
        levels |= 1u << CPU_I8MM;
    return levels;
}

#else

static unsigned find_levels(void)
{
    return 1u << CPU_SCALAR;
}

#endif

static pthread_once_t levels_once = PTHREAD_ONCE_INIT;
static unsigned levels_found;

static void keep_levels(void)
{
    levels_found = find_levels();
}

/* Asked of the machine once. */
static unsigned supported_levels(void)
{
    pthread_once(&levels_once, keep_levels);
    return levels_found;
}

bool cpu_tiles_refused(void)
{
    supported_levels();
    return tiles_refused;
}

int cpu_supports(enum cpu_level level)
{
    return level < CPU_N_LEVELS && (supported_levels() >> level & 1);
}

const char *cpu_level_name(enum cpu_level level)
{
    return level_names[level];
}

enum cpu_level cpu_level_by_name(const char *name)
{
    unsigned level = 0;
    while (level < CPU_N_LEVELS && strcmp(level_names[level], name) != 0)
        level++;
    return (enum cpu_level)level;
}

enum cpu_level cpu_level(void)
{
    const char *cap_name = getenv("HONE_CPU");
    const enum cpu_level cap = cap_name ? cpu_level_by_name(cap_name) : CPU_N_LEVELS;
    unsigned level = cap < CPU_N_LEVELS ? cap : CPU_N_LEVELS - 1;
    while (level > CPU_SCALAR && !cpu_supports((enum cpu_level)level))
        level--;
    return (enum cpu_level)level;
}
