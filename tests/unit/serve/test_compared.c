/* Rerank requests of models without a head for it: their results are those of hone_rerank; what was computed for one is found
 * by the next; and requests that come together are computed together. */
#include "tests/simulation.h"

#include <hone.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_DOCS     20
#define N_REQUESTS 8

static char words[N_DOCS][64];
static struct hone_text docs[N_DOCS];
static const struct hone_text query = {"which of these is near", 22}, other = {"another question", 16};

static int set_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_DOCS; i++) {
        snprintf(words[i], sizeof words[i], "document %zu is about %c%zu", i, (char)('a' + i), i * i);
        docs[i] = (struct hone_text){words[i], strlen(words[i])};
    }
    return 0;
}

static struct hone_model *open_model(const char *name)
{
    struct hone_error err;
    struct hone_options options = {.n_threads = 2, .compute = HONE_COMPUTE_F32};
    struct hone_model *model;
    assert_ok(hone_model_open(&model, fixture(name), &options, &err), &err);
    return model;
}

static struct hone_scheduler *open_scheduler(struct hone_model *model, size_t cache_bytes)
{
    struct hone_error err;
    struct hone_scheduler_options options = HONE_SCHEDULER_DEFAULTS;
    struct hone_scheduler *s;
    for (size_t i = 0; i < HONE_N_CACHES; i++)
        options.cache_bytes[i] = cache_bytes;
    assert_ok(hone_scheduler_open(&s, model, &options, &err), &err);
    return s;
}

/* Reranks through the scheduler, and compares with the function. Returns texts that were computed for it. */
static size_t rerank(struct hone_scheduler *s, struct hone_model *model, struct hone_text q,
                     const struct hone_run_options *how)
{
    struct hone_error err;
    struct hone_scheduler_stats before, after;
    struct hone_request r = HONE_REQUEST_DEFAULTS;
    float wanted[N_DOCS], out[N_DOCS];
    bool done[N_DOCS] = {false};
    uint32_t n_tokens[N_DOCS] = {0};
    assert_ok(hone_rerank(model, q, docs, N_DOCS, how, wanted, NULL, &err), &err);
    r.kind = HONE_REQUEST_RERANK;
    r.texts = docs;
    r.n_texts = N_DOCS;
    r.query = q;
    r.how = *how;
    r.out = out;
    r.partial = true;
    r.out_done = done;
    r.out_n_tokens = n_tokens;
    hone_scheduler_stats(s, &before);
    assert_ok(hone_submit_and_wait(s, &r, &err), &err);
    hone_scheduler_stats(s, &after);
    for (size_t i = 0; i < N_DOCS; i++) {
        assert_true(done[i]);
        if (memcmp(&out[i], &wanted[i], sizeof *out) != 0)
            fail_msg("document %zu: %.9g, expected %.9g", i, (double)out[i], (double)wanted[i]);
    }
    return after.texts.n_texts - before.texts.n_texts;
}

/* n_again: texts that are computed for another query over the same documents. For the same one there are none. */
static void check(const char *name, size_t n_again)
{
    struct hone_model *model = open_model(name);
    struct hone_scheduler *s = open_scheduler(model, 1 << 20), *without = open_scheduler(model, 0);
    struct hone_run_options how = HONE_RUN_DEFAULTS, raw = HONE_RUN_DEFAULTS;
    raw.raw = true;
    assert_in_range(rerank(s, model, query, &how), N_DOCS, N_DOCS + 1);
    assert_int_equal(rerank(s, model, query, &how), 0);
    assert_int_equal(rerank(s, model, other, &how), n_again);
    assert_int_equal(rerank(s, model, other, &how), 0);
    how.partition = 7; /* of somebody else */
    assert_in_range(rerank(s, model, query, &how), N_DOCS, N_DOCS + 1);
    rerank(s, model, query, &raw);
    rerank(without, model, query, &raw);
    assert_in_range(rerank(without, model, query, &raw), N_DOCS, N_DOCS + 1);
    hone_scheduler_close(&s);
    hone_scheduler_close(&without);
    hone_model_close(&model);
}

static void one_vector(void **state)
{
    (void)state;
    check("bert-embed", 1); /* its query alone */
    check("qwen3-embed", 1);
    check("causal", 1); /* made to write */
    check("falcon-h1", 1);
    check("mt5-dense", 1); /* the encoder alone */
    check("gemma3n", 1);
    check("sentence/router-deberta/model", 1); /* by two models */
    check("sentence/router-mapped/model", 1);
    check("sentence/similarity-dot/model", 1);
    check("sentence/router-behind/model", 1);
}

/* Scores are kept, vectors of tokens are not. */
static void vectors_of_tokens(void **state)
{
    (void)state;
    check("colbert", N_DOCS + 1);
    check("splade", N_DOCS + 1);
    check("sentence/router-words/model", N_DOCS + 1);
    check("qwen3-rerank", N_DOCS);
}

struct waited {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t n_ok, n;
};

static void on_reply(void *arg, const struct hone_reply *reply)
{
    struct waited *w = arg;
    pthread_mutex_lock(&w->lock);
    w->n++;
    w->n_ok += reply->status == HONE_OK && reply->n_texts == N_DOCS;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->lock);
}

static void wait_for_all(struct waited *w)
{
    pthread_mutex_lock(&w->lock);
    while (w->n < N_REQUESTS)
        pthread_cond_wait(&w->changed, &w->lock);
    pthread_mutex_unlock(&w->lock);
}

/* Of the same documents at the same time each is computed once, whichever batches they are in. */
static void together(void **state)
{
    (void)state;
    struct hone_error err;
    struct hone_scheduler_stats stats;
    struct hone_model *model = open_model("bert-embed");
    struct hone_scheduler *s = open_scheduler(model, 1 << 20);
    struct waited waited = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    static float out[N_REQUESTS][N_DOCS];
    struct hone_request r = HONE_REQUEST_DEFAULTS;
    r.kind = HONE_REQUEST_RERANK;
    r.texts = docs;
    r.n_texts = N_DOCS;
    r.query = query;
    r.on_reply = on_reply;
    r.arg = &waited;
    for (size_t i = 0; i < N_REQUESTS; i++) {
        r.out = out[i];
        assert_ok(hone_submit(s, &r, NULL, NULL, &err), &err);
    }
    wait_for_all(&waited);
    hone_scheduler_stats(s, &stats);
    assert_int_equal(waited.n_ok, N_REQUESTS);
    assert_int_equal(stats.texts.n_texts, N_DOCS + 1);
    for (size_t i = 1; i < N_REQUESTS; i++)
        assert_memory_equal(out[i], out[0], sizeof out[0]);
    hone_scheduler_close(&s);
    hone_model_close(&model);
}

static void open_simulation(const char *name, size_t cache_bytes)
{
    struct hone_scheduler_options options = sim_options(0, 4096);
    options.window_ms = 1000;
    for (size_t i = 0; i < HONE_N_CACHES; i++)
        options.cache_bytes[i] = cache_bytes;
    sim.model = open_model(name);
    sim_open(options);
}

static void close_simulation(void)
{
    struct hone_model *model = sim.model;
    sim_close();
    hone_model_close(&model);
    sim.model = NULL;
}

/* What a model is asked by several at the same time is computed together, and each gets what it gets alone. */
static void asked_together(const char *name)
{
    struct hone_error err;
    static struct sim_request several[N_REQUESTS];
    static float out[N_REQUESTS][N_DOCS], wanted[N_REQUESTS][N_DOCS];
    const struct hone_text queries[] = {query, other};
    open_simulation(name, 0);
    for (size_t i = 0; i < N_REQUESTS; i++) {
        struct hone_request r = HONE_REQUEST_DEFAULTS;
        const size_t n = i % 3 == 0 ? 1 : i + 2; /* one alone shares its beginning with none */
        r.kind = HONE_REQUEST_RERANK;
        r.texts = docs;
        r.n_texts = n;
        r.query = queries[i % 2];
        r.how.raw = i % 4 == 3;
        r.how.instruction = i == 5 ? "Find what is near" : NULL;
        if (strcmp(name, "splade") == 0)
            r.how.instruction = NULL;
        r.out = out[i];
        several[i] = (struct sim_request){.request = r};
        assert_ok(hone_rerank(sim.model, r.query, docs, n, &r.how, wanted[i], NULL, &err), &err);
    }
    for (size_t i = 0; i < N_REQUESTS; i++)
        sim_submit(&several[i]);
    sim_pass_time(sim.now + 5000 * SIM_MS);
    assert_in_range(sim.n_passes, 1, N_REQUESTS / 2);
    for (size_t i = 0; i < N_REQUESTS; i++)
        assert_int_equal(several[i].status, HONE_OK);
    assert_memory_equal(out, wanted, sizeof out);
    close_simulation();
}

static void judged_together(void **state)
{
    (void)state;
    asked_together("qwen3-rerank");
    asked_together("splade");
}

/* ---- queries and documents that are read by models of their own ---- */

static struct sim_request asked[N_REQUESTS];
static float scores[N_REQUESTS][N_DOCS];

static void ask(size_t i, struct hone_text q, size_t n_docs)
{
    asked[i] = (struct sim_request){.request = HONE_REQUEST_DEFAULTS};
    struct hone_request *r = &asked[i].request;
    r->kind = HONE_REQUEST_RERANK;
    r->query = q;
    r->texts = docs;
    r->n_texts = n_docs;
    r->out = scores[i];
    sim_submit(&asked[i]);
}

static void check_asked(size_t i)
{
    struct hone_error err;
    const struct hone_request *r = &asked[i].request;
    float wanted[N_DOCS];
    assert_int_equal(asked[i].status, HONE_OK);
    assert_ok(hone_rerank(sim.model, r->query, docs, r->n_texts, &r->how, wanted, NULL, &err), &err);
    assert_memory_equal(scores[i], wanted, r->n_texts * sizeof *wanted);
}

static size_t n_computed(void)
{
    struct hone_scheduler_stats stats;
    hone_scheduler_stats(sim.scheduler, &stats);
    return stats.texts.n_texts;
}

/* All queries are a batch, and all documents the next one, each text once. Who is alone does not wait between them. */
static void routes_together(const char *name)
{
    open_simulation(name, 1 << 20);
    ask(0, query, 3);
    uint64_t begun = sim.now;
    sim_pass_time(begun + 5000 * SIM_MS);
    assert_int_equal(sim.n_passes, 2);
    assert_int_equal(sim.passes[0].begun, begun);
    assert_int_equal(sim.passes[1].begun, sim.passes[0].ended);
    assert_int_equal(asked[0].replied, sim.passes[1].ended);
    check_asked(0);
    for (size_t i = 0; i < N_REQUESTS; i++)
        ask(i, docs[i % 4], 5 + i); /* queries are documents of others, which are no vectors of theirs */
    sim_pass_time(sim.now + 5000 * SIM_MS);
    assert_int_equal(sim.n_passes, 4);
    assert_int_equal(n_computed(), 1 + 3 + 4 + (4 + N_REQUESTS - 3));
    for (size_t i = 0; i < N_REQUESTS; i++) {
        assert_int_equal(asked[i].replied, sim.passes[3].ended);
        check_asked(i);
    }
    close_simulation();
}

static void routes(void **state)
{
    (void)state;
    routes_together("sentence/router-deberta/model");
    routes_together("sentence/router-behind/model");
}

/* Documents are computed with those that are embedded, and found where they were; a query that is known needs no batch. */
static void routes_beside_embeddings(void **state)
{
    (void)state;
    open_simulation("sentence/router-deberta/model", 1 << 20);
    struct sim_request *e = sim_embedding(20);
    e->request.how = (struct hone_run_options)HONE_RUN_DEFAULTS;
    e->request.how.as = HONE_ROLE_DOCUMENT;
    e->request.texts = &docs[N_DOCS - 1];
    ask(0, query, 2);
    sim_submit(e);
    sim_pass_time(sim.now + 5000 * SIM_MS);
    assert_int_equal(sim.n_passes, 2);
    assert_int_equal(n_computed(), 4);
    ask(0, query, N_DOCS);
    sim_pass_time(sim.now + 5000 * SIM_MS);
    assert_int_equal(sim.n_passes, 3);
    assert_int_equal(n_computed(), 1 + N_DOCS);
    check_asked(0);
    sim_release(e);
    close_simulation();
}

/* The time is over between the query and its documents: no score, and nothing else is begun. */
static void routes_in_time(void **state)
{
    (void)state;
    static bool done[N_DOCS];
    open_simulation("sentence/router-deberta/model", 1 << 20);
    sim.a_pass = 10 * SIM_MS;
    sim.a_token = 0;
    ask(0, query, N_DOCS);
    hone_cancel(sim.scheduler, asked[0].id);
    assert_int_equal(asked[0].status, HONE_CANCELLED);
    for (size_t partial = 0; partial < 2; partial++) {
        asked[0].request.timeout_ms = 5;
        asked[0].request.partial = partial;
        asked[0].request.out_done = done;
        asked[0].request.query = docs[partial];
        sim_submit(&asked[0]);
        sim_pass_time(sim.now + 5000 * SIM_MS);
        assert_int_equal(sim.n_passes, 1 + partial);
        assert_int_equal(asked[0].status, partial ? HONE_OK : HONE_LATE);
        assert_int_equal(asked[0].reply.timed_out, partial);
        for (size_t i = 0; i < N_DOCS; i++)
            assert_false(done[i]);
    }
    close_simulation();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_vector),     cmocka_unit_test(vectors_of_tokens),
        cmocka_unit_test(together),       cmocka_unit_test(judged_together),
        cmocka_unit_test(routes),         cmocka_unit_test(routes_beside_embeddings),
        cmocka_unit_test(routes_in_time),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
