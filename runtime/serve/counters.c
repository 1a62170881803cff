#include "runtime/serve/counters.h"

void counters_add(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

void counters_add_batch(struct counters *c, size_t n_requests, const struct hone_stats *stats, uint64_t ns,
                        uint64_t now)
{
    counters_add(&c->texts, stats->n_texts);
    counters_add(&c->tokens, stats->n_tokens);
    counters_add(&c->truncated, stats->n_truncated);
    counters_add(&c->invalid, stats->n_invalid);
    counters_add(&c->refused, stats->n_refused);
    histogram_add_ns(&c->batch, ns, now);
    histogram_add(&c->batch_requests, n_requests, now);
    histogram_add(&c->batch_texts, stats->n_texts, now);
    histogram_add(&c->batch_tokens, stats->n_tokens, now);
}

static enum hone_outcome outcome_of(enum hone_status status)
{
    return status == HONE_OK          ? HONE_OUTCOME_OK
           : status == HONE_LATE      ? HONE_OUTCOME_LATE
           : status == HONE_CANCELLED ? HONE_OUTCOME_CANCELLED
                                      : HONE_OUTCOME_FAILED;
}

void counters_add_reply(struct counters *c, const struct job *job, enum hone_status status, uint64_t now)
{
    size_t class = job->request.priority;
    struct endpoint_counters *e = &c->endpoints[job->request.endpoint];
    enum hone_outcome outcome = outcome_of(status);
    counters_add(&e->outcomes[outcome], 1);
    histogram_add_ns(&e->total[outcome], now - job->arrived, now);
    if (outcome == HONE_OUTCOME_OK) {
        counters_add(&e->texts, job->request.n_texts);
        counters_add(&e->tokens, job->n_tokens);
    }
    if (job->tokenized)
        histogram_add_ns(&e->stages[HONE_STAGE_TOKENIZE], job->tokenized - job->arrived, now);
    if (!job->started)
        return;
    histogram_add_ns(&e->stages[HONE_STAGE_QUEUE], job->started - job->tokenized, now);
    histogram_add_ns(&e->stages[HONE_STAGE_INFER], now - job->started, now);
    histogram_add_ns(&c->queue[class], job->started - job->arrived, now);
    histogram_add_ns(&c->total[class], now - job->arrived, now);
}

void counters_read(const struct counters *c, struct hone_scheduler_stats *out, uint64_t now)
{
    *out = (struct hone_scheduler_stats){
        .n_fast = c->fast,
        .n_batches = c->batches,
        .texts = {c->texts, c->tokens, c->truncated, c->invalid, c->refused},
        .batch = histogram_latency(&c->batch, now),
        .batch_requests = histogram_sizes(&c->batch_requests, now),
        .batch_texts = histogram_sizes(&c->batch_texts, now),
        .batch_tokens = histogram_sizes(&c->batch_tokens, now),
    };
    out->generation.n_steps = c->steps;
    out->generation.n_prompt_tokens = c->prompt_tokens;
    out->generation.n_cached_tokens = c->cached_tokens;
    out->generation.n_tokens = c->generated;
    out->generation.first_token = histogram_latency(&c->first_token, now);
    out->generation.between_tokens = histogram_latency(&c->between_tokens, now);
    out->generation.step = histogram_latency(&c->step, now);
    for (size_t i = 0; i < HONE_MAX_ENDPOINTS; i++) {
        const struct endpoint_counters *e = &c->endpoints[i];
        out->n_taken += e->taken;
        out->n_busy += e->busy;
        out->n_ok += e->outcomes[HONE_OUTCOME_OK];
        out->n_failed += e->outcomes[HONE_OUTCOME_FAILED];
        out->n_late += e->outcomes[HONE_OUTCOME_LATE];
        out->n_cancelled += e->outcomes[HONE_OUTCOME_CANCELLED];
    }
    for (size_t i = 0; i < HONE_N_PRIORITIES; i++) {
        out->queue[i] = histogram_latency(&c->queue[i], now);
        out->total[i] = histogram_latency(&c->total[i], now);
    }
}

void counters_read_endpoint(const struct endpoint_counters *c, struct hone_endpoint_stats *out, uint64_t now)
{
    *out = (struct hone_endpoint_stats){
        .n_taken = c->taken, .n_busy = c->busy, .n_texts = c->texts, .n_tokens = c->tokens};
    for (size_t i = 0; i < HONE_N_STAGES; i++)
        out->stages[i] = histogram_latency(&c->stages[i], now);
    for (size_t i = 0; i < HONE_N_OUTCOMES; i++)
        out->total[i] = histogram_latency(&c->total[i], now);
}
