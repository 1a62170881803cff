/* Conversions: bit for bit, in every instruction set. */
#include "tests/guard.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { MAX_SIZE = 131 };

typedef void (*widen)(float *, const uint16_t *, size_t);
typedef void (*narrow)(uint16_t *, const float *, size_t);

static void check_widen(const char *name, widen reference, widen tested, const uint16_t *values, size_t n)
{
    uint16_t *src = guard_alloc(n * sizeof *src);
    float *want = guard_alloc(n * sizeof *want), *got = guard_alloc(n * sizeof *got);
    memcpy(src, values, n * sizeof *src);
    reference(want, src, n);
    tested(got, src, n);
    for (size_t i = 0; i < n; i++)
        if (memcmp(&want[i], &got[i], sizeof *want) != 0)
            fail_msg("%s, n %zu: %#x gives %a, not %a", name, n, src[i], (double)got[i], (double)want[i]);
    guard_free_all();
}

static void check_narrow(const char *name, narrow reference, narrow tested, const float *values, size_t n)
{
    float *src = guard_alloc(n * sizeof *src);
    uint16_t *want = guard_alloc(n * sizeof *want), *got = guard_alloc(n * sizeof *got);
    memcpy(src, values, n * sizeof *src);
    reference(want, src, n);
    tested(got, src, n);
    for (size_t i = 0; i < n; i++)
        if (want[i] != got[i])
            fail_msg("%s, n %zu: %a gives %#x, not %#x", name, n, (double)src[i], got[i], want[i]);
    guard_free_all();
}

/* All 65536 values, and every small size at both ends of its pages. */
static void check_all_widen(const char *name, widen reference, widen tested)
{
    static uint16_t all[65536];
    for (size_t i = 0; i < 65536; i++)
        all[i] = (uint16_t)i;
    check_widen(name, reference, tested, all, 65536);
    for (size_t n = 0; n < MAX_SIZE; n++) {
        guard_at_end = n % 2;
        check_widen(name, reference, tested, all + random_below(65536 - n), n);
    }
}

/* A float near the boundaries of rounding: some upper bits, then around a half of what is dropped; or any. */
static float tricky(void)
{
    static const uint32_t lower[] = {0x0000, 0x0001, 0x0fff, 0x1000, 0x1001, 0x7fff, 0x8000, 0x8001, 0xffff};
    const uint64_t random = random_bits();
    uint32_t bits = (uint32_t)random;
    if (random >> 63)
        bits = (bits & 0xffffe000) | (lower[random_below(9)] & 0x1fff);
    else if (random >> 62)
        bits = (bits & 0xffff0000) | lower[random_below(9)];
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static void check_all_narrow(const char *name, narrow reference, narrow tested)
{
    static float values[65536];
    for (int round = 0; round < 40; round++) {
        for (size_t i = 0; i < 65536; i++) /* half of them in the range of binary16 */
            values[i] = i % 2 ? tricky()
                              : copysignf(ldexpf(1 + fabsf(fmodf(tricky(), 1)), (int)random_below(46) - 28),
                                          tricky());
        check_narrow(name, reference, tested, values, 65536);
    }
    for (size_t n = 0; n < MAX_SIZE; n++) {
        guard_at_end = n % 2;
        check_narrow(name, reference, tested, values + random_below(65536 - n), n);
    }
}

static void check_level(const struct kernels *k)
{
    const struct kernels *scalar = kernels_of(CPU_SCALAR);
    check_all_widen("f16_to_f32", scalar->f16_to_f32, k->f16_to_f32);
    check_all_widen("bf16_to_f32", scalar->bf16_to_f32, k->bf16_to_f32);
    check_all_narrow("f32_to_f16", scalar->f32_to_f16, k->f32_to_f16);
    check_all_narrow("f32_to_bf16", scalar->f32_to_bf16, k->f32_to_bf16);
}

static void test_levels(void **state)
{
    (void)state;
    each_level(check_level);
}

/* The value of a binary16 by its definition; NaN where it is one. */
static double value_of_f16(uint16_t h)
{
    const int exponent = h >> 10 & 31, mantissa = h & 0x3ff;
    const double sign = h >> 15 ? -1 : 1;
    if (exponent == 31)
        return mantissa ? (double)NAN : sign * (double)INFINITY;
    return sign * (exponent ? ldexp(1024 + mantissa, exponent - 25) : ldexp(mantissa, -24));
}

/* The scalar versions against the definition: values, and the nearest value, the even one of two. */
static void test_scalar_f16(void **state)
{
    (void)state;
    const struct kernels *scalar = kernels_of(CPU_SCALAR);
    for (uint32_t h = 0; h < 65536; h++) {
        const uint16_t half = (uint16_t)h;
        const double value = value_of_f16(half);
        float x;
        uint16_t back;
        scalar->f16_to_f32(&x, &half, 1);
        scalar->f32_to_f16(&back, &x, 1);
        assert_true(isnan(value) ? isnan(x) : (double)x == value && !signbit(x) == !signbit(value));
        assert_true(back == half || (isnan(value) && back == (half | 0x200)));
    }
    for (uint16_t h = 0; h < 0x7bff; h++) { /* between h and its upper neighbour */
        const float middle = (float)((value_of_f16(h) + value_of_f16((uint16_t)(h + 1))) / 2);
        const float x[3] = {nextafterf(middle, 0), middle, nextafterf(middle, INFINITY)};
        uint16_t got[3];
        scalar->f32_to_f16(got, x, 3);
        assert_int_equal(got[0], h);
        assert_int_equal(got[1], h + (h & 1));
        assert_int_equal(got[2], h + 1);
    }
}

static void test_scalar_bf16(void **state)
{
    (void)state;
    const struct kernels *scalar = kernels_of(CPU_SCALAR);
    for (uint32_t high = 0; high < 65536; high++) {
        const uint32_t bits[4] = {high << 16, high << 16 | 0x7fff, high << 16 | 0x8000, high << 16 | 0x8001};
        float x[4];
        uint16_t got[4];
        memcpy(x, bits, sizeof x);
        scalar->f32_to_bf16(got, x, 4);
        if (isnan(x[1])) { /* infinity, or NaN */
            assert_int_equal(got[0], isnan(x[0]) ? high | 0x40 : high);
            for (int i = 1; i < 4; i++)
                assert_int_equal(got[i], high | 0x40);
        } else {
            assert_int_equal(got[0], high);
            assert_int_equal(got[1], high);
            assert_int_equal(got[2], high + (high & 1));
            assert_int_equal(got[3], high + 1);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scalar_f16),
        cmocka_unit_test(test_scalar_bf16),
        cmocka_unit_test(test_levels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
