/* What the tests of products share: sizes, rows to quantize, operands, and how a product is compared with another, with
 * its definition and with parts of it alone. */
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

/* ---- a product ---- */

/* What it is of; gaps between all rows. a is [m, k], b [n, k]; blocks belong to a, scales and offsets to b. */
struct operands {
    size_t m, n, k, ld_c, ld_a, ld_b;
    void *a, *b, *blocks;
    uint16_t *scales, *offsets;
    float *bias; /* [n] or NULL */
};

/* Rows row and following, and columns col and following. */
struct part {
    size_t row, n_rows, col, n_cols;
};

/* A kernel that multiplies, and the one that packs for it. */
struct product_kind {
    const char *name;
    size_t panel; /* offset of its number of outputs in struct kernels */
    /* Bytes of a panel. */
    size_t (*panel_size)(const struct kernels *k, size_t depth);
    /* Rows j up to j + n of b. */
    void (*pack)(const struct kernels *k, void *packed, const struct operands *o, size_t j, size_t n);
    /* packed: from the panel on that begins with column p.col. */
    void (*multiply)(const struct kernels *k, float *c, size_t ld_c, const struct operands *o,
                     const void *packed, struct part p);
};

struct product {
    char *packed;
    float *c; /* [m, ld_c] */
};

/* Also checks that what lies between the rows of c stays as it is. */
struct product product_make(const struct product_kind *kind, const struct kernels *k,
                            const struct operands *o);
/* The scalar kernels with int8 blocks as long as k's. */
const struct kernels *scalar_like(const struct kernels *k);
/* The same bits as by scalar_like's. */
void product_check_scalar(const struct product_kind *kind, const struct kernels *k, const struct operands *o);
/* Some rows through some of the panels, as threads share a product: the same bits as in the whole. */
void product_check_company(const struct product_kind *kind, const struct kernels *k,
                           const struct operands *o);
/* A matrix packed in parts of whole panels is packed as in one. */
void product_check_parts(const struct product_kind *kind, const struct kernels *k, const struct operands *o);
/* The elements that k, of scalar kernels, makes are `defined`. */
void product_check_definition(const struct product_kind *kind, const struct kernels *k,
                              const struct operands *o,
                              float (*defined)(const struct operands *o, size_t i, size_t j));

/* ---- products of floats, whose sums may be in any order ---- */

struct float_product {
    struct product_kind kind;
    struct operands (*random)(size_t m, size_t n, size_t depth, enum data a);
    /* Elements of a row of a or b. */
    double (*a)(const struct operands *o, size_t i, size_t x);
    double (*b)(const struct operands *o, size_t j, size_t x);
    /* |error| <= (k + terms) (unit (|bias| + sum |a b|) + least) */
    double terms, unit, least;
    size_t n_data; /* kinds of a */
};

/* Each element at many sizes against its sum in double; and parts against the whole. */
void float_product_check(const struct float_product *f, const struct kernels *k);

#endif
