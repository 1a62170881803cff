/* The circuit breaker, by a clock of the test's own. */
#include "server/manager/breaker.h"
#include "tests/support.h"

#define SECOND 1000000000ull

static struct breaker make(size_t failures, double window, double pause, size_t probes)
{
    struct breaker b;
    breaker_init(&b);
    breaker_configure(&b, &(struct breaker_options){failures, window, pause, probes});
    return b;
}

static enum breaker_state state_of(struct breaker *b, uint64_t now)
{
    struct breaker_status s;
    breaker_status(b, now, &s);
    return s.state;
}

static bool allows(struct breaker *b, uint64_t now, bool is_probe)
{
    bool probe, may = breaker_allows(b, now, &probe);
    assert_int_equal(probe, may && is_probe);
    return may;
}

static void opens_and_closes(void **state)
{
    (void)state;
    struct breaker b = make(3, 10, 5, 2);
    uint64_t t = 100 * SECOND;
    breaker_note(&b, false, false, t);
    breaker_note(&b, true, false,
                 t); /* what went well undoes nothing: it is failures in a window that count */
    breaker_note(&b, false, false, t + SECOND);
    assert_int_equal(state_of(&b, t + SECOND), BREAKER_CLOSED);
    breaker_note(&b, false, false, t + 2 * SECOND);
    assert_int_equal(state_of(&b, t + 2 * SECOND), BREAKER_OPEN);
    assert_false(allows(&b, t + 6 * SECOND, false));
    assert_true(allows(&b, t + 7 * SECOND, true));
    assert_int_equal(state_of(&b, t + 7 * SECOND), BREAKER_HALF_OPEN);
    assert_false(allows(&b, t + 8 * SECOND, false)); /* one at a time */
    breaker_note(&b, false, true, t + 8 * SECOND);
    assert_int_equal(state_of(&b, t + 8 * SECOND), BREAKER_OPEN);
    assert_false(allows(&b, t + 12 * SECOND, false));
    assert_true(allows(&b, t + 13 * SECOND, true));
    breaker_note(&b, true, false, t + 13 * SECOND); /* of before, and no probe */
    assert_int_equal(state_of(&b, t + 13 * SECOND), BREAKER_HALF_OPEN);
    breaker_note(&b, true, true, t + 13 * SECOND);
    assert_int_equal(state_of(&b, t + 13 * SECOND), BREAKER_HALF_OPEN);
    assert_true(allows(&b, t + 13 * SECOND, true));
    breaker_note(&b, true, true, t + 13 * SECOND);
    assert_int_equal(state_of(&b, t + 13 * SECOND), BREAKER_CLOSED);
    assert_true(allows(&b, t + 13 * SECOND, false));
    breaker_note(&b, false, false, t + 13 * SECOND); /* the old failures are forgotten */
    assert_int_equal(state_of(&b, t + 13 * SECOND), BREAKER_CLOSED);
    assert_int_equal(b.n_opened, 1);
    breaker_release(&b);
}

static void window(void **state)
{
    (void)state;
    struct breaker b = make(3, 10, 5, 1);
    for (size_t i = 0; i < 100; i++) /* two in any ten seconds */
        breaker_note(&b, false, false, (100 + 6 * i) * SECOND);
    assert_int_equal(state_of(&b, 800 * SECOND), BREAKER_CLOSED);
    for (size_t i = 0; i < 3; i++)
        breaker_note(&b, false, false, (1000 + 3 * i) * SECOND);
    assert_int_equal(state_of(&b, 1006 * SECOND), BREAKER_OPEN);
    breaker_release(&b);
}

static void a_lost_probe_is_followed_by_another(void **state)
{
    (void)state;
    struct breaker b = make(1, 10, 5, 1);
    breaker_note(&b, false, false, 100 * SECOND);
    assert_true(allows(&b, 105 * SECOND, true));
    assert_false(allows(&b, 109 * SECOND, false));
    assert_true(allows(&b, 110 * SECOND, true));
    breaker_release(&b);
}

static void never(void **state)
{
    (void)state;
    struct breaker b = make(0, 10, 5, 1);
    for (size_t i = 0; i < 1000; i++)
        breaker_note(&b, false, false, 100 * SECOND + i);
    assert_true(allows(&b, 101 * SECOND, false));
    breaker_configure(&b, &(struct breaker_options){1, 10, 5, 1});
    breaker_note(&b, false, false, 102 * SECOND);
    assert_int_equal(state_of(&b, 102 * SECOND), BREAKER_OPEN);
    breaker_configure(&b, &(struct breaker_options){0, 10, 5, 1}); /* who turns it off wants all to go */
    assert_true(allows(&b, 102 * SECOND, false));
    breaker_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_and_closes),
        cmocka_unit_test(window),
        cmocka_unit_test(a_lost_probe_is_followed_by_another),
        cmocka_unit_test(never),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
