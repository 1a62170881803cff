#include "runtime/scheduler/counters.h"

void count(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

void count_texts(struct counters *c, const struct hone_stats *stats)
{
    count(&c->texts, stats->n_texts);
    count(&c->tokens, stats->n_tokens);
    count(&c->truncated, stats->n_truncated);
    count(&c->invalid, stats->n_invalid);
    count(&c->refused, stats->n_refused);
}

void count_reply(struct counters *c, const struct job *job, enum hone_status status, uint64_t now)
{
    size_t class = job->request.priority;
    count(status == HONE_OK          ? &c->ok
          : status == HONE_LATE      ? &c->late
          : status == HONE_CANCELLED ? &c->cancelled
                                     : &c->failed,
          1);
    if (!job->started)
        return;
    histogram_add(&c->queue[class], job->started - job->arrived);
    histogram_add(&c->total[class], now - job->arrived);
}

void counters_read(const struct counters *c, struct hone_scheduler_stats *out)
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
        .batch = histogram_read(&c->batch),
    };
    for (size_t i = 0; i < HONE_N_PRIORITIES; i++) {
        out->queue[i] = histogram_read(&c->queue[i]);
        out->total[i] = histogram_read(&c->total[i]);
    }
}
