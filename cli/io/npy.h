/* NumPy's array file, version 1.0: a header, then little-endian float32 rows.
 * https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html */
#ifndef CLI_IO_NPY_H
#define CLI_IO_NPY_H

#include "cli/io/output.h"

#define NPY_HEADER 128 /* bytes: a multiple of 64, and room for two numbers of 20 digits */

/* Leaves room for the header, at the very beginning of an output that can be patched; where one is gone on with it is there. */
void npy_begin(struct output *o);
/* Writes the header, now that all rows are there. */
void npy_end(struct output *o, size_t n_columns);

#endif
