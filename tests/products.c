#include "tests/products.h"

#include "kernels/scalar/scalar.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define GAP (-1234.5f)

size_t round_up(size_t n, size_t unit)
{
    return (n + unit - 1) / unit * unit;
}

size_t extent(size_t rows, size_t cols, size_t stride)
{
    return rows ? (rows - 1) * stride + cols : 0;
}

void *guard_alloc_lines(size_t size)
{
    return guard_alloc(round_up(size, 64));
}

float *random_row(size_t n, int kind)
{
    float *x = guard_alloc(n * sizeof *x);
    random_floats(x, n, kind < ROW_TIES ? (enum data)kind : DATA_NORMAL);
    const float low = -0.5f * (float)random_below(511); /* so that 255 steps of 1 make the row */
    for (size_t i = 0; i < n; i++)
        switch (kind) {
        case ROW_TIES:
            x[i] = i == 0 ? low : i == 1 ? low + 255 : low + 0.5f * (float)random_below(511);
            break;
        case ROW_POSITIVE:
            x[i] = fabsf(x[i]);
            break;
        case ROW_NEGATIVE:
            x[i] = -fabsf(x[i]);
            break;
        case ROW_TINY:
            x[i] *= 40 * FLT_MIN;
            break;
        default:
            break;
        }
    return x;
}

void each_row(const struct kernels *k, void (*check)(const struct kernels *k, size_t n, int kind))
{
    static const size_t sizes[] = {127, 128, 129, 255, 257, 384, 1000, 1536, 4099};
    for (int end = 0; end < 2; end++) {
        guard_at_end = end;
        for (int kind = 0; kind < ROW_N_KINDS; kind++) {
            for (size_t n = 0; n < 100; n++)
                check(k, n, kind);
            for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
                check(k, sizes[i], kind);
        }
    }
}

int random_byte(enum bytes kind, int low, int high)
{
    return kind == BYTES_HIGH      ? high
           : kind == BYTES_LOW     ? low
           : kind == BYTES_EXTREME ? (random_below(2) ? high : low)
           : kind == BYTES_SMALL   ? (int)random_below(3)
                                   : low + (int)random_below((size_t)(high - low + 1));
}

/* ---- a product ---- */

static size_t panel(const struct product_kind *kind, const struct kernels *k)
{
    size_t n;
    memcpy(&n, (const char *)k + kind->panel, sizeof n);
    return n;
}

static size_t packed_size(const struct product_kind *kind, const struct kernels *k, const struct operands *o)
{
    return (o->n + panel(kind, k) - 1) / panel(kind, k) * kind->panel_size(k, o->k);
}

struct product product_make(const struct product_kind *kind, const struct kernels *k,
                            const struct operands *o)
{
    const size_t size = extent(o->m, o->n, o->ld_c);
    struct product p = {.packed = guard_alloc_lines(packed_size(kind, k, o)),
                        .c = guard_alloc(size * sizeof *p.c)};
    for (size_t x = 0; x < size; x++)
        p.c[x] = x % o->ld_c < o->n ? NAN : GAP;
    kind->pack(k, p.packed, o, 0, o->n);
    kind->multiply(k, p.c, o->ld_c, o, p.packed, (struct part){0, o->m, 0, o->n});
    for (size_t x = 0; x < size; x++)
        if (x % o->ld_c >= o->n && !same_float(p.c[x], GAP))
            fail_msg("%s: %s %zu x %zu x %zu: writes behind row %zu", k->name, kind->name, o->m, o->k, o->n,
                     x / o->ld_c);
    return p;
}

const struct kernels *scalar_like(const struct kernels *k)
{
    static struct kernels long_blocks;
    if (k->i8_block == I8_BLOCK)
        return kernels_of(CPU_SCALAR);
    long_blocks = *kernels_of(CPU_SCALAR);
    scalar_take_long_blocks(&long_blocks);
    return &long_blocks;
}

void product_check_scalar(const struct product_kind *kind, const struct kernels *k, const struct operands *o)
{
    const struct product want = product_make(kind, scalar_like(k), o), got = product_make(kind, k, o);
    for (size_t x = 0; x < extent(o->m, o->n, o->ld_c); x++)
        if (!same_float(got.c[x], want.c[x]))
            fail_msg("%s: %s %zu x %zu x %zu: c[%zu][%zu] is %a, not %a", k->name, kind->name, o->m, o->k,
                     o->n, x / o->ld_c, x % o->ld_c, (double)got.c[x], (double)want.c[x]);
}

static struct part random_part(const struct operands *o, size_t panel)
{
    struct part p = {.row = random_below(o->m), .col = random_below((o->n + panel - 1) / panel) * panel};
    p.n_rows = 1 + random_below(o->m - p.row);
    p.n_cols = 1 + random_below(o->n - p.col);
    return p;
}

void product_check_company(const struct product_kind *kind, const struct kernels *k, const struct operands *o)
{
    const struct product whole = product_make(kind, k, o);
    for (int round = 0; round < 6; round++) {
        const struct part p = random_part(o, panel(kind, k));
        float *c = guard_alloc(p.n_rows * p.n_cols * sizeof(float));
        kind->multiply(k, c, p.n_cols, o, whole.packed + p.col / panel(kind, k) * kind->panel_size(k, o->k),
                       p);
        for (size_t x = 0; x < p.n_rows * p.n_cols; x++)
            if (!same_float(c[x], whole.c[(p.row + x / p.n_cols) * o->ld_c + p.col + x % p.n_cols]))
                fail_msg("%s: %s %zu x %zu x %zu: rows %zu to %zu, columns %zu to %zu differ alone", k->name,
                         kind->name, o->m, o->k, o->n, p.row, p.row + p.n_rows, p.col, p.col + p.n_cols);
    }
}

void product_check_parts(const struct product_kind *kind, const struct kernels *k, const struct operands *o)
{
    const struct product whole = product_make(kind, k, o);
    char *packed = guard_alloc_lines(packed_size(kind, k, o));
    for (size_t j = 0, step; j < o->n; j += step) {
        step = panel(kind, k) * (1 + random_below(3));
        step = o->n - j < step ? o->n - j : step;
        kind->pack(k, packed + j / panel(kind, k) * kind->panel_size(k, o->k), o, j, step);
    }
    assert_memory_equal(packed, whole.packed, packed_size(kind, k, o));
}

void product_check_definition(const struct product_kind *kind, const struct kernels *k,
                              const struct operands *o,
                              float (*defined)(const struct operands *o, size_t i, size_t j))
{
    const struct product p = product_make(kind, k, o);
    for (size_t x = 0; x < o->m * o->n; x++) {
        const float want = defined(o, x / o->n, x % o->n), got = p.c[x / o->n * o->ld_c + x % o->n];
        if (!same_float(got, want))
            fail_msg("%s %zu x %zu x %zu: c[%zu][%zu] is %a, not %a", kind->name, o->m, o->k, o->n, x / o->n,
                     x % o->n, (double)got, (double)want);
    }
}

/* ---- products of floats ---- */

static void check_element(const struct float_product *f, const struct kernels *k, const struct operands *o,
                          size_t i, size_t j, float got)
{
    double want = o->bias ? (double)o->bias[j] : 0, magnitude = fabs(want);
    for (size_t x = 0; x < o->k; x++) {
        const double term = f->a(o, i, x) * f->b(o, j, x);
        want += term;
        magnitude += fabs(term);
    }
    const double bound = ((double)o->k + f->terms) * (magnitude * f->unit + f->least);
    if (!(fabs((double)got - want) <= bound) && magnitude < 3e38)
        fail_msg("%s: %s %zu x %zu x %zu: c[%zu][%zu] is %a, not %a", k->name, f->kind.name, o->m, o->k, o->n,
                 i, j, (double)got, want);
}

static void check_sums(const struct float_product *f, const struct kernels *k, size_t m, size_t n,
                       size_t depth, enum data data)
{
    const struct operands o = f->random(m, n, depth, data);
    const struct product p = product_make(&f->kind, k, &o);
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++)
            check_element(f, k, &o, i, j, p.c[i * o.ld_c + j]);
    guard_free_all();
}

static void check_company(const struct float_product *f, const struct kernels *k, size_t m, size_t n,
                          size_t depth)
{
    const struct operands o = f->random(m, n, depth, DATA_NORMAL);
    product_check_company(&f->kind, k, &o);
    guard_free_all();
}

void float_product_check(const struct float_product *f, const struct kernels *k)
{
    static const size_t sizes[] = {0,  1,  2,  3,  4,  5,  7,  8,  11, 12, 13, 15,
                                   16, 17, 24, 25, 31, 32, 33, 40, 63, 65, 97, 130};
    const size_t n_sizes = sizeof sizes / sizeof *sizes;
    for (size_t i = 0; i < n_sizes; i++)
        for (size_t j = 0; j < n_sizes; j++) {
            guard_at_end = random_below(2);
            check_sums(f, k, sizes[i], sizes[j], sizes[random_below(n_sizes)],
                       (enum data)random_below(f->n_data));
            check_sums(f, k, sizes[i], sizes[random_below(n_sizes)], sizes[j], DATA_NORMAL);
        }
    check_sums(f, k, 150, 70, 800, DATA_NORMAL);
    check_sums(f, k, 13, 35, 1600, DATA_WIDE);
    check_sums(f, k, 3, 300, 1000, DATA_NORMAL);
    check_company(f, k, 30, 100, 70);
    check_company(f, k, 150, 70, 800);
    check_company(f, k, 7, 300, 1600);
}
