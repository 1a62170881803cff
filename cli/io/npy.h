/* NumPy's array file, version 1.0: a header, then little-endian float32 rows.
 * https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html */
#ifndef CLI_IO_NPY_H
#define CLI_IO_NPY_H

#include "cli/io/output.h"

/* Leaves room for the header, at the very beginning of an output that can be patched. */
void npy_begin(struct output *o);
/* Writes the header, now that the number of rows is known. */
void npy_end(struct output *o, size_t n_rows, size_t n_columns);

#endif
