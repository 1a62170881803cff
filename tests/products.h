/* What the tests of products share: sizes, rows to quantize, and how part of a product is compared with the whole. */
#ifndef TESTS_PRODUCTS_H
#define TESTS_PRODUCTS_H

#include "tests/guard.h"

size_t round_up(size_t n, size_t unit);

/* Elements of rows x cols with a stride: the last row has no gap behind it. */
size_t extent(size_t rows, size_t cols, size_t stride);

/* guard_alloc, rounded up to whole lines of 64 bytes, so that it begins at one. */
void *guard_alloc_lines(size_t size);

/* Rows beyond those of random_floats: halves of a step, which round to even, and steps about the smallest normal one. */
enum { ROW_TIES = DATA_NAN + 1, ROW_POSITIVE, ROW_NEGATIVE, ROW_TINY, ROW_N_KINDS };
float *random_row(size_t n, int kind);

/* Rows of every kind, at many sizes and at both ends of their pages. */
void each_row(const struct kernels *k, void (*check)(const struct kernels *k, size_t n, int kind));

enum bytes { BYTES_ANY, BYTES_HIGH, BYTES_LOW, BYTES_EXTREME, BYTES_SMALL, BYTES_N_KINDS };
int random_byte(enum bytes kind, int low, int high);

#endif
