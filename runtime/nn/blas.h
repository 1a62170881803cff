/* OpenBLAS, which is loaded when somebody asks for it: 40 MB of library and 128 MB of address space a thread are nothing
 * that every command should bring. Any of its builds will do, whatever it makes threads with; a build with one thread
 * is preferred, since the threads are ours. */
#ifndef RUNTIME_NN_BLAS_H
#define RUNTIME_NN_BLAS_H

#include "runtime/base/error.h"

#include <stddef.h>

/* Finds and loads it once for the process; n_threads are going to compute with it. Fails with HONE_FAILED where there
 * is none, or where the process may not have the memory. A later call tries again. Thread-safe. HONE_OPENBLAS names the
 * file to load, and then no other is tried. */
enum hone_status blas_load(int n_threads, struct hone_error *err);

/* Version and file, of what was loaded; NULL before. */
const char *blas_describe(void);

/* out[m, n] (rows ld_out apart) = a[m, k] (lda) * b[n, k]^T (rows k apart), and out itself where `add`: with one thread,
 * the caller's. After blas_load has succeeded. Thread-safe. */
void blas_product(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b, int add,
                  float *out, size_t ld_out);

#endif
