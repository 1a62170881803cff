/* Activations: each instruction set against the scalar versions, which compute in double. */
#include "tests/guard.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

typedef void (*activation)(float *, size_t);

/* A value is right within `ulps` of it or within `absolute`: the latter is for what fades out towards zero. */
static const struct {
    const char *name;
    size_t slot;
    double ulps, absolute;
} activations[] = {
    {"gelu", offsetof(struct kernels, gelu), 8, 3e-9},
    {"gelu_tanh", offsetof(struct kernels, gelu_tanh), 8, 1e-8},
    {"silu", offsetof(struct kernels, silu), 4, 1e-35},
    {"relu", offsetof(struct kernels, relu), 0, 0},
    {"tanh", offsetof(struct kernels, tanh), 5, 0},
    {"sigmoid", offsetof(struct kernels, sigmoid), 4, 1e-37},
};

static activation slot_of(const struct kernels *k, size_t i)
{
    activation f;
    memcpy(&f, (const char *)k + activations[i].slot, sizeof f);
    return f;
}

static void check_values(const struct kernels *k, size_t i, const float *values, size_t n)
{
    float *want = guard_alloc(n * sizeof *want), *got = guard_alloc(n * sizeof *got);
    memcpy(want, values, n * sizeof *want);
    memcpy(got, values, n * sizeof *got);
    slot_of(kernels_of(CPU_SCALAR), i)(want, n);
    slot_of(k, i)(got, n);
    for (size_t j = 0; j < n; j++) {
        const double error = fabs((double)got[j] - (double)want[j]);
        if (!same_float(got[j], want[j]) && !(error <= activations[i].ulps * ulp_of(want[j])) &&
            !(error <= activations[i].absolute))
            fail_msg("%s %s, n %zu: %a (%g) gives %g, not %g", k->name, activations[i].name, n,
                     (double)values[j], (double)values[j], (double)got[j], (double)want[j]);
    }
    guard_free_all();
}

static void check_level(const struct kernels *k)
{
    static float values[8192];
    for (size_t i = 0; i < sizeof activations / sizeof *activations; i++) {
        for (size_t n = 0; n < 100; n++)
            for (int end = 0; end < 2; end++) {
                guard_at_end = end;
                random_floats(values, n, DATA_NORMAL);
                check_values(k, i, values, n);
            }
        for (enum data data = 0; data < DATA_N_FINITE; data++) {
            random_floats(values, 8192, data);
            check_values(k, i, values, 8192);
        }
        random_floats(values, 8192, DATA_NAN);
        check_values(k, i, values, 8192);
        for (int j = 0; j < 8192; j++) /* -20 to 20, evenly */
            values[j] = (float)(j - 4096) * 0x1p-8f * 1.25f;
        check_values(k, i, values, 8192);
    }
}

static void test_levels(void **state)
{
    (void)state;
    each_level(check_level);
}

/* Values from mpmath, 20 digits, at x = -3, -1, -0.5, 1e-3, 0.5, 2. */
static void test_known_values(void **state)
{
    (void)state;
    static const float x[6] = {-3, -1, -0.5, 1e-3f, 0.5, 2};
    static const double want[][6] = {
        {-0.0040496940948902836, -0.15865525393145705, -0.15426876936299345, 0.00050039896600053419,
         0.34573123063700655, 1.9544997361036416}, /* gelu */
        {-0.0036373920817730188, -0.1588080093917233, -0.15428599017485608, 0.00050039896600020509,
         0.34571400982514392, 1.954597694087775}, /* gelu_tanh */
        {-0.14227761953270034, -0.26894142136999512, -0.18877033439907272, 0.00050025002375164104,
         0.31122966560092728, 1.7615941559557649},  /* silu */
        {0, 0, 0, 0.0010000000474974513, 0.5, 2.0}, /* relu */
        {-0.99505475368673045, -0.76159415595576489, -0.46211715726000976, 0.00099999971416420381,
         0.46211715726000976, 0.96402758007581688}, /* tanh */
        {0.047425873177566781, 0.26894142136999512, 0.37754066879814544, 0.50024999999104103,
         0.62245933120185456, 0.88079707797788244}, /* sigmoid */
    };
    for (unsigned level = 0; level < CPU_N_LEVELS; level++) {
        const struct kernels *k = kernels_of((enum cpu_level)level);
        for (size_t i = 0; k && i < sizeof activations / sizeof *activations; i++) {
            float y[6];
            memcpy(y, x, sizeof y);
            slot_of(k, i)(y, 6);
            for (int j = 0; j < 6; j++)
                assert_true(fabs((double)y[j] - want[i][j]) <= 1.5e-7 * (1 + fabs(want[i][j])));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_values),
        cmocka_unit_test(test_levels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
