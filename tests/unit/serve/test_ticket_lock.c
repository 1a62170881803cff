/* Whose turn it is: in the order in which threads ask, one at a time. */
#include "tests/support.h"

#include "runtime/serve/ticket_lock.h"

#include <sched.h>

enum { N_THREADS = 12 };

static struct ticket_lock lock = TICKET_LOCK_INITIALIZER;
static size_t order[N_THREADS], n_served;
static _Atomic size_t n_inside, most_inside;

struct asker {
    pthread_t thread;
    size_t number;
};

static void *ask(void *arg)
{
    const struct asker *a = arg;
    ticket_lock_acquire(&lock);
    size_t n = ++n_inside;
    most_inside = n > most_inside ? n : most_inside;
    order[n_served++] = a->number;
    n_inside--;
    ticket_lock_release(&lock);
    return NULL;
}

/* Each begins to ask when the one before it waits; so nothing here depends on how fast they are. */
static void first_come_first_served(void **state)
{
    (void)state;
    struct asker askers[N_THREADS];
    for (size_t round = 0; round < 20; round++) {
        n_served = 0;
        ticket_lock_acquire(&lock);
        for (size_t i = 0; i < N_THREADS; i++) {
            askers[i].number = i;
            assert_int_equal(pthread_create(&askers[i].thread, NULL, ask, &askers[i]), 0);
            while (ticket_lock_n_waiting(&lock) <= i)
                sched_yield();
        }
        assert_int_equal(n_served, 0);
        assert_false(ticket_lock_try(&lock));
        ticket_lock_release(&lock);
        for (size_t i = 0; i < N_THREADS; i++)
            pthread_join(askers[i].thread, NULL);
        for (size_t i = 0; i < N_THREADS; i++)
            assert_int_equal(order[i], i);
        assert_int_equal(most_inside, 1);
        assert_int_equal(ticket_lock_n_waiting(&lock), 0);
    }
}

static void tried(void **state)
{
    (void)state;
    assert_true(ticket_lock_try(&lock));
    assert_false(ticket_lock_try(&lock));
    ticket_lock_release(&lock);
    assert_true(ticket_lock_try(&lock));
    ticket_lock_release(&lock);
}

/* Who gives it and asks again at once comes after the one that waits. */
static void nobody_comes_in_between(void **state)
{
    (void)state;
    struct asker other = {.number = 7};
    n_served = 0;
    ticket_lock_acquire(&lock);
    assert_int_equal(pthread_create(&other.thread, NULL, ask, &other), 0);
    while (ticket_lock_n_waiting(&lock) == 0)
        sched_yield();
    ticket_lock_release(&lock);
    ticket_lock_acquire(&lock);
    assert_int_equal(n_served, 1);
    ticket_lock_release(&lock);
    pthread_join(other.thread, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_come_first_served),
        cmocka_unit_test(tried),
        cmocka_unit_test(nobody_comes_in_between),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
