/* Requests from many threads, through a small model: each gets its own result, once. */
#include "tests/support.h"

#include <hone.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define N_TEXTS     24
#define N_DIFFERENT 23 /* the first and the one with 20 * 20 % 400 letters are empty */
#define N_CLIENTS   8
#define N_ROUNDS    60

static struct opened {
    struct hone_model *model;
    size_t width;
    float *wanted; /* [N_TEXTS, width]: what the functions without a scheduler give */
} embedder, cross;

static char letters[N_TEXTS][400];
static struct hone_text texts[N_TEXTS];

static void open_model(struct opened *m, const char *name)
{
    struct hone_error err;
    struct hone_options options = {.n_threads = 2, .compute = HONE_COMPUTE_F32};
    assert_ok(hone_model_open(&m->model, fixture(name), &options, &err), &err);
    const struct hone_model_info *info = hone_model_info(m->model);
    m->width = info->task == HONE_TASK_EMBED ? info->n_dims : info->n_labels;
    m->wanted = calloc(N_TEXTS, m->width * sizeof *m->wanted);
    assert_ok(info->task == HONE_TASK_EMBED
                  ? hone_embed(m->model, texts, N_TEXTS, NULL, m->wanted, NULL, &err)
                  : hone_rerank(m->model, texts[0], texts, N_TEXTS, NULL, m->wanted, NULL, &err),
              &err);
}

static int set_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_TEXTS; i++) {
        size_t n = i * i % sizeof letters[i];
        for (size_t k = 0; k < n; k++)
            letters[i][k] = k % 5 == 4 ? ' ' : (char)('a' + (i * 7 + k * k) % 26);
        texts[i] = (struct hone_text){letters[i], n};
    }
    open_model(&embedder, "bert-embed");
    open_model(&cross, "bert-cross");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    hone_model_close(&embedder.model);
    hone_model_close(&cross.model);
    free(embedder.wanted);
    free(cross.wanted);
    return 0;
}

static struct hone_scheduler *open_scheduler(struct hone_model *model, size_t max_queue)
{
    struct hone_error err;
    struct hone_scheduler_options options = HONE_SCHEDULER_DEFAULTS;
    struct hone_scheduler *s;
    options.max_queue = max_queue;
    options.batch_tokens = 256;
    assert_ok(hone_scheduler_open(&s, model, &options, &err), &err);
    return s;
}

/* Texts first to first + n of the model's task. */
static struct hone_request request_of(const struct opened *m, size_t first, size_t n, float *out)
{
    return (struct hone_request){
        .kind = m == &embedder ? HONE_REQUEST_EMBED : HONE_REQUEST_RERANK,
        .texts = texts + first,
        .n_texts = n,
        .query = texts[0],
        .how = HONE_RUN_DEFAULTS,
        .out = out,
    };
}

/* ---- many clients ---- */

struct client {
    struct hone_scheduler *scheduler;
    const struct opened *model;
    unsigned seed;
    size_t n_wrong; /* cmocka's assertions are for the main thread */
};

static void *run_client(void *arg)
{
    struct client *c = arg;
    float *out = calloc(N_TEXTS, c->model->width * sizeof *out);
    for (size_t i = 0; i < N_ROUNDS; i++) {
        size_t first = (size_t)rand_r(&c->seed) % N_TEXTS, n = 1 + (size_t)rand_r(&c->seed) % 4;
        n = first + n > N_TEXTS ? N_TEXTS - first : n;
        struct hone_request r = request_of(c->model, first, n, out);
        r.priority = rand_r(&c->seed) % 2 ? HONE_PRIORITY_BULK : HONE_PRIORITY_INTERACTIVE;
        enum hone_status status = hone_submit_and_wait(c->scheduler, &r, NULL);
        size_t size = n * c->model->width * sizeof *out;
        c->n_wrong += status != HONE_OK || memcmp(out, c->model->wanted + first * c->model->width, size) != 0;
    }
    free(out);
    return NULL;
}

static void run_clients(const struct opened *model)
{
    struct hone_scheduler *s = open_scheduler(model->model, 0);
    struct client clients[N_CLIENTS];
    pthread_t threads[N_CLIENTS];
    struct hone_scheduler_stats stats;
    for (size_t i = 0; i < N_CLIENTS; i++) {
        clients[i] = (struct client){s, model, (unsigned)i, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, run_client, &clients[i]), 0);
    }
    for (size_t i = 0; i < N_CLIENTS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(clients[i].n_wrong, 0);
    }
    hone_scheduler_drain(s);
    hone_scheduler_stats(s, &stats);
    assert_int_equal(stats.n_ok, N_CLIENTS * N_ROUNDS);
    assert_int_equal(stats.n_taken, stats.n_ok);
    assert_int_equal(stats.total[0].n + stats.total[1].n, stats.n_ok);
    assert_true(stats.n_batches < stats.n_ok); /* some were computed together */
    assert_true(stats.batch.p50_ms <= stats.batch.p99_ms && stats.batch.p99_ms <= 1.1 * stats.batch.max_ms);
    print_message("%zu requests in %zu batches\n", (size_t)stats.n_ok, (size_t)stats.n_batches);
    hone_scheduler_close(&s);
    assert_null(s);
}

static void everyone_gets_their_own(void **state)
{
    (void)state;
    run_clients(&embedder);
    run_clients(&cross);
}

/* An embedding model compares query and documents, request by request. */
static void similarity(void **state)
{
    (void)state;
    struct hone_error err;
    float wanted[N_TEXTS], out[N_TEXTS];
    assert_ok(hone_rerank(embedder.model, texts[3], texts, N_TEXTS, NULL, wanted, NULL, &err), &err);
    struct hone_scheduler *s = open_scheduler(embedder.model, 0);
    struct hone_request r = request_of(&embedder, 0, N_TEXTS, out);
    r.kind = HONE_REQUEST_RERANK;
    r.query = texts[3];
    assert_ok(hone_submit_and_wait(s, &r, &err), &err);
    assert_memory_equal(out, wanted, sizeof out);
    hone_scheduler_close(&s);
}

/* One after another: none waits. */
static void sequential_is_fast(void **state)
{
    (void)state;
    struct hone_error err;
    struct hone_scheduler_stats stats;
    float *out = calloc(N_TEXTS, embedder.width * sizeof *out);
    struct hone_scheduler *s = open_scheduler(embedder.model, 0);
    for (size_t i = 0; i < N_TEXTS; i++) {
        struct hone_request r = request_of(&embedder, i, 1, out);
        assert_ok(hone_submit_and_wait(s, &r, &err), &err);
    }
    hone_scheduler_drain(s);
    hone_scheduler_stats(s, &stats);
    assert_int_equal(stats.n_fast, N_TEXTS);
    hone_scheduler_close(&s);
    free(out);
}

/* ---- what does not go well ---- */

struct tally {
    _Atomic size_t n[HONE_CANCELLED + 1];
    pthread_mutex_t *hold; /* the reply of the first waits for it */
};

static void tally_reply(void *arg, const struct hone_reply *reply)
{
    struct tally *t = arg;
    if (t->hold) {
        pthread_mutex_lock(t->hold);
        pthread_mutex_unlock(t->hold);
    }
    t->n[reply->status]++;
}

/* While the scheduler's thread is held up in a reply, the queue fills; what is in it is late or cancelled, and there is
 * no room for more. */
static void full_late_and_cancelled(void **state)
{
    (void)state;
    struct hone_error err;
    pthread_mutex_t hold = PTHREAD_MUTEX_INITIALIZER;
    struct tally held = {.hold = &hold}, others = {0};
    float *out = calloc(8 * N_TEXTS, embedder.width * sizeof *out);
    struct hone_scheduler *s = open_scheduler(embedder.model, 3);
    struct hone_scheduler_stats stats;
    uint64_t ids[3];
    double retry = 0;
    struct hone_request r = request_of(&embedder, 0, 1, out);
    r.on_reply = tally_reply;
    r.arg = &held;
    pthread_mutex_lock(&hold);
    assert_ok(hone_submit(s, &r, NULL, NULL, &err), &err);
    do {
        usleep(1000);
        hone_scheduler_stats(s, &stats);
    } while (stats.n_ok == 0);
    r.arg = &others;
    for (size_t i = 0; i < 3; i++) {
        r.out = out + (i + 1) * embedder.width;
        r.queue_timeout_ms = i == 0 ? 1 : 0;
        assert_ok(hone_submit(s, &r, &ids[i], NULL, &err), &err);
    }
    assert_int_equal(hone_submit(s, &r, NULL, &retry, &err), HONE_BUSY);
    print_message("%s\n", err.message);
    assert_true(retry >= 1);
    hone_cancel(s, ids[1]);
    hone_cancel(s, ids[1]); /* has its reply */
    assert_int_equal(others.n[HONE_CANCELLED], 1);
    for (int i = 0; i < 60000 && stats.n_late == 0; i++) { /* though the thread that computes is busy */
        usleep(1000);
        hone_scheduler_stats(s, &stats);
    }
    assert_int_equal(stats.n_late, 1);
    pthread_mutex_unlock(&hold);
    hone_scheduler_drain(s);
    assert_int_equal(held.n[HONE_OK], 1);
    assert_int_equal(others.n[HONE_LATE], 1);
    assert_int_equal(others.n[HONE_OK], 1);
    assert_int_equal(hone_submit(s, &r, NULL, NULL, &err), HONE_BUSY); /* drained */
    hone_scheduler_close(&s);
    free(out);
}

/* Requests, cancellations and the end come at any moment; each request that was taken has one reply. */
static void closed_under_load(void **state)
{
    (void)state;
    static float out[200][4096];
    assert_true(embedder.width * N_TEXTS <= 4096);
    for (size_t round = 0; round < 20; round++) {
        struct tally tally = {0};
        struct hone_scheduler *s = open_scheduler(embedder.model, 0);
        for (size_t i = 0; i < 200; i++) {
            uint64_t id;
            struct hone_request r = request_of(&embedder, i % N_TEXTS, 1, out[i]);
            r.texts = texts;
            r.n_texts = 1 + i % N_TEXTS;
            r.on_reply = tally_reply;
            r.arg = &tally;
            r.timeout_ms = i % 5 == 0 ? 2 : 0;
            assert_int_equal(hone_submit(s, &r, &id, NULL, NULL), HONE_OK);
            if (i % 3 == 0)
                hone_cancel(s, id - i % 7);
        }
        hone_scheduler_close(&s);
        assert_int_equal(tally.n[HONE_OK] + tally.n[HONE_LATE] + tally.n[HONE_CANCELLED], 200);
    }
}

/* A text that is too long in strict mode fails its own request and no other. */
static void only_the_guilty_fails(void **state)
{
    (void)state;
    struct hone_error err;
    struct hone_options options = {.n_threads = 1, .max_length = 8, .strict = true};
    struct hone_model *model;
    struct hone_text mixed[] = {{"a b", 3}, {"a b c d e f g h i j k l", 23}};
    assert_ok(hone_model_open(&model, fixture("bert-embed"), &options, &err), &err);
    struct hone_scheduler *s = open_scheduler(model, 0);
    float *out = calloc(3 * N_TEXTS, embedder.width * sizeof *out);
    struct tally tally = {0};
    struct hone_request r = request_of(&embedder, 0, 1, out);
    r.texts = mixed;
    r.on_reply = tally_reply;
    r.arg = &tally;
    for (size_t i = 0; i < 10; i++)
        assert_ok(hone_submit(s, &r, NULL, NULL, &err), &err);
    r.n_texts = 2;
    r.out = out + embedder.width;
    assert_int_equal(hone_submit_and_wait(s, &r, &err), HONE_REFUSED);
    print_message("%s\n", err.message);
    assert_non_null(strstr(err.message, "text 1 has "));
    hone_scheduler_drain(s);
    assert_int_equal(tally.n[HONE_OK], 10);
    hone_scheduler_close(&s);
    hone_model_close(&model);
    free(out);
}

static void senseless_requests(void **state)
{
    (void)state;
    struct hone_error err;
    float out[1];
    struct hone_scheduler *s = open_scheduler(embedder.model, 0);
    struct hone_request r = request_of(&embedder, 0, 0, out);
    assert_int_equal(hone_submit(s, &r, NULL, NULL, &err), HONE_USAGE);
    r.n_texts = 1;
    r.kind = HONE_REQUEST_CLASSIFY;
    assert_int_equal(hone_submit(s, &r, NULL, NULL, &err), HONE_USAGE);
    r.kind = HONE_REQUEST_EMBED;
    r.how.prompt = "no such prompt";
    assert_int_equal(hone_submit(s, &r, NULL, NULL, &err), HONE_USAGE);
    hone_cancel(s, 12345);
    hone_scheduler_close(&s);
    hone_scheduler_close(&s);
}

/* ---- what else can be asked for ---- */

static void counts_of_tokens(void **state)
{
    (void)state;
    struct hone_error err;
    struct hone_options options = {.n_threads = 1, .max_length = 8};
    struct hone_text mixed[] = {{"a b", 3}, {"a b c d e f g h i j k l", 23}};
    struct hone_model *model;
    uint32_t n_tokens[2];
    bool truncated[2];
    assert_ok(hone_model_open(&model, fixture("bert-embed"), &options, &err), &err);
    struct hone_scheduler *s = open_scheduler(model, 0);
    float *out = calloc(2, embedder.width * sizeof *out);
    struct hone_request r = request_of(&embedder, 0, 2, out);
    r.texts = mixed;
    r.out_n_tokens = n_tokens;
    r.out_truncated = truncated;
    assert_ok(hone_submit_and_wait(s, &r, &err), &err);
    assert_int_equal(n_tokens[0], 4);
    assert_int_equal(n_tokens[1], 8);
    assert_false(truncated[0]);
    assert_true(truncated[1]);
    hone_scheduler_close(&s);
    hone_model_close(&model);
    free(out);
}

/* Token ids give what the text that they were made of gives. */
static void given_ids(void **state)
{
    (void)state;
    struct hone_error err;
    int32_t *ids, wrong[] = {5, 1 << 20};
    size_t *starts;
    struct hone_ids given[N_TEXTS];
    float *out = calloc(N_TEXTS, embedder.width * sizeof *out);
    struct hone_scheduler *s = open_scheduler(embedder.model, 0);
    struct hone_request r = request_of(&embedder, 0, N_TEXTS, out);
    assert_ok(hone_tokenize(embedder.model, texts, NULL, N_TEXTS, true, &ids, &starts, NULL, &err), &err);
    size_t max = hone_model_info(embedder.model)->max_length, n_same = 0;
    for (size_t i = 0; i < N_TEXTS; i++)
        given[i] = (struct hone_ids){ids + starts[i], starts[i + 1] - starts[i]};
    r.texts = NULL;
    r.ids = given;
    assert_ok(hone_submit_and_wait(s, &r, &err), &err);
    for (size_t i = 0; i < N_TEXTS; i++) {
        size_t at = i * embedder.width;
        if (given[i].n > max) /* its end token is cut off */
            continue;
        assert_memory_equal(out + at, embedder.wanted + at, embedder.width * sizeof *out);
        n_same++;
    }
    assert_true(n_same > N_TEXTS / 4);
    given[3] = (struct hone_ids){wrong, 2};
    assert_int_equal(hone_submit(s, &r, NULL, NULL, &err), HONE_USAGE);
    assert_non_null(strstr(err.message, "text 3 has the token 1048576"));
    hone_scheduler_close(&s);
    hone_free(ids);
    hone_free(starts);
    free(out);
}

static void results_of_own_length(void **state)
{
    (void)state;
    struct hone_error err;
    struct hone_model *splade;
    float *wanted_rows, *rows;
    struct hone_word *wanted_words, *words;
    size_t *wanted_starts, *starts;
    struct hone_scheduler *s = open_scheduler(embedder.model, 0);
    struct hone_request r = request_of(&embedder, 0, N_TEXTS, NULL);
    r.kind = HONE_REQUEST_EMBED_TOKENS;
    r.out_rows = &rows;
    r.out_starts = &starts;
    assert_ok(
        hone_embed_tokens(embedder.model, texts, N_TEXTS, NULL, &wanted_rows, &wanted_starts, NULL, &err),
        &err);
    assert_ok(hone_submit_and_wait(s, &r, &err), &err);
    assert_memory_equal(starts, wanted_starts, (N_TEXTS + 1) * sizeof *starts);
    assert_memory_equal(rows, wanted_rows, starts[N_TEXTS] * embedder.width * sizeof *rows);
    r.kind = HONE_REQUEST_EMBED_SPARSE;
    r.out_words = &words;
    assert_int_equal(hone_submit(s, &r, NULL, NULL, &err), HONE_USAGE);
    hone_scheduler_close(&s);
    hone_free(rows);
    hone_free(wanted_rows);
    hone_free(starts);
    hone_free(wanted_starts);

    struct hone_options options = {.n_threads = 2, .compute = HONE_COMPUTE_F32};
    assert_ok(hone_model_open(&splade, fixture("splade"), &options, &err), &err);
    s = open_scheduler(splade, 0);
    assert_ok(hone_embed_sparse(splade, texts, N_TEXTS, NULL, &wanted_words, &wanted_starts, NULL, &err),
              &err);
    assert_ok(hone_submit_and_wait(s, &r, &err), &err);
    assert_memory_equal(starts, wanted_starts, (N_TEXTS + 1) * sizeof *starts);
    assert_memory_equal(words, wanted_words, starts[N_TEXTS] * sizeof *words);
    hone_scheduler_close(&s);
    hone_model_close(&splade);
    hone_free(words);
    hone_free(wanted_words);
    hone_free(starts);
    hone_free(wanted_starts);
}

/* Of a text that comes several times at once one row is made, and goes to each place. */
static void same_texts_are_computed_once(void **state)
{
    (void)state;
    struct hone_error err;
    struct hone_scheduler_options options = HONE_SCHEDULER_DEFAULTS;
    struct hone_scheduler_stats stats;
    struct hone_scheduler *s;
    const size_t places[] = {5, 7, 5, 5, 9, 7, 5};
    const size_t n = sizeof places / sizeof *places;
    struct hone_text several[sizeof places / sizeof *places];
    for (size_t i = 0; i < HONE_N_CACHES; i++)
        options.cache_bytes[i] = 1 << 20;
    assert_ok(hone_scheduler_open(&s, embedder.model, &options, &err), &err);
    for (size_t i = 0; i < n; i++)
        several[i] = texts[places[i]];
    struct hone_request request = request_of(&embedder, 0, n, NULL);
    float *rows = calloc(n, embedder.width * sizeof *rows);
    request.texts = several;
    request.out = rows;
    assert_ok(hone_submit_and_wait(s, &request, &err), &err);
    for (size_t i = 0; i < n; i++)
        assert_memory_equal(rows + i * embedder.width, embedder.wanted + places[i] * embedder.width,
                            embedder.width * sizeof *rows);
    hone_scheduler_stats(s, &stats);
    assert_int_equal(stats.texts.n_texts, 3);
    free(rows);
    hone_scheduler_close(&s);
}

/* The second time everything is found, in every cache, and is the same. */
static void caches_find(void **state)
{
    (void)state;
    struct hone_error err;
    struct hone_scheduler_stats stats;
    struct hone_scheduler_options options = HONE_SCHEDULER_DEFAULTS;
    const struct opened *models[] = {&embedder, &cross};
    for (size_t i = 0; i < HONE_N_CACHES; i++)
        options.cache_bytes[i] = 1 << 20;
    for (size_t k = 0; k < 2; k++) {
        struct hone_scheduler *s;
        enum hone_cache rows = k == 0 ? HONE_CACHE_EMBEDDINGS : HONE_CACHE_SCORES;
        float *out = calloc(N_TEXTS, models[k]->width * sizeof *out);
        uint32_t n_tokens[2][N_TEXTS];
        bool truncated[N_TEXTS];
        assert_ok(hone_scheduler_open(&s, models[k]->model, &options, &err), &err);
        for (size_t round = 0; round < 2; round++) {
            struct hone_request r = request_of(models[k], 0, N_TEXTS, out);
            memset(out, 0, N_TEXTS * models[k]->width * sizeof *out);
            r.out_n_tokens = n_tokens[round];
            r.out_truncated = truncated;
            assert_ok(hone_submit_and_wait(s, &r, &err), &err);
            assert_memory_equal(out, models[k]->wanted, N_TEXTS * models[k]->width * sizeof *out);
        }
        assert_memory_equal(n_tokens[0], n_tokens[1], sizeof n_tokens[0]);
        hone_scheduler_stats(s, &stats);
        assert_int_equal(stats.caches[rows].n_hits, N_TEXTS);
        assert_int_equal(stats.caches[rows].n_misses, N_TEXTS);
        assert_int_equal(stats.texts.n_texts, N_DIFFERENT); /* computed once */
        struct hone_request raw = request_of(models[k], 0, N_TEXTS, out);
        raw.how.raw = true;
        raw.how.normalize = 0;
        assert_ok(hone_submit_and_wait(s, &raw, &err), &err); /* something else, of the same tokens */
        hone_scheduler_stats(s, &stats);
        assert_true(stats.caches[HONE_CACHE_TOKENS].n_hits >= N_TEXTS);
        assert_int_equal(stats.texts.n_texts, 2 * N_DIFFERENT);
        hone_scheduler_close(&s);
        free(out);
    }
}

/* ---- several models ---- */

struct side {
    pthread_t thread;
    const struct opened *model;
};

static void *run_side(void *arg)
{
    run_clients(((struct side *)arg)->model);
    return NULL;
}

static void models_take_turns(void **state)
{
    (void)state;
    struct side side = {.model = &cross};
    assert_int_equal(pthread_create(&side.thread, NULL, run_side, &side), 0);
    run_clients(&embedder);
    pthread_join(side.thread, NULL);
}

static void statistics(void **state)
{
    (void)state;
    struct hone_error err;
    struct hone_scheduler_stats stats;
    float *out = calloc(N_TEXTS, embedder.width * sizeof *out);
    struct hone_scheduler *s = open_scheduler(embedder.model, 0);
    struct hone_request r = request_of(&embedder, 0, N_TEXTS, out);
    assert_ok(hone_submit_and_wait(s, &r, &err), &err);
    hone_scheduler_drain(s);
    hone_scheduler_stats(s, &stats);
    assert_int_equal(stats.n_taken, 1);
    assert_int_equal(stats.n_ok, 1);
    assert_int_equal(stats.texts.n_texts, N_TEXTS);
    assert_true(stats.texts.n_tokens > 2 * N_TEXTS);
    const struct hone_latency *total = &stats.total[HONE_PRIORITY_INTERACTIVE];
    assert_int_equal(total->n, 1);
    for (size_t i = 0; i < HONE_N_BOUNDS; i++)
        assert_int_equal(total->at_most[i], hone_latency_bound(i) > total->max_ms);
    assert_float_equal(hone_latency_bound(4), 1, 0);
    hone_scheduler_close(&s);
    free(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everyone_gets_their_own),
        cmocka_unit_test(similarity),
        cmocka_unit_test(sequential_is_fast),
        cmocka_unit_test(full_late_and_cancelled),
        cmocka_unit_test(closed_under_load),
        cmocka_unit_test(only_the_guilty_fails),
        cmocka_unit_test(senseless_requests),
        cmocka_unit_test(counts_of_tokens),
        cmocka_unit_test(given_ids),
        cmocka_unit_test(results_of_own_length),
        cmocka_unit_test(same_texts_are_computed_once),
        cmocka_unit_test(caches_find),
        cmocka_unit_test(models_take_turns),
        cmocka_unit_test(statistics),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
