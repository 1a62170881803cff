/* Importance matrices: for each matrix of a model, how much the inputs that meet its columns weigh, as the mean of
 * their squares. Both forms that llama.cpp's imatrix writes are read: GGUF with NAME.in_sum2 and NAME.counts, and the
 * older one, int32 n, then n times { int32 length; name; int32 n_calls, n_values; float32 sums[n_values]; }. */
#ifndef RUNTIME_TOOLS_IMATRIX_H
#define RUNTIME_TOOLS_IMATRIX_H

#include "runtime/gguf/gguf.h"

struct imatrix;

/* HONE_FAILED: it cannot be read; HONE_BAD_MODEL: it is none, or damaged. On failure *out is NULL. */
enum hone_status imatrix_open(struct imatrix **out, const char *path, struct hone_error *err);
void imatrix_close(struct imatrix **im); /* NULL and a pointer to NULL are allowed */

/* [dims[2]][dims[0]] finite numbers of at least 0, which live as long as im; *values is NULL where there are none.
 * HONE_BAD_MODEL: there are, but of another number. */
enum hone_status imatrix_find(const struct imatrix *im, const struct gguf_tensor *tensor,
                              const float **values, struct hone_error *err);

#endif
