#include "runtime/serve/counters.h"

void counters_touch(struct counters *c)
{
    struct histogram *all[] = {&c->batch,       &c->batch_requests, &c->batch_texts, &c->batch_tokens,
                               &c->first_token, &c->between_tokens, &c->step};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        histogram_touch(all[i]);
    for (size_t i = 0; i < HONE_N_PRIORITIES; i++) {
        histogram_touch(&c->queue[i]);
        histogram_touch(&c->total[i]);
    }
}

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

void counters_add_reply(struct counters *c, const struct job *job, enum hone_status status, uint64_t now)
{
    size_t class = job->request.priority;
    counters_add(status == HONE_OK          ? &c->ok
                 : status == HONE_LATE      ? &c->late
                 : status == HONE_CANCELLED ? &c->cancelled
                                            : &c->failed,
                 1);
    if (!job->started)
        return;
    histogram_add_ns(&c->queue[class], job->started - job->arrived, now);
    histogram_add_ns(&c->total[class], now - job->arrived, now);
}

void counters_read(const struct counters *c, struct hone_scheduler_stats *out, uint64_t now)
{
    *out = (struct hone_scheduler_stats){
        .n_taken = c->taken,
        .n_busy = c->busy,
        .n_ok = c->ok,
        .n_failed = c->failed,
        .n_late = c->late,
        .n_cancelled = c->cancelled,
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
    for (size_t i = 0; i < HONE_N_PRIORITIES; i++) {
        out->queue[i] = histogram_latency(&c->queue[i], now);
        out->total[i] = histogram_latency(&c->total[i], now);
    }
}

double hone_latency_bound(size_t i)
{
    return i < HONE_N_BOUNDS ? (double)(1ull << i) / 16 : 0;
}
