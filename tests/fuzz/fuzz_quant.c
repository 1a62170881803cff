/* Any bits as numbers, and any bytes as blocks: conversions touch their buffers alone, and give the same
 * bytes each time. */
#include "quant/types.h"
#include "tests/guard.h"
#include "tests/mutate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void random_bytes(unsigned char *p, size_t size)
{
    for (size_t i = 0; i < size; i++)
        p[i] = (unsigned char)random_bits();
}

static void check_type(const struct quant_type *type)
{
    size_t n = 256 * (1 + random_below(3)), size = n / type->block_len * type->block_size;
    float *x = guard_alloc(n * sizeof *x), *y = guard_alloc(n * sizeof *y), *w = guard_alloc(n * sizeof *w);
    unsigned char *blocks = guard_alloc(size), *again = guard_alloc(size);
    random_floats(x, n, (enum data)random_below(DATA_NAN + 1));
    if (random_below(4) == 0)
        random_bytes((unsigned char *)x, n * sizeof *x);
    random_floats(w, n, (enum data)random_below(DATA_N_FINITE));
    for (size_t i = 0; i < n; i++)
        w[i] = w[i] < 0 ? -w[i] : w[i];
    float *importance = random_below(2) ? w : NULL;
    if (type->quantize) { /* others are only read */
        type->quantize(blocks, x, n, importance);
        type->quantize(again, x, n, importance);
        assert_memory_equal(blocks, again, size);
        type->dequantize(y, blocks, n);
    }
    random_bytes(blocks, size);
    type->dequantize(y, blocks, n);
    guard_free_all();
}

static void test_any_bits(void **state)
{
    (void)state;
    const struct quant_type *type;
    size_t runs = fuzz_runs(300);
    for (size_t i = 0; i < runs; i++)
        for (size_t t = 0; (type = quant_type_at(t)); t++) {
            guard_at_end = random_below(2);
            check_type(type);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_any_bits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
