/* What this machine can run: an ascending ladder of instruction sets, asked of CPU and operating system both. */
#ifndef KERNELS_CPU_H
#define KERNELS_CPU_H

#include <stdbool.h>

enum cpu_level {
    CPU_SCALAR,
#if defined(__x86_64__)
    CPU_AVX2, /* with FMA and F16C */
    CPU_AVXVNNI,
    CPU_AVX512, /* F, BW, VL, DQ */
    CPU_AVX512VNNI,
    CPU_AVX512BF16,
    CPU_AMX, /* tiles of bytes and of bfloat16 */
#elif defined(__aarch64__)
    CPU_NEON,
    CPU_DOTPROD,
    CPU_I8MM,
#endif
    CPU_N_LEVELS
};

/* The highest level that CPU and operating system support (XCR0 on x86, where it also asks for the leave to use AMX),
 * capped by the environment variable
 * HONE_CPU where it names a level. A name that is not known is ignored. */
enum cpu_level cpu_level(void);
const char *cpu_level_name(enum cpu_level level); /* "scalar", "avx2", ... */
/* The level called `name`, or CPU_N_LEVELS. */
enum cpu_level cpu_level_by_name(const char *name);
/* Whether the processor has AMX and the system does not let this process use it. */
bool cpu_tiles_refused(void);
/* Whether the machine itself (HONE_CPU aside) can run `level`. */
int cpu_supports(enum cpu_level level);

#endif
