/* What one client may have at once and in a second, by a clock of the test's own. */
#include "server/http/quota.h"
#include "tests/support.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define SECOND 1000000000u

static void at_once(void **state)
{
    (void)state;
    struct quota_limits limits = {.max_requests = 2};
    struct quota_id a = quota_of_key(1), b = quota_of_key(2);
    double wait;
    struct quota *first = quota_enter(a, &limits, 0, &wait), *second = quota_enter(a, &limits, 0, &wait);
    assert_true(first && second && wait == 0);
    assert_null(quota_enter(a, &limits, 0, &wait));
    assert_true(wait > 0);
    struct quota *other = quota_enter(b, &limits, 0, &wait);
    assert_true(other && wait == 0);
    quota_leave(first);
    first = quota_enter(a, &limits, 0, &wait);
    assert_non_null(first);
    quota_leave(first);
    quota_leave(second);
    quota_leave(other);
    quota_leave(NULL);
}

/* n requests are let in, and not one more. */
static void check_rate(struct quota_id id, const struct quota_limits *limits, uint64_t now, size_t n)
{
    double wait;
    for (size_t i = 0; i < n; i++) {
        struct quota *q = quota_enter(id, limits, now, &wait);
        if (!q)
            fail_msg("request %zu of %zu has to wait", i, n);
        quota_leave(q);
    }
    assert_null(quota_enter(id, limits, now, &wait));
    assert_true(wait > 0 && wait <= 1e3 / limits->rate);
}

static void in_a_second(void **state)
{
    (void)state;
    struct quota_limits ten = {.rate = 10}, slow = {.rate = 0.5};
    struct quota_id a = quota_of_key(11), b = quota_of_key(12);
    uint64_t now = 5 * (uint64_t)SECOND;
    check_rate(a, &ten, now, 10);
    check_rate(a, &ten, now + SECOND / 10, 1);
    check_rate(a, &ten, now + SECOND / 2, 4);
    check_rate(a, &ten, now + 100 * (uint64_t)SECOND, 10);
    check_rate(b, &slow, now, 1);
    check_rate(b, &slow, now + SECOND, 0);
    check_rate(b, &slow, now + 2 * (uint64_t)SECOND, 1);
}

static void no_limits(void **state)
{
    (void)state;
    struct quota_limits none = {0};
    double wait;
    assert_null(quota_enter(quota_of_key(1), &none, 0, &wait));
    assert_true(wait == 0);
}

static struct quota_id id_of(const char *text, bool *counts)
{
    struct sockaddr_storage address = {.ss_family = AF_UNIX};
    struct quota_id id;
    if (inet_pton(AF_INET, text, &((struct sockaddr_in *)&address)->sin_addr) == 1)
        address.ss_family = AF_INET;
    else if (inet_pton(AF_INET6, text, &((struct sockaddr_in6 *)&address)->sin6_addr) == 1)
        address.ss_family = AF_INET6;
    *counts = quota_of_address(&id, &address);
    return id;
}

static bool same(const char *a, const char *b)
{
    bool one, other;
    struct quota_id x = id_of(a, &one), y = id_of(b, &other);
    return one && other && x.high == y.high && x.low == y.low;
}

static void addresses(void **state)
{
    (void)state;
    bool counts;
    assert_true(same("10.0.0.1", "10.0.0.1") && !same("10.0.0.1", "10.0.0.2"));
    assert_true(same("10.0.0.1", "::ffff:10.0.0.1"));
    assert_true(same("2001:db8:1:2::1", "2001:db8:1:2:3:4:5:6"));
    assert_false(same("2001:db8:1:2::1", "2001:db8:1:3::1"));
    id_of("", &counts);
    assert_false(counts);
}

/* Very many clients take no more memory than some: who has not come for long is forgotten. */
static void many_clients(void **state)
{
    (void)state;
    struct quota_limits limits = {.rate = 1};
    double wait;
    size_t n_counted = 0;
    for (uint64_t i = 0; i < 1000000; i++) {
        struct quota *q = quota_enter(quota_of_key(1000 + i), &limits, i * SECOND / 1000, &wait);
        n_counted += q != NULL;
        quota_leave(q);
        assert_true(wait == 0);
    }
    assert_int_equal(n_counted, 1000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at_once),   cmocka_unit_test(in_a_second),  cmocka_unit_test(no_limits),
        cmocka_unit_test(addresses), cmocka_unit_test(many_clients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
