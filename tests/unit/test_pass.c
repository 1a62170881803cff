/* Threads that hardly ran are not used for a while, and then tried again. */
#include "runtime/pass.h"
#include "tests/support.h"

#include <unistd.h>

/* One whose threads, two if it gets them, do not run at all; how many it got. */
static int sleep_through(void)
{
    struct pass p = pass_begin(2);
    if (p.n_threads > 1)
        usleep(5000); /* they do not run */
    pass_end(&p);
    return p.n_threads;
}

/* Passes with one thread until one has two again, or so many that there is no end of them. */
static int count_alone(void)
{
    int n = 0;
    while (n < 4096 && sleep_through() == 1)
        n++;
    return n;
}

/* They are fewer where others leave room for two threads at once; pauses grow, so that no more are tried than that. */
static void test_pauses(void **state)
{
    (void)state;
    assert_int_equal(pass_begin(1).n_threads, 1);
    if (count_alone() == 4096)
        skip();
    for (int least = 16; least <= 512; least *= 2)
        assert_true(count_alone() >= least);
    assert_true(count_alone() >= 512);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pauses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
