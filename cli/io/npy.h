/* NumPy's array file, version 1.0: a header, then little-endian rows, float32 but for other types that a header tells.
 * https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html */
#ifndef CLI_IO_NPY_H
#define CLI_IO_NPY_H

#include "cli/io/output.h"

#define NPY_HEADER 128 /* bytes: a multiple of 64, and room for two numbers of 20 digits */

/* The header of an array of `type` ("<f4") in rows; n_columns 0: it has one dimension alone. */
void npy_header(char header[NPY_HEADER], const char *type, size_t n_rows, size_t n_columns);

/* Leaves room for the header, at the very beginning of an output that can be patched; where one is gone on with it is there. */
void npy_begin(struct output *o);
/* Writes the header, now that all rows are there. */
void npy_end(struct output *o, size_t n_columns);

#endif
