#include "cli/io/npy.h"

#include <stdio.h>
#include <string.h>

#define HEADER_SIZE 128 /* a multiple of 64, and room for two numbers of 20 digits */
#define PREFIX_SIZE 10  /* magic, version, length of the rest */

void npy_begin(struct output *o)
{
    memset(output_reserve(o, HEADER_SIZE), 0, HEADER_SIZE);
    output_advance(o, HEADER_SIZE);
}

void npy_end(struct output *o, size_t n_rows, size_t n_columns)
{
    char header[HEADER_SIZE + 1];
    memcpy(header, "\x93NUMPY\x01\x00", PREFIX_SIZE - 2);
    header[8] = HEADER_SIZE - PREFIX_SIZE;
    header[9] = 0;
    int n = snprintf(header + PREFIX_SIZE, HEADER_SIZE - PREFIX_SIZE,
                     "{'descr': '<f4', 'fortran_order': False, 'shape': (%zu, %zu), }", n_rows, n_columns);
    memset(header + PREFIX_SIZE + n, ' ', HEADER_SIZE - PREFIX_SIZE - (size_t)n);
    header[HEADER_SIZE - 1] = '\n';
    output_patch(o, 0, header, HEADER_SIZE);
}
