/* What the templates need of the compiler. */
#ifndef KERNELS_TEMPLATE_COMPILER_H
#define KERNELS_TEMPLATE_COMPILER_H

#define ALWAYS_INLINE inline __attribute__((always_inline))
#define PRAGMA(x)     _Pragma(#x)

/* TARGET_BEGIN("avx2,fma") ... TARGET_END: the functions between are compiled for these instruction sets.
 * UNROLL: the next loop, of a few constant steps, becomes straight code, so that arrays of vectors in it become
 * registers.
 * LOADS_STAY_BELOW: the compiler loads nothing earlier than here what is loaded below. Where sums fill the registers,
 * what comes early goes out to the stack again. */
#define LOADS_STAY_BELOW __asm__ volatile("" ::: "memory")
/* AVX-VNNI and AMX are instruction sets that not every compiler knows (gcc from 11 on, clang from 12 on). What an older one
 * builds does without. */
#if defined(__clang__) ? __clang_major__ >= 12 : __GNUC__ >= 11
#define KNOWS_AVXVNNI_AND_AMX 1
#else
#define KNOWS_AVXVNNI_AND_AMX 0
#endif

#ifdef __clang__
#define UNROLL            PRAGMA(clang loop unroll(full))
#define TARGET_BEGIN(isa) PRAGMA(clang attribute push(__attribute__((target(isa))), apply_to = function))
#define TARGET_END        PRAGMA(clang attribute pop)
#else
#define UNROLL            PRAGMA(GCC unroll 16)
#define TARGET_BEGIN(isa) PRAGMA(GCC push_options) PRAGMA(GCC target(isa))
#define TARGET_END        PRAGMA(GCC pop_options)
#endif

#endif
