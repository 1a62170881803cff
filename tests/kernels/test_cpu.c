/* The ladder and the tables. */
#include "kernels/kernels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_names(void **state)
{
    (void)state;
    for (unsigned level = 0; level < CPU_N_LEVELS; level++)
        assert_int_equal(cpu_level_by_name(cpu_level_name((enum cpu_level)level)), level);
    assert_int_equal(cpu_level_by_name("scalar"), CPU_SCALAR);
    assert_int_equal(cpu_level_by_name(""), CPU_N_LEVELS);
    assert_int_equal(cpu_level_by_name("sse9"), CPU_N_LEVELS);
}

/* What HONE_CPU names is a cap; a name that is not known is none. */
static void test_cap(void **state)
{
    (void)state;
    char *kept = getenv("HONE_CPU") ? strdup(getenv("HONE_CPU")) : NULL;
    unsetenv("HONE_CPU");
    const enum cpu_level best = cpu_level();
    assert_true(cpu_supports(best));
    for (unsigned level = 0; level < CPU_N_LEVELS; level++) {
        setenv("HONE_CPU", cpu_level_name((enum cpu_level)level), 1);
        assert_true(cpu_level() <= level);
        assert_true(cpu_level() == (cpu_supports((enum cpu_level)level) ? level : cpu_level()));
        assert_true(cpu_supports(cpu_level()));
    }
    setenv("HONE_CPU", "sse9", 1);
    assert_int_equal(cpu_level(), best);
    unsetenv("HONE_CPU");
    if (kept)
        setenv("HONE_CPU", kept, 1);
    free(kept);
}

/* Every level that the machine has, and no other, has a table, and every slot of it is filled. */
static void test_tables(void **state)
{
    (void)state;
    assert_true(cpu_supports(CPU_SCALAR) && !cpu_supports(CPU_N_LEVELS));
    for (unsigned level = 0; level < CPU_N_LEVELS; level++) {
        const struct kernels *k = kernels_of((enum cpu_level)level);
        assert_int_equal(k != NULL, cpu_supports((enum cpu_level)level));
        if (!k)
            continue;
        assert_string_equal(k->name, cpu_level_name((enum cpu_level)level));
        void *slots[sizeof *k / sizeof(void *)];
        memcpy(slots, k, sizeof slots);
        for (size_t i = 0; i < sizeof slots / sizeof *slots; i++)
            assert_non_null(slots[i]);
    }
    assert_ptr_equal(kernels_get(), kernels_of(cpu_level()));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_cap),
        cmocka_unit_test(test_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
