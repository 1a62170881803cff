#include "tests/simulation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the clock, and what computing costs ---- */

struct simulation sim;

static uint64_t sim_now(void *arg)
{
    (void)arg;
    return sim.now;
}

static void sim_computed(void *arg, size_t n_tokens)
{
    (void)arg;
    uint64_t ends = sim.now + sim.a_pass + n_tokens * sim.a_token;
    assert_true(sim.n_passes < SIM_MAX_PASSES);
    if (sim.during)
        sim.during(ends);
    sim.passes[sim.n_passes++] = (struct sim_pass){sim.now, ends, n_tokens};
    sim.now = ends;
}

struct hone_scheduler_options sim_options(size_t max_parallel, size_t batch_tokens)
{
    struct hone_scheduler_options o = HONE_SCHEDULER_DEFAULTS;
    o.max_parallel = max_parallel;
    o.batch_tokens = batch_tokens;
    o.window_ms = 0;
    return o;
}

void sim_open(struct hone_scheduler_options options)
{
    struct hone_error err;
    sim = (struct simulation){.model = sim.model, .clock = {.now = sim_now, .computed = sim_computed}};
    sim.now = 1000 * SIM_MS;
    sim.a_pass = 1 * SIM_MS;
    sim.a_token = SIM_MS / 10;
    assert_ok(scheduler_new(&sim.scheduler, sim.model, &options, &sim.clock, &err), &err);
}

void sim_close(void)
{
    hone_scheduler_close(&sim.scheduler);
    assert_true(!sim.model->stepper.kv || kv_stats(sim.model->stepper.kv).n_used == 0);
}

void sim_pass_time(uint64_t until)
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

static void on_reply(void *arg, const struct hone_reply *reply)
{
    struct sim_request *r = arg;
    assert_int_equal(r->replied, 0);
    r->replied = sim.now;
    r->status = reply->status;
    r->reply = *reply;
    snprintf(r->message, sizeof r->message, "%s", reply->message);
    r->order = sim.n_replies++;
    if (r->again)
        r->again(r);
}

static bool on_token(void *arg, const struct hone_token *token)
{
    struct sim_request *r = arg;
    if (token->id >= 0 && r->n_tokens < SIM_MAX_TOKENS)
        r->token_at[r->n_tokens++] = sim.now;
    return true;
}

void sim_submit(struct sim_request *r)
{
    struct hone_error err;
    r->request.on_reply = on_reply;
    r->request.arg = r;
    r->replied = 0;
    assert_ok(hone_submit(sim.scheduler, &r->request, &r->id, NULL, &err), &err);
}

struct sim_request *sim_embedding(size_t n_letters)
{
    static char letters[] = "zqxjkvbpygfwmucldrhsnioateZQXJKVBPYGFWMUCLDRHSNIOATE";
    struct sim_request *r = calloc(1, sizeof *r);
    r->out = calloc(hone_model_info(sim.model)->n_embd, sizeof *r->out);
    r->text = (struct hone_text){letters, n_letters < sizeof letters ? n_letters : sizeof letters - 1};
    r->request = (struct hone_request){
        .kind = HONE_REQUEST_EMBED, .texts = &r->text, .n_texts = 1, .how = HONE_RUN_DEFAULTS, .out = r->out};
    r->request.how.pooling = "last";
    return r;
}

struct sim_request *sim_generation(size_t n_prompt, size_t n_new)
{
    static int32_t ids[2000];
    static int32_t salt;
    struct sim_request *r = calloc(1, sizeof *r);
    ids[0] = 5 + salt++ % 200; /* what begins otherwise shares nothing */
    for (size_t i = 1; i < sizeof ids / sizeof *ids; i++)
        ids[i] = (int32_t)(5 + i * i % 97);
    r->generation = (struct hone_generation){
        .sampling = HONE_SAMPLING_DEFAULTS, .max_tokens = n_new, .past_end = true, .n_ids = n_prompt};
    int32_t *own = malloc(n_prompt * sizeof *own);
    memcpy(own, ids, n_prompt * sizeof *own);
    r->generation.ids = own;
    r->generation.on_token = on_token;
    r->generation.arg = r;
    r->request = (struct hone_request){
        .kind = HONE_REQUEST_GENERATE, .generation = &r->generation, .how = HONE_RUN_DEFAULTS};
    return r;
}

void sim_release(struct sim_request *r)
{
    if (r->request.kind == HONE_REQUEST_GENERATE)
        free((int32_t *)r->generation.ids);
    hone_generation_release(&r->generation);
    free(r->out);
    free(r);
}

uint64_t sim_longest_gap(const struct sim_request *r, size_t first)
{
    uint64_t longest = 0;
    for (size_t i = first + 1; i < r->n_tokens; i++)
        if (r->token_at[i] - r->token_at[i - 1] > longest)
            longest = r->token_at[i] - r->token_at[i - 1];
    return longest;
}

int sim_set_up(void **state)
{
    (void)state;
    struct hone_error err;
    struct hone_options options = {.n_threads = 1};
    assert_ok(hone_model_open(&sim.model, fixture("causal"), &options, &err), &err);
    return 0;
}

int sim_tear_down(void **state)
{
    (void)state;
    hone_model_close(&sim.model);
    return 0;
}
