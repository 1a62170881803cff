#include "kernels/limits.h"
#include "kernels/limits_loop.h"

static const struct limits *const tables[CPU_N_LEVELS] = {
    [CPU_SCALAR] = &limits_scalar,
#if defined(__x86_64__)
    [CPU_AVX2] = &limits_avx2,
    [CPU_AVXVNNI] = &limits_avxvnni,
    [CPU_AVX512] = &limits_avx512,
    [CPU_AVX512VNNI] = &limits_avx512vnni,
    [CPU_AVX512BF16] = &limits_avx512bf16,
    [CPU_AMX] = &limits_amx,
#elif defined(__aarch64__)
    [CPU_NEON] = &limits_neon,
    [CPU_DOTPROD] = &limits_dotprod,
    [CPU_I8MM] = &limits_i8mm,
#endif
};

const struct limits *limits_of(enum cpu_level level)
{
    return cpu_supports(level) ? tables[level] : NULL;
}
