/* What the server counts of an endpoint, from a scheduler's replies. */
#include "server/figures/endpoint_stats.h"
#include "server/figures/snapshot.h"
#include "server/models.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>

static struct endpoint_stats stats_of(const struct hone_reply *replies, size_t n)
{
    struct endpoint_counters *c = calloc(1, sizeof *c);
    struct endpoint_stats stats;
    assert_non_null(c);
    for (size_t i = 0; i < n; i++)
        endpoint_count_reply(c, &replies[i], 1);
    endpoint_stats_read(c, &stats, 1);
    free(c);
    return stats;
}

static void check_stages(const struct endpoint_stats *s, uint64_t n_tokenize, uint64_t n_queue,
                         uint64_t n_infer)
{
    assert_int_equal(s->stages[STAGE_RECEIVE].n, 0);
    assert_int_equal(s->stages[STAGE_TOKENIZE].n, n_tokenize);
    assert_int_equal(s->stages[STAGE_QUEUE].n, n_queue);
    assert_int_equal(s->stages[STAGE_INFER].n, n_infer);
    assert_int_equal(s->stages[STAGE_SEND].n, 0);
}

static void what_was_computed(void **state)
{
    (void)state;
    const struct hone_reply replies[] = {
        {.n_texts = 3, .n_tokens = 40, .tokenize_ms = 1, .queue_ms = 20, .infer_ms = 300, .total_ms = 321},
        {.n_texts = 1, .n_tokens = 5, .infer_ms = 8, .total_ms = 8}, /* of token ids */
    };
    struct endpoint_stats s = stats_of(replies, 2);
    assert_int_equal(s.n_texts, 4);
    assert_int_equal(s.n_tokens, 45);
    check_stages(&s, 2, 2, 2);
    assert_float_equal(s.stages[STAGE_TOKENIZE].sum_ms, 1, 1e-6);
    assert_float_equal(s.stages[STAGE_QUEUE].sum_ms, 20, 1e-6);
    assert_float_equal(s.stages[STAGE_INFER].sum_ms, 308, 1e-6);
    assert_int_equal(s.total[OUTCOME_OK].n, 2);
    assert_float_equal(s.total[OUTCOME_OK].sum_ms, 329, 1e-6);
}

static void what_was_in_a_cache(void **state)
{
    (void)state;
    const struct hone_reply reply = {
        .n_texts = 1, .n_tokens = 5, .n_cached = 1, .tokenize_ms = 2, .total_ms = 2};
    struct endpoint_stats s = stats_of(&reply, 1);
    assert_int_equal(s.n_tokens, 5);
    check_stages(&s, 1, 0, 0);
}

/* While its token ids were made; while it waited; while it was computed. */
static void what_was_given_up(void **state)
{
    (void)state;
    struct hone_reply reply = {.n_texts = 1, .n_tokens = 5, .tokenize_ms = 7, .total_ms = 7};
    static const struct {
        enum hone_status status;
        enum outcome outcome;
    } rows[] = {{HONE_LATE, OUTCOME_LATE},
                {HONE_CANCELLED, OUTCOME_CANCELLED},
                {HONE_FAILED, OUTCOME_FAILED},
                {HONE_REFUSED, OUTCOME_FAILED}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        reply.status = rows[i].status;
        struct endpoint_stats s = stats_of(&reply, 1);
        for (enum outcome k = 0; k < OUTCOME_N; k++)
            assert_int_equal(s.total[k].n, k == rows[i].outcome);
        assert_int_equal(s.n_texts + s.n_tokens, 0);
        check_stages(&s, 0, 0, 0);
    }
    reply.queue_ms = 4;
    reply.total_ms = 11;
    struct endpoint_stats s = stats_of(&reply, 1);
    check_stages(&s, 1, 0, 0);
    reply.infer_ms = 1;
    reply.total_ms = 12;
    s = stats_of(&reply, 1);
    check_stages(&s, 1, 1, 1);
}

static void submissions_and_stages(void **state)
{
    (void)state;
    struct endpoint_counters *c = calloc(1, sizeof *c);
    struct endpoint_stats s;
    assert_non_null(c);
    endpoint_count_submission(c, HONE_OK);
    endpoint_count_submission(c, HONE_OK);
    endpoint_count_submission(c, HONE_BUSY);
    endpoint_count_submission(c, HONE_USAGE);
    endpoint_count_stage(c, STAGE_RECEIVE, 7000000, 1);
    endpoint_count_stage(c, STAGE_SEND, 3000000, 1);
    endpoint_stats_read(c, &s, 1);
    assert_int_equal(s.n_taken, 2);
    assert_int_equal(s.n_busy, 1);
    assert_float_equal(s.stages[STAGE_RECEIVE].sum_ms, 7, 1e-6);
    assert_float_equal(s.stages[STAGE_RECEIVE].recent.p50_ms, 7, 0.25);
    assert_float_equal(s.stages[STAGE_SEND].sum_ms, 3, 1e-6);
    for (size_t i = 0; i < HONE_N_BOUNDS; i++)
        assert_int_equal(s.stages[STAGE_RECEIVE].at_most[i], hone_latency_bound(i) > 7);
    free(c);
}

/* Sanitizers end a process that asks for more memory than there can be, unless they are told to let calloc fail. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
__attribute__((visibility("default"))) const char *__tsan_default_options(void);

const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

const char *__tsan_default_options(void)
{
    return "allocator_may_return_null=1";
}

/* Of so many models that no memory holds their figures. */
static void no_memory_for_all(void **state)
{
    (void)state;
    const struct models many = {.n = SIZE_MAX / 4};
    assert_null(snapshot_take(&many, NULL));
    snapshot_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_computed), cmocka_unit_test(what_was_in_a_cache),
        cmocka_unit_test(what_was_given_up), cmocka_unit_test(submissions_and_stages),
        cmocka_unit_test(no_memory_for_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
