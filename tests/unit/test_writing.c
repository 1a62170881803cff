/* Texts that a scheduler generates: each as if it were alone, whatever else is computed, comes and goes. */
#include "tests/support.h"

#include <hone.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { N_TEXTS = 20, N_NEW = 40 };

static struct hone_model *model;
static struct hone_generation alone[N_TEXTS];

static struct hone_generation text_number(size_t i)
{
    static const char *const prompts[] = {"The quick brown fox jumps over the lazy dog, again and again",
                                          "Searching a pile of text offline: embed every line", "x",
                                          "ababababababababababababab"};
    struct hone_generation g = {.sampling = HONE_SAMPLING_DEFAULTS, .max_tokens = N_NEW, .past_end = true};
    g.prompt = (struct hone_text){prompts[i % 4], strlen(prompts[i % 4])};
    g.sampling.temperature = i % 3 ? 0.7f : 0;
    g.sampling.seed = i;
    return g;
}

static int set_up(void **state)
{
    (void)state;
    struct hone_error err;
    struct hone_options options = {.n_threads = 2};
    assert_ok(hone_model_open(&model, fixture("causal"), &options, &err), &err);
    for (size_t i = 0; i < N_TEXTS; i++) {
        alone[i] = text_number(i);
        assert_ok(hone_generate(model, &alone[i], 1, NULL, &err), &err);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_TEXTS; i++)
        hone_generation_release(&alone[i]);
    hone_model_close(&model);
    return 0;
}

static struct hone_scheduler *open_scheduler(size_t max_parallel)
{
    struct hone_error err;
    struct hone_scheduler_options options = HONE_SCHEDULER_DEFAULTS;
    struct hone_scheduler *s;
    options.max_parallel = max_parallel;
    assert_ok(hone_scheduler_open(&s, model, &options, &err), &err);
    return s;
}

static struct hone_request request_of(struct hone_generation *g)
{
    return (struct hone_request){.kind = HONE_REQUEST_GENERATE, .generation = g, .how = HONE_RUN_DEFAULTS};
}

struct tally {
    _Atomic size_t n[HONE_CANCELLED + 1];
};

static void tally_reply(void *arg, const struct hone_reply *reply)
{
    struct tally *t = arg;
    t->n[reply->status]++;
}

static bool count_token(void *arg, const struct hone_token *token)
{
    *(size_t *)arg += token->id >= 0;
    return true;
}

static void assert_same(const struct hone_generation *a, const struct hone_generation *b)
{
    assert_int_equal(a->n_out, b->n_out);
    assert_memory_equal(a->out_ids, b->out_ids, a->n_out * sizeof *a->out_ids);
    assert_string_equal(a->text, b->text);
    assert_int_equal(a->finish, b->finish);
}

/* More than can be generated at once; texts are embedded beside them. */
static void each_as_if_alone(void **state)
{
    (void)state;
    struct hone_error err;
    struct hone_scheduler_stats stats;
    struct hone_generation list[N_TEXTS];
    struct tally tally = {0};
    size_t n_tokens[N_TEXTS] = {0}, width = hone_model_info(model)->n_embd;
    float *out = calloc(10, width * sizeof *out), *wanted = calloc(1, width * sizeof *out);
    struct hone_run_options how = HONE_RUN_DEFAULTS;
    struct hone_text text = {"beside the others", 17};
    how.pooling = "last";
    assert_ok(hone_embed(model, &text, 1, &how, wanted, NULL, &err), &err);
    struct hone_scheduler *s = open_scheduler(5);
    for (size_t i = 0; i < N_TEXTS; i++) {
        list[i] = text_number(i);
        list[i].on_token = count_token;
        list[i].arg = &n_tokens[i];
        struct hone_request r = request_of(&list[i]);
        r.priority = i % 5 == 4 ? HONE_PRIORITY_BULK : HONE_PRIORITY_INTERACTIVE;
        r.on_reply = tally_reply;
        r.arg = &tally;
        assert_ok(hone_submit(s, &r, NULL, NULL, &err), &err);
        if (i % 2)
            continue;
        r.kind = HONE_REQUEST_EMBED;
        r.texts = &text;
        r.n_texts = 1;
        r.how = how;
        r.out = out + i / 2 * width;
        assert_ok(hone_submit(s, &r, NULL, NULL, &err), &err);
    }
    hone_scheduler_drain(s);
    assert_int_equal(tally.n[HONE_OK], N_TEXTS + 10);
    for (size_t i = 0; i < N_TEXTS; i++) {
        assert_same(&list[i], &alone[i]);
        assert_int_equal(n_tokens[i], alone[i].n_out);
        assert_ptr_equal(list[i].arg, &n_tokens[i]); /* the request is as it was */
        assert_null(list[i].ids);
        hone_generation_release(&list[i]);
    }
    for (size_t i = 0; i < 10; i++)
        assert_memory_equal(out + i * width, wanted, width * sizeof *out);
    hone_scheduler_stats(s, &stats);
    assert_int_equal(stats.generation.first_token.n, N_TEXTS);
    assert_int_equal(stats.generation.n_tokens,
                     stats.generation.first_token.n + stats.generation.between_tokens.n);
    assert_int_equal(stats.generation.n_active, 0);
    assert_int_equal(stats.generation.kv_used, 0);
    assert_true(stats.generation.n_cached_tokens > 0);
    hone_scheduler_close(&s);
    free(out);
    free(wanted);
}

static void ids_and_failures(void **state)
{
    (void)state;
    struct hone_error err;
    int32_t *ids;
    size_t *starts;
    struct hone_scheduler *s = open_scheduler(0);
    struct hone_generation g = text_number(0), bad = text_number(1);
    struct hone_request r = request_of(&g), wrong = request_of(&bad);
    assert_ok(hone_tokenize(model, &g.prompt, NULL, 1, true, &ids, &starts, NULL, &err), &err);
    g.ids = ids;
    g.n_ids = starts[1];
    bad.grammar = "root ::= (";
    assert_int_equal(hone_submit_and_wait(s, &wrong, &err), HONE_USAGE);
    print_message("%s\n", err.message);
    assert_ok(hone_submit_and_wait(s, &r, &err), &err);
    assert_same(&g, &alone[0]);
    r.generation = NULL;
    assert_int_equal(hone_submit(s, &r, NULL, NULL, &err), HONE_USAGE);
    hone_generation_release(&g);
    hone_generation_release(&bad);
    hone_free(ids);
    hone_free(starts);
    hone_scheduler_close(&s);
}

/* ---- what ends before its end ---- */

struct stop {
    struct hone_scheduler *scheduler;
    _Atomic uint64_t id;
    size_t n;
};

static bool cancel_at_fifth(void *arg, const struct hone_token *token)
{
    struct stop *stop = arg;
    (void)token;
    if (++stop->n == 5)
        hone_cancel(stop->scheduler, stop->id);
    return true;
}

static void cancelled_and_late(void **state)
{
    (void)state;
    struct hone_error err;
    struct tally tally = {0};
    struct hone_generation list[3];
    struct stop stop = {.scheduler = open_scheduler(0)};
    for (size_t i = 0; i < 3; i++) {
        list[i] = text_number(i);
        list[i].max_tokens = i == 1 ? N_NEW : 0;
        struct hone_request r = request_of(&list[i]);
        uint64_t id;
        r.on_reply = tally_reply;
        r.arg = &tally;
        r.timeout_ms = i == 2 ? 20 : 0;
        if (i == 0) {
            list[0].on_token = cancel_at_fifth;
            list[0].arg = &stop;
            stop.id = 1; /* the first */
        }
        assert_ok(hone_submit(stop.scheduler, &r, &id, NULL, &err), &err);
    }
    hone_scheduler_drain(stop.scheduler);
    assert_int_equal(tally.n[HONE_CANCELLED], 1);
    assert_int_equal(tally.n[HONE_LATE], 1);
    assert_int_equal(tally.n[HONE_OK], 1);
    assert_same(&list[1], &alone[1]);
    assert_true(list[0].n_out >= 5 && list[0].n_out < 8);
    for (size_t i = 0; i < 3; i++)
        hone_generation_release(&list[i]);
    hone_scheduler_close(&stop.scheduler);
}

/* Requests, cancellations and the end come at any moment; each request that was taken has one reply. */
static void closed_under_load(void **state)
{
    (void)state;
    for (size_t round = 0; round < 10; round++) {
        struct tally tally = {0};
        struct hone_generation list[N_TEXTS];
        struct hone_scheduler *s = open_scheduler(4);
        for (size_t i = 0; i < N_TEXTS; i++) {
            uint64_t id;
            list[i] = text_number(i);
            struct hone_request r = request_of(&list[i]);
            r.on_reply = tally_reply;
            r.arg = &tally;
            r.timeout_ms = i % 5 == 0 ? 5 : 0;
            assert_int_equal(hone_submit(s, &r, &id, NULL, NULL), HONE_OK);
            if (i % 3 == 0)
                hone_cancel(s, id - i % 7);
        }
        usleep((useconds_t)(round * 2000));
        hone_scheduler_close(&s);
        assert_int_equal(tally.n[HONE_OK] + tally.n[HONE_LATE] + tally.n[HONE_CANCELLED], N_TEXTS);
        for (size_t i = 0; i < N_TEXTS; i++)
            hone_generation_release(&list[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_as_if_alone),
        cmocka_unit_test(ids_and_failures),
        cmocka_unit_test(cancelled_and_late),
        cmocka_unit_test(closed_under_load),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
