#include "server/figures/endpoint_stats.h"

static void add(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static uint64_t ns_of(double ms)
{
    return (uint64_t)(1e6 * ms + 0.5);
}

void endpoint_counters_touch(struct endpoint_counters *c)
{
    for (size_t i = 0; i < STAGE_N; i++)
        histogram_touch(&c->stages[i]);
    histogram_touch(&c->total[OUTCOME_OK]);
}

void endpoint_count_submission(struct endpoint_counters *c, enum hone_status status)
{
    if (status == HONE_OK)
        add(&c->taken, 1);
    else if (status == HONE_BUSY)
        add(&c->busy, 1);
}

static enum outcome outcome_of(enum hone_status status)
{
    return status == HONE_OK          ? OUTCOME_OK
           : status == HONE_LATE      ? OUTCOME_LATE
           : status == HONE_CANCELLED ? OUTCOME_CANCELLED
                                      : OUTCOME_FAILED;
}

/* A stage that the request did not come to is not counted: where nothing was computed (found in a cache, or given up
 * before), nothing was waited for either; and what ended before its token ids were there spent all its time on them. */
void endpoint_count_reply(struct endpoint_counters *c, const struct hone_reply *reply, uint64_t now)
{
    enum outcome outcome = outcome_of(reply->status);
    histogram_add_ns(&c->total[outcome], ns_of(reply->total_ms), now);
    if (outcome == OUTCOME_OK) {
        add(&c->texts, reply->n_texts);
        add(&c->tokens, reply->n_tokens);
    }
    if (outcome == OUTCOME_OK || reply->tokenize_ms < reply->total_ms)
        endpoint_count_stage(c, STAGE_TOKENIZE, ns_of(reply->tokenize_ms), now);
    if (reply->infer_ms <= 0)
        return;
    endpoint_count_stage(c, STAGE_QUEUE, ns_of(reply->queue_ms), now);
    endpoint_count_stage(c, STAGE_INFER, ns_of(reply->infer_ms), now);
}

void endpoint_count_stage(struct endpoint_counters *c, enum stage stage, uint64_t ns, uint64_t now)
{
    histogram_add_ns(&c->stages[stage], ns, now);
}

void endpoint_stats_read(const struct endpoint_counters *c, struct endpoint_stats *out, uint64_t now)
{
    *out = (struct endpoint_stats){
        .n_taken = c->taken, .n_busy = c->busy, .n_texts = c->texts, .n_tokens = c->tokens};
    for (size_t i = 0; i < STAGE_N; i++)
        out->stages[i] = histogram_latency(&c->stages[i], now);
    for (size_t i = 0; i < OUTCOME_N; i++)
        out->total[i] = histogram_latency(&c->total[i], now);
}
