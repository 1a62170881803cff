#include "cli/io/npy.h"

#include <stdio.h>
#include <string.h>

#define PREFIX_SIZE 10 /* magic, version, length of the rest */

void npy_header(char header[NPY_HEADER], const char *type, size_t n_rows, size_t n_columns)
{
    char columns[24] = "";
    if (n_columns > 0)
        snprintf(columns, sizeof columns, " %zu", n_columns);
    memset(header, ' ', NPY_HEADER);
    memcpy(header, "\x93NUMPY\x01\x00", PREFIX_SIZE - 2);
    header[8] = NPY_HEADER - PREFIX_SIZE;
    header[9] = 0;
    int n = snprintf(header + PREFIX_SIZE, NPY_HEADER - PREFIX_SIZE,
                     "{'descr': '%s', 'fortran_order': False, 'shape': (%zu,%s), }", type, n_rows, columns);
    header[PREFIX_SIZE + n] = ' ';
    header[NPY_HEADER - 1] = '\n';
}

void npy_begin(struct output *o)
{
    if (o->size > 0)
        return;
    memset(output_reserve(o, NPY_HEADER), 0, NPY_HEADER);
    output_advance(o, NPY_HEADER);
}

void npy_end(struct output *o, size_t n_columns)
{
    char header[NPY_HEADER];
    npy_header(header, "<f4", (size_t)(o->size + o->used - NPY_HEADER) / (n_columns * sizeof(float)),
               n_columns);
    output_patch(o, 0, header, NPY_HEADER);
}
