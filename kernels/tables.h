/* The levels of the ladder: a table of its own, or what it does better than the table of the levels below. Others reach
 * the finished tables through kernels_get and kernels_of. */
#ifndef KERNELS_TABLES_H
#define KERNELS_TABLES_H

#include "kernels/kernels.h"

extern const struct kernels kernels_scalar;
#if defined(__x86_64__)
extern const struct kernels kernels_avx2;
void kernels_add_avxvnni(struct kernels *k);
extern const struct kernels kernels_avx512;
void kernels_add_avx512vnni(struct kernels *k);
void kernels_add_avx512bf16(struct kernels *k);
void kernels_add_amx(struct kernels *k);
#elif defined(__aarch64__)
extern const struct kernels kernels_neon;
void kernels_add_dotprod(struct kernels *k);
void kernels_add_i8mm(struct kernels *k);
#endif

#endif
