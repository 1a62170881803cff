/* Threads that hardly ran are not used for a while, and then tried again. */
#include "runtime/pass.h"
#include "tests/support.h"

#include <unistd.h>

/* One whose threads, two if it gets them, do not run at all; how many it got. */
static int sleep_through(void)
{
    struct pass p = pass_begin(2);
    if (p.n_threads > 1)
        usleep(5000);
    pass_end(&p);
    return p.n_threads;
}

static int count_alone(void)
{
    int n = 0;
    while (sleep_through() == 1)
        n++;
    return n;
}

static void test_pauses(void **state)
{
    (void)state;
    assert_int_equal(pass_begin(1).n_threads, 1);
    assert_int_equal(sleep_through(), 2);
    assert_int_equal(count_alone(), 16);
    assert_int_equal(count_alone(), 32);
    for (int i = 0; i < 8; i++)
        (void)count_alone();
    assert_int_equal(count_alone(), 512);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pauses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
