/* Answers that are kept, by a clock of the test's own. */
#include "server/http/answers.h"
#include "server/http/response.h"
#include "tests/support.h"

#include <stdio.h>
#include <string.h>

#define SECOND 1000000000ull

static uint64_t now = 100 * SECOND;

static uint64_t read_clock(void *arg)
{
    (void)arg;
    return now;
}

static const struct clock test_clock = {.now = read_clock};
static const struct route route = {.path = "/rerank"};

static void keep(struct answers *a, const char *body)
{
    struct reply_buffer text = {0};
    reply_buffer_text(&text, body);
    struct response *r = response_new("text/plain", &text);
    assert_non_null(r);
    answers_keep(a, &route, 0, (struct hone_text){body, strlen(body)}, r);
    response_release(r);
}

static bool finds(struct answers *a, const char *body, double old_age)
{
    struct hone_text text = {body, strlen(body)};
    struct response *r =
        old_age > 0 ? answers_find_old(a, &route, 0, text, old_age) : answers_find(a, &route, 0, text);
    bool same = r && r->body.size == text.size && memcmp(r->body.data, body, text.size) == 0;
    assert_true(!r || same);
    response_release(r);
    return r;
}

static size_t count(struct answers *a)
{
    struct answers_stats stats;
    answers_stats(a, &stats);
    return stats.n_entries;
}

static void what_is_too_old_is_not_given(void **state)
{
    (void)state;
    struct answers *a = answers_new(1 << 20, 10, 30, &test_clock);
    keep(a, "one");
    now += 10 * SECOND;
    assert_true(finds(a, "one", 0)); /* used, and no younger for that */
    now += SECOND;
    assert_false(finds(a, "one", 0));
    assert_true(finds(a, "one", 30));
    assert_false(finds(a, "one", 10.5));
    keep(a, "one"); /* made anew */
    assert_true(finds(a, "one", 0));
    now += 31 * SECOND;
    assert_false(finds(a, "one", 30));
    assert_int_equal(count(a), 0);
    answers_free(a);
}

/* Nobody asks for them again. */
static void what_is_too_old_leaves_memory(void **state)
{
    (void)state;
    char body[16];
    struct answers *a = answers_new(8 << 20, 10, 0, &test_clock),
                   *for_ever = answers_new(8 << 20, 0, 0, &test_clock);
    for (int i = 0; i < 1000; i++) {
        snprintf(body, sizeof body, "%d", i);
        keep(a, body);
        keep(for_ever, body);
    }
    now += 8 * SECOND;
    keep(a, "young");
    assert_int_equal(count(a), 1001);
    now += 3 * SECOND;
    for (int i = 0; i < 250; i++) { /* each takes more than it brings */
        snprintf(body, sizeof body, "new %d", i);
        keep(a, body);
        keep(for_ever, body);
    }
    assert_int_equal(count(a), 251);
    assert_true(finds(a, "young", 0));
    now += 100 * SECOND;
    assert_int_equal(count(a), 0);
    assert_int_equal(count(for_ever), 1250);
    answers_free(a);
    answers_free(for_ever);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_too_old_is_not_given),
        cmocka_unit_test(what_is_too_old_leaves_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
