/* What a scheduler does when: its loop in the test's own thread, by a clock that stands still but while something is
 * computed, which takes what the test says. So every event happens at a moment that is known, whatever the machine does
 * meanwhile. */
#include "tests/support.h"

#include "runtime/infer/model.h"
#include "runtime/serve/state.h"

#include <hone.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS         1000000u /* ns */
#define NEVER      UINT64_MAX
#define MAX_EVENTS 4096
#define MOST_OUT   512

static struct hone_model *model;
static size_t width;

/* ---- the clock, and what computing costs ---- */

struct sim_pass {
    uint64_t begun, ended;
    size_t n_tokens;
};

static struct sim {
    struct clock clock;
    uint64_t now, a_pass, a_token; /* ns */
    struct hone_scheduler *scheduler;
    struct sim_pass passes[MAX_EVENTS];
    size_t n_passes;
    void (*during)(uint64_t ends); /* called in a pass that will end then; or NULL */
} sim;

static uint64_t sim_now(void *arg)
{
    (void)arg;
    return sim.now;
}

static void sim_computed(void *arg, size_t n_tokens)
{
    (void)arg;
    uint64_t ends = sim.now + sim.a_pass + n_tokens * sim.a_token;
    assert_true(sim.n_passes < MAX_EVENTS);
    if (sim.during)
        sim.during(ends);
    sim.passes[sim.n_passes++] = (struct sim_pass){sim.now, ends, n_tokens};
    sim.now = ends;
}

static struct hone_scheduler_options options_of(size_t max_parallel, size_t batch_tokens)
{
    struct hone_scheduler_options o = HONE_SCHEDULER_DEFAULTS;
    o.max_parallel = max_parallel;
    o.batch_tokens = batch_tokens;
    o.window_ms = 0;
    return o;
}

/* A pass takes 1 ms and a tenth for each token. */
static void sim_open(struct hone_scheduler_options options)
{
    struct hone_error err;
    memset(&sim, 0, sizeof sim);
    sim.clock = (struct clock){.now = sim_now, .computed = sim_computed};
    sim.now = 1000 * MS;
    sim.a_pass = 1 * MS;
    sim.a_token = MS / 10;
    assert_ok(scheduler_new(&sim.scheduler, model, &options, &sim.clock, &err), &err);
}

static void sim_close(void)
{
    hone_scheduler_close(&sim.scheduler);
    assert_true(!model->stepper.kv || kv_stats(model->stepper.kv).n_used == 0);
}

/* What is due until `until` happens, and it is that time, or when the last pass that began before has ended. */
static void pass_time(uint64_t until)
{
    struct hone_scheduler *s = sim.scheduler;
    pthread_mutex_lock(&s->lock);
    while (sim.now < until) {
        if (tokenizers_work(s, s->encodings, 1) || scheduler_work(s))
            continue;
        uint64_t wake = policy_wake(&s->policy);
        assert_true(wake > sim.now); /* there is nothing to do, so there is nothing to wake for */
        sim.now = wake < until ? wake : until;
    }
    pthread_mutex_unlock(&s->lock);
}

/* ---- requests ---- */

/* One that was sent, and when its reply came. */
struct sent {
    struct hone_request request;
    struct hone_generation generation;
    struct hone_text text;
    float out[MOST_OUT];
    uint64_t id, replied; /* 0: not yet */
    enum hone_status status;
    char message[128];
    struct hone_reply reply;
    size_t n_tokens; /* told so far */
    uint64_t token_at[600];
    size_t order; /* among all replies */
    void (*again)(struct sent *s);
};

static size_t n_replies;

static void on_reply(void *arg, const struct hone_reply *reply)
{
    struct sent *s = arg;
    assert_int_equal(s->replied, 0);
    s->replied = sim.now;
    s->status = reply->status;
    s->reply = *reply;
    snprintf(s->message, sizeof s->message, "%s", reply->message);
    s->order = n_replies++;
    if (s->again)
        s->again(s);
}

static bool on_token(void *arg, const struct hone_token *token)
{
    struct sent *s = arg;
    if (token->id >= 0 && s->n_tokens < 600)
        s->token_at[s->n_tokens++] = sim.now;
    return true;
}

static void submit(struct sent *s)
{
    struct hone_error err;
    s->request.on_reply = on_reply;
    s->request.arg = s;
    s->replied = 0;
    assert_ok(hone_submit(sim.scheduler, &s->request, &s->id, NULL, &err), &err);
}

/* A text of n letters to be embedded. */
static struct sent *embedding(size_t n_letters)
{
    static char letters[] = "zqxjkvbpygfwmucldrhsnioateZQXJKVBPYGFWMUCLDRHSNIOATE";
    struct sent *s = calloc(1, sizeof *s);
    s->text = (struct hone_text){letters, n_letters < sizeof letters ? n_letters : sizeof letters - 1};
    s->request = (struct hone_request){
        .kind = HONE_REQUEST_EMBED, .texts = &s->text, .n_texts = 1, .how = HONE_RUN_DEFAULTS, .out = s->out};
    s->request.how.pooling = "last";
    return s;
}

/* n tokens after a prompt of given ids, which are as many as the text has in each case. */
static struct sent *generation(size_t n_prompt, size_t n_new)
{
    static int32_t ids[2000];
    static int32_t salt;
    struct sent *s = calloc(1, sizeof *s);
    ids[0] = 5 + salt++ % 200; /* what begins otherwise shares nothing */
    for (size_t i = 1; i < sizeof ids / sizeof *ids; i++)
        ids[i] = (int32_t)(5 + i * i % 97);
    s->generation = (struct hone_generation){
        .sampling = HONE_SAMPLING_DEFAULTS, .max_tokens = n_new, .past_end = true, .n_ids = n_prompt};
    int32_t *own = malloc(n_prompt * sizeof *own);
    memcpy(own, ids, n_prompt * sizeof *own);
    s->generation.ids = own;
    s->generation.on_token = on_token;
    s->generation.arg = s;
    s->request = (struct hone_request){
        .kind = HONE_REQUEST_GENERATE, .generation = &s->generation, .how = HONE_RUN_DEFAULTS};
    return s;
}

static void release(struct sent *s)
{
    if (s->request.kind == HONE_REQUEST_GENERATE)
        free((int32_t *)s->generation.ids);
    hone_generation_release(&s->generation);
    free(s);
}

static uint64_t longest_gap(const struct sent *s, size_t first)
{
    uint64_t longest = 0;
    for (size_t i = first + 1; i < s->n_tokens; i++)
        if (s->token_at[i] - s->token_at[i - 1] > longest)
            longest = s->token_at[i] - s->token_at[i - 1];
    return longest;
}

static int set_up(void **state)
{
    (void)state;
    struct hone_error err;
    struct hone_options options = {.n_threads = 1};
    assert_ok(hone_model_open(&model, fixture("causal"), &options, &err), &err);
    width = hone_model_info(model)->n_embd;
    assert_true(width <= MOST_OUT);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    hone_model_close(&model);
    return 0;
}

/* ---- deadlines ---- */

/* A text whose time is over when its batch ends is late, though its row is there; another one of the same batch is not. */
static void deadline_of_a_running_batch(void **state)
{
    (void)state;
    sim_open(options_of(0, 1000));
    struct sent *late = embedding(20), *punctual = embedding(20);
    sim.a_pass = 10 * MS;
    sim.a_token = 0;
    late->request.timeout_ms = 9.9;
    punctual->request.timeout_ms = 10;
    uint64_t begun = sim.now;
    submit(late);
    submit(punctual);
    pass_time(begun + 1);
    assert_int_equal(sim.n_passes, 1);
    assert_int_equal(late->status, HONE_LATE);
    assert_int_equal(late->replied, begun + 10 * MS);
    assert_string_equal(late->message, "the request's time was over before all of it was computed");
    assert_int_equal(punctual->status, HONE_OK);
    assert_int_equal(punctual->replied, begun + 10 * MS);
    release(late);
    release(punctual);
    sim_close();
}

/* One of several texts in several batches: those that are left are not begun. */
static void deadline_between_batches(void **state)
{
    (void)state;
    enum { N = 8 };
    sim_open(options_of(0, 40));
    struct sent *s = embedding(0);
    struct hone_text texts[N];
    float *out = calloc(N, width * sizeof *out);
    for (size_t i = 0; i < N; i++)
        texts[i] = (struct hone_text){"abcdefghijklmnopqrstuvwxyz", 26};
    s->request.texts = texts;
    s->request.n_texts = N;
    s->request.out = out;
    s->request.timeout_ms = 5;
    sim.a_pass = 3 * MS;
    sim.a_token = 0;
    uint64_t begun = sim.now;
    submit(s);
    pass_time(begun + 100 * MS);
    assert_int_equal(s->status, HONE_LATE);
    assert_int_equal(s->replied, begun + 6 * MS); /* the end of the batch in which it was late */
    assert_int_equal(sim.n_passes, 2);
    release(s);
    free(out);
    sim_close();
}

static void queue_timeout(void **state)
{
    (void)state;
    sim_open(options_of(1, 1000)); /* one request a batch */
    struct sent *first = embedding(20), *waits = embedding(20), *in_time = embedding(20);
    sim.a_pass = 10 * MS;
    sim.a_token = 0;
    in_time->request.queue_timeout_ms = 11;
    waits->request.queue_timeout_ms = 15;
    uint64_t begun = sim.now;
    submit(first);
    submit(in_time); /* begins after 10 ms, and takes longer than its time in the queue */
    submit(waits);
    pass_time(begun + 100 * MS);
    assert_int_equal(first->status, HONE_OK);
    assert_int_equal(in_time->status, HONE_OK);
    assert_int_equal(in_time->replied, begun + 20 * MS);
    assert_int_equal(waits->status, HONE_LATE);
    assert_string_equal(waits->message, "the request's time was over while it waited");
    assert_int_equal(waits->replied, begun + 20 * MS); /* the scheduler looked again */
    assert_int_equal(sim.n_passes, 2);
    release(first);
    release(waits);
    release(in_time);
    sim_close();
}

/* The scheduler that has nothing to do wakes for it: here all that may be generated at once is. */
static void queue_timeout_of_a_prompt(void **state)
{
    (void)state;
    sim_open(options_of(1, 1000));
    struct sent *writes = generation(3, 40), *waits = generation(3, 1);
    waits->request.queue_timeout_ms = 7;
    uint64_t begun = sim.now;
    submit(writes);
    submit(waits);
    pass_time(begun + 100 * MS);
    assert_int_equal(writes->status, HONE_OK);
    assert_int_equal(waits->status, HONE_LATE);
    assert_true(waits->replied >= begun + 7 * MS &&
                waits->replied < begun + 9 * MS); /* a step later at most */
    assert_int_equal(waits->n_tokens, 0);
    release(writes);
    release(waits);
    sim_close();
}

static void deadline_of_a_text_that_is_generated(void **state)
{
    (void)state;
    sim_open(options_of(0, 1000));
    struct sent *late = generation(3, 500), *other = generation(4, 50);
    late->request.timeout_ms = 20;
    uint64_t begun = sim.now;
    submit(late);
    submit(other);
    pass_time(begun + 200 * MS);
    assert_int_equal(late->status, HONE_LATE);
    assert_true(late->replied > begun + 20 * MS && late->replied < begun + 24 * MS);
    assert_int_equal(other->status, HONE_OK);
    assert_int_equal(other->generation.n_out, 50);
    release(late);
    release(other);
    sim_close();
}

/* ---- both kinds of work ---- */

enum { N_FLOOD = 30 };
static size_t n_embedded;

static void embed_again(struct sent *s)
{
    assert_int_equal(s->status, HONE_OK);
    n_embedded++;
    submit(s);
}

/* Clients that embed without a pause, and one text that is generated: each kind gets about half of the time, and no token
 * waits for longer than a batch, which takes no longer than two steps. */
static void a_flood_does_not_starve_generation(void **state)
{
    (void)state;
    sim_open(options_of(0, 2000));
    struct sent *flood[N_FLOOD], *text = generation(3, 100);
    uint64_t begun = sim.now;
    n_embedded = 0;
    for (size_t i = 0; i < N_FLOOD; i++) {
        flood[i] = embedding(10 + i);
        flood[i]->again = embed_again;
        submit(flood[i]);
    }
    pass_time(begun + 100 * MS);
    assert_true(n_embedded >= N_FLOOD);
    submit(text);
    begun = sim.now;
    pass_time(begun + 1500 * MS);
    assert_int_equal(text->status, HONE_OK);
    assert_int_equal(text->n_tokens, 100);
    uint64_t step = sim.a_pass + sim.a_token, least = sim.a_pass + (64 + 40) * sim.a_token;
    print_message("%zu embedded; a token waited for %.1f ms at most, the last came after %.1f\n", n_embedded,
                  1e-6 * (double)longest_gap(text, 0), 1e-6 * (double)(text->replied - begun));
    /* The cap of a batch is two steps, but for LEAST_CAP tokens of it. */
    assert_true(longest_gap(text, 0) <= least + 2 * step);
    uint64_t batches = text->replied - begun - 100 * step;
    assert_true(batches > 100 * step / 2);         /* those who embed went on, too */
    assert_true(batches < 100 * step + 2 * least); /* but had no more than half of the time */
    for (size_t i = 0; i < N_FLOOD; i++)
        flood[i]->again = NULL;
    pass_time(sim.now + 500 * MS);
    for (size_t i = 0; i < N_FLOOD; i++)
        release(flood[i]);
    release(text);
    sim_close();
}

static void generation_does_not_starve_embeddings(void **state)
{
    (void)state;
    sim_open(options_of(4, 2000));
    struct sent *texts[4], *one = embedding(20);
    uint64_t begun = sim.now;
    for (size_t i = 0; i < 4; i++) {
        texts[i] = generation(3 + i, 300);
        submit(texts[i]);
    }
    pass_time(begun + 50 * MS);
    submit(one);
    begun = sim.now;
    pass_time(begun + 50 * MS);
    assert_int_equal(one->status, HONE_OK);
    assert_true(one->replied <= begun + 2 * (sim.a_pass + 4 * sim.a_token) + sim.a_pass + 24 * sim.a_token);
    pass_time(begun + 2000 * MS);
    for (size_t i = 0; i < 4; i++)
        release(texts[i]);
    release(one);
    sim_close();
}

/* ---- prompts ---- */

/* A long prompt beside a text that writes at most doubles its steps, once both have been measured. */
static void prompts_are_cut_in_pieces(void **state)
{
    (void)state;
    sim_open(options_of(0, 1000));
    struct sent *writes = generation(40, 200), *reads = generation(1500, 1);
    uint64_t step = sim.a_pass + sim.a_token, begun = sim.now;
    submit(writes);
    pass_time(begun + 40 * MS); /* which is measured */
    size_t n_before = writes->n_tokens, first = sim.n_passes;
    assert_true(n_before > 20);
    submit(reads);
    pass_time(begun + 400 * MS);
    assert_int_equal(reads->status, HONE_OK);
    assert_int_equal(writes->n_tokens, 200);
    size_t n_pieces = 0, longest = 0;
    for (size_t i = first; i < sim.n_passes; i++) {
        n_pieces += sim.passes[i].n_tokens > 1;
        longest = sim.passes[i].n_tokens > longest ? sim.passes[i].n_tokens : longest;
    }
    print_message(
        "%zu pieces of a prompt of 1500 tokens, the longest of %zu; a token waited for %.2f ms at most\n",
        n_pieces, longest - 1, 1e-6 * (double)longest_gap(writes, n_before - 1));
    assert_true(longest_gap(writes, n_before - 1) <= 21 * step / 10);
    assert_true(n_pieces >= 1500 / 12 && n_pieces < 1500 / 8 + 2); /* 11 tokens cost a step */
    release(writes);
    release(reads);
    sim_close();
}

/* Alone it may treble a step, for the sake of one that comes meanwhile. */
static void a_prompt_alone_has_larger_pieces(void **state)
{
    (void)state;
    sim_open(options_of(0, 1000));
    struct sent *before = generation(40, 30), *reads = generation(1000, 1), *comes = generation(3, 1);
    uint64_t begun = sim.now, step = sim.a_pass + sim.a_token;
    submit(before);
    pass_time(begun + 100 * MS);
    assert_int_equal(before->status, HONE_OK);
    size_t first = sim.n_passes;
    submit(reads);
    pass_time(sim.now + 10 * MS);
    for (size_t i = first; i < sim.n_passes; i++)
        assert_in_range(sim.passes[i].n_tokens, 15, 25);
    submit(comes);
    begun = sim.now;
    pass_time(begun + 400 * MS);
    assert_int_equal(reads->status, HONE_OK);
    assert_int_equal(comes->status, HONE_OK);
    assert_true(comes->replied - begun <= 5 * step); /* what was begun, and a step of its own */
    release(before);
    release(reads);
    release(comes);
    sim_close();
}

/* While nothing has been measured, a text that writes has at most 32 tokens of others beside it. */
static void short_prompts_do_not_wait_for_long_ones(void **state)
{
    (void)state;
    sim_open(options_of(0, 1000));
    struct sent *large = generation(1200, 1), *small = generation(6, 1);
    submit(large);
    submit(small);
    uint64_t begun = sim.now;
    pass_time(begun + 500 * MS);
    assert_true(small->replied < large->replied);
    assert_int_equal(small->replied, sim.passes[0].ended); /* in the first step, whole */
    assert_int_equal(sim.passes[0].n_tokens, 32);
    release(large);
    release(small);
    sim_close();
}

/* ---- order ---- */

static void first_come_first_served(void **state)
{
    (void)state;
    enum { N = 12 };
    for (size_t kind = 0; kind < 2; kind++) {
        struct sent *list[N];
        sim_open(options_of(1, 1000));
        uint64_t begun = sim.now;
        n_replies = 0;
        for (size_t i = 0; i < N; i++) {
            list[i] = kind == 0 ? embedding(3 + 5 * i % 20) : generation(3 + 5 * i % 20, 4);
            submit(list[i]);
        }
        pass_time(begun + 1000 * MS);
        for (size_t i = 0; i < N; i++) {
            assert_int_equal(list[i]->status, HONE_OK);
            assert_int_equal(list[i]->order, i);
            assert_true(i == 0 || list[i]->replied > list[i - 1]->replied);
            release(list[i]);
        }
        sim_close();
    }
}

/* Texts are tokenized in order, too, but those of a large request make way for others. */
static void texts_are_prepared_in_order(void **state)
{
    (void)state;
    enum { N_MANY = 500, N = 4 };
    sim_open(options_of(0, 100000));
    struct hone_scheduler *s = sim.scheduler;
    struct hone_text texts[N_MANY];
    struct sent *many = embedding(0), *list[N];
    for (size_t i = 0; i < N_MANY; i++)
        texts[i] = (struct hone_text){"abc", 3};
    float *out = calloc(N_MANY, width * sizeof *out);
    many->request.texts = texts;
    many->request.n_texts = N_MANY;
    many->request.out = out;
    submit(many);
    for (size_t i = 0; i < N; i++) {
        list[i] = embedding(5);
        submit(list[i]);
    }
    pthread_mutex_lock(&s->lock);
    assert_true(tokenizers_work(s, s->encodings, 1)); /* the first of many */
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(jobs_find(s, list[i]->id)->n_tokenized, 0);
        assert_true(tokenizers_work(s, s->encodings, 1));
        assert_int_equal(jobs_find(s, list[i]->id)->n_tokenized, 1);
    }
    size_t n_begun = jobs_find(s, many->id)->n_tokenized;
    assert_true(n_begun > 0 && n_begun < N_MANY);
    assert_true(tokenizers_work(s, s->encodings, 1));
    assert_true(jobs_find(s, many->id)->n_tokenized > n_begun);
    pthread_mutex_unlock(&s->lock);
    pass_time(sim.now + 5000 * MS);
    assert_int_equal(many->status, HONE_OK);
    for (size_t i = 0; i < N; i++)
        release(list[i]);
    release(many);
    free(out);
    sim_close();
}

/* ---- cancellation ---- */

static struct sent *to_cancel;

static void cancel_now(uint64_t ends)
{
    (void)ends;
    hone_cancel(sim.scheduler, to_cancel->id);
    assert_int_equal(to_cancel->replied, 0); /* it is being computed */
}

static void cancelled_while_it_is_computed(void **state)
{
    (void)state;
    sim_open(options_of(0, 1000));
    struct sent *other = embedding(12);
    to_cancel = embedding(10);
    sim.during = cancel_now;
    submit(to_cancel);
    submit(other);
    pass_time(sim.now + 1);
    assert_int_equal(to_cancel->status, HONE_CANCELLED);
    assert_int_equal(to_cancel->replied, sim.passes[0].ended);
    assert_int_equal(other->status, HONE_OK);
    release(to_cancel);
    release(other);
    sim_close();
}

static void cancelled_while_it_waits(void **state)
{
    (void)state;
    sim_open(options_of(0, 1000));
    struct sent *s = embedding(10), *text = generation(3, 5);
    submit(s);
    submit(text);
    hone_cancel(sim.scheduler, s->id);
    hone_cancel(sim.scheduler, text->id);
    assert_int_equal(s->status, HONE_CANCELLED);
    assert_int_equal(s->replied, sim.now); /* at once */
    assert_int_equal(text->status, HONE_CANCELLED);
    assert_int_equal(text->replied, sim.now);
    pass_time(sim.now + 50 * MS);
    assert_int_equal(sim.n_passes, 0); /* nothing of them is computed */
    release(s);
    release(text);
    sim_close();
}

/* A text that is being generated ends with the step, and gives up its blocks and its place. */
static void cancelled_while_it_is_generated(void **state)
{
    (void)state;
    sim_open(options_of(1, 1000));
    struct sent *text = generation(3, 500), *next = generation(3, 5);
    uint64_t begun = sim.now;
    submit(text);
    submit(next);
    pass_time(begun + 20 * MS);
    size_t n_before = text->n_tokens;
    assert_true(n_before > 10 && next->n_tokens == 0);
    hone_cancel(sim.scheduler, text->id);
    begun = sim.now;
    pass_time(begun + 20 * MS);
    assert_int_equal(text->status, HONE_CANCELLED);
    assert_true(text->replied <= begun + 2 * MS);
    assert_int_equal(text->n_tokens, n_before);
    assert_int_equal(text->generation.n_out, n_before); /* what there was of it */
    assert_int_equal(next->status, HONE_OK);
    assert_true(next->replied <= begun + 10 * MS);
    release(text);
    release(next);
    sim_close();
}

/* ---- counters ---- */

/* Each request is counted under its own endpoint, with times that are known here to the nanosecond. */
static void times_and_endpoints(void **state)
{
    (void)state;
    sim_open(options_of(1, 1000));
    struct sent *first = embedding(20), *second = embedding(20), *late = embedding(20);
    struct hone_endpoint_stats stats[4];
    sim.a_pass = 10 * MS;
    sim.a_token = 0;
    first->request.endpoint = 2;
    second->request.endpoint = late->request.endpoint = 3;
    late->request.queue_timeout_ms = 1;
    submit(first);
    submit(second);
    submit(late);
    pass_time(sim.now + 5 * MS);
    pass_time(sim.now + 100 * MS);
    for (unsigned i = 0; i < 4; i++)
        hone_endpoint_stats(sim.scheduler, i, &stats[i]);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(stats[i].n_taken, 0);
    assert_int_equal(stats[2].n_taken, 1);
    assert_int_equal(stats[3].n_taken, 2);
    assert_int_equal(stats[2].total[HONE_OUTCOME_OK].n, 1);
    assert_int_equal(stats[3].total[HONE_OUTCOME_OK].n, 1);
    assert_int_equal(stats[3].total[HONE_OUTCOME_LATE].n, 1);
    assert_float_equal(stats[2].total[HONE_OUTCOME_OK].sum_ms, 10, 1e-6);
    assert_float_equal(stats[3].total[HONE_OUTCOME_OK].sum_ms, 20, 1e-6);
    assert_float_equal(stats[3].stages[HONE_STAGE_QUEUE].sum_ms, 10, 1e-6);
    assert_float_equal(stats[3].stages[HONE_STAGE_INFER].sum_ms, 10, 1e-6);
    assert_float_equal(second->reply.queue_ms, 10, 1e-6);
    assert_float_equal(second->reply.infer_ms, 10, 1e-6);
    assert_float_equal(second->reply.total_ms, 20, 1e-6);
    assert_float_equal(second->reply.tokenize_ms, 0, 1e-6);
    release(first);
    release(second);
    release(late);
    sim_close();
}

/* The first token after what a prompt takes, the others after a step each. */
static void times_of_tokens(void **state)
{
    (void)state;
    sim_open(options_of(0, 1000));
    struct hone_scheduler_stats stats;
    struct sent *text = generation(10, 11);
    submit(text);
    pass_time(sim.now + 100 * MS);
    hone_scheduler_stats(sim.scheduler, &stats);
    assert_int_equal(stats.generation.first_token.n, 1);
    assert_float_equal(stats.generation.first_token.sum_ms, 2, 0.01);
    assert_int_equal(stats.generation.between_tokens.n, 10);
    assert_float_equal(stats.generation.between_tokens.sum_ms, 11,
                       0.01); /* the counters have 1024ths of a ms */
    assert_int_equal(stats.generation.n_steps, 11);
    assert_float_equal(stats.generation.step.sum_ms, 13, 0.01);
    release(text);
    sim_close();
}

/* Who finds the queue full is told to come back when half of it will have been computed. */
static void when_to_try_again(void **state)
{
    (void)state;
    enum { N = 6 };
    struct hone_scheduler_options options = options_of(1, 1000);
    struct hone_scheduler_stats stats;
    struct hone_error err;
    struct sent *list[N], *more = embedding(9);
    double ms = 0;
    options.max_queue = N;
    sim_open(options);
    struct sent *measured = embedding(20);
    submit(measured);
    pass_time(sim.now + 100 * MS);
    hone_scheduler_stats(sim.scheduler, &stats);
    size_t n_tokens = 0;
    for (size_t i = 0; i < N; i++) {
        list[i] = embedding(20);
        submit(list[i]);
    }
    pthread_mutex_lock(&sim.scheduler->lock);
    while (tokenizers_work(sim.scheduler, sim.scheduler->encodings, 1))
        ;
    pthread_mutex_unlock(&sim.scheduler->lock);
    n_tokens = N * measured->reply.n_tokens;
    assert_int_equal(hone_submit(sim.scheduler, &more->request, NULL, &ms, &err), HONE_BUSY);
    assert_float_equal(ms, 1e3 * (double)n_tokens / stats.tokens_per_s / 2, 1e-3);
    pass_time(sim.now + 100 * MS);
    for (size_t i = 0; i < N; i++)
        release(list[i]);
    release(more);
    release(measured);
    sim_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deadline_of_a_running_batch),
        cmocka_unit_test(deadline_between_batches),
        cmocka_unit_test(queue_timeout),
        cmocka_unit_test(queue_timeout_of_a_prompt),
        cmocka_unit_test(deadline_of_a_text_that_is_generated),
        cmocka_unit_test(a_flood_does_not_starve_generation),
        cmocka_unit_test(generation_does_not_starve_embeddings),
        cmocka_unit_test(prompts_are_cut_in_pieces),
        cmocka_unit_test(a_prompt_alone_has_larger_pieces),
        cmocka_unit_test(short_prompts_do_not_wait_for_long_ones),
        cmocka_unit_test(first_come_first_served),
        cmocka_unit_test(texts_are_prepared_in_order),
        cmocka_unit_test(cancelled_while_it_is_computed),
        cmocka_unit_test(cancelled_while_it_waits),
        cmocka_unit_test(cancelled_while_it_is_generated),
        cmocka_unit_test(times_and_endpoints),
        cmocka_unit_test(times_of_tokens),
        cmocka_unit_test(when_to_try_again),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
